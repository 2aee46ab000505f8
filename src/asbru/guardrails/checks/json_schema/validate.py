"""JSON against a schema: the words of JSON Schema that structured output uses, and no others.

    type, enum, const, anyOf, oneOf, allOf, not, $ref to `#/$defs/...` and `#/definitions/...`
    properties, required, additionalProperties, minProperties, maxProperties, patternProperties
    items, prefixItems, minItems, maxItems, uniqueItems
    minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf

Source: https://json-schema.org/draft/2020-12. Words that only describe are passed over (title, description, format,
default, examples and their like).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from asbru.guardrails.checks.kit import WholeJudge
from asbru.guardrails.findings import Finding
from asbru.guardrails.patterns import Pattern, Utf8

_DEPTH_MAX = 64
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_DESCRIBES = frozenset(
    [
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "format",
        "deprecated",
        "readOnly",
        "writeOnly",
        "strict",
        "name",
    ]
)
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "number": lambda value: not isinstance(value, bool) and isinstance(value, int | float),
}


class SchemaJudge(WholeJudge):
    """Finds texts that are no JSON, or none that the schema allows."""

    def __init__(self, schema: dict[str, Any], *, fenced: bool) -> None:
        """Raises `ValueError` for a schema that could not be enforced."""
        self._schema = Schema(schema)
        self._fenced = fenced

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """See `Judge`."""
        found = ((index, self._wrong(text)) for index, text in enumerate(texts))
        return [Finding(index, 0, len(texts[index]), kind) for index, kind in found if kind]

    def _wrong(self, text: str) -> str:
        fence = _FENCE.fullmatch(text) if self._fenced else None
        try:
            value = msgspec.json.decode(fence[1] if fence else text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return "not_json"
        return "" if self._schema.allows(value) else "schema_mismatch"


class Schema:
    """A schema that was checked."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises `ValueError`."""
        self._root = schema
        self._patterns: dict[str, Pattern] = {}
        self._check(schema, 0)
        for place in ("$defs", "definitions"):
            for one in cast("dict[str, object]", schema.get(place, {})).values():
                self._check(one, 1)

    def allows(self, value: object) -> bool:
        """Whether the value is one of the schema."""
        return self._allows(value, self._root, 0)

    def _check(self, schema: object, depth: int) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict) or depth > _DEPTH_MAX:
            raise ValueError("expected a schema that is an object, not nested too deeply")
        for word, value in cast("dict[str, Any]", schema).items():
            if word not in _WORDS and word not in _DESCRIBES:
                raise ValueError(f"the schema uses '{word}', which cannot be enforced")
            for inner in _inner(word, value):
                self._check(inner, depth + 1)
            self._check_word(word, value)

    def _check_word(self, word: str, value: Any) -> None:
        if word == "pattern":
            self._patterns[value] = Pattern(value)
        elif word == "patternProperties":
            self._patterns |= {name: Pattern(name) for name in value}
        elif word == "$ref":
            self._resolve(value)
        elif word == "type" and not all(one in _TYPES for one in ([value] if isinstance(value, str) else value)):
            raise ValueError(f"the schema uses the type {value!r}, which JSON does not have")

    def _resolve(self, ref: str) -> Any:
        if ref == "#":
            return self._root
        for place in ("$defs", "definitions"):
            prefix = f"#/{place}/"
            if ref.startswith(prefix) and ref.removeprefix(prefix) in self._root.get(place, {}):
                return self._root[place][ref.removeprefix(prefix)]
        raise ValueError(f"the schema refers to {ref!r}, which it does not contain")

    def _matches(self, pattern: str, text: str) -> bool:
        data = Utf8(text).data
        found = self._patterns[pattern]
        return any(True for _ in found.spans(data, 0, len(data))) or _matches_nothing(found.source, data)

    def _allows(self, value: Any, schema: Any, depth: int) -> bool:
        if isinstance(schema, bool):
            return schema
        if depth > _DEPTH_MAX:
            return False
        return all(_WORDS[word](self, value, schema, depth + 1) for word in schema if word in _WORDS)


def _inner(word: str, value: Any) -> Sequence[Any]:
    """The schemas within one."""
    if word in ("properties", "patternProperties"):
        return list(value.values())
    if word in ("items", "additionalProperties", "not"):
        return [value]
    return value if word in ("anyOf", "oneOf", "allOf", "prefixItems") else ()


def _matches_nothing(source: str, data: bytes) -> bool:
    """Whether the pattern is content with no text at all somewhere."""
    from asbru.guardrails.patterns import compiled

    return compiled(source).search(data) is not None


def _properties(one: Schema, value: Any, schema: dict[str, Any], depth: int) -> bool:
    if not isinstance(value, dict):
        return True
    members = cast("dict[str, Any]", value)
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    others = schema.get("additionalProperties", True)
    for name, member in members.items():
        rules = [known[name]] if name in known else []
        rules += [rule for pattern, rule in patterns.items() if one._matches(pattern, name)]  # pyright: ignore[reportPrivateUsage] -- one file
        if not all(one._allows(member, rule, depth) for rule in rules or [others]):  # pyright: ignore[reportPrivateUsage] -- one file
            return False
    return True


def _items(one: Schema, value: Any, schema: dict[str, Any], depth: int) -> bool:
    if not isinstance(value, list):
        return True
    first = schema.get("prefixItems", ())
    rest = schema.get("items", True)
    items = cast("list[Any]", value)
    return all(
        one._allows(item, first[at] if at < len(first) else rest, depth)  # pyright: ignore[reportPrivateUsage] -- one file
        for at, item in enumerate(items)
    )


def _same(left: Any, right: Any) -> bool:
    return msgspec.json.encode(left, order="sorted") == msgspec.json.encode(right, order="sorted")


def _unique(value: Any) -> bool:
    if not isinstance(value, list):
        return True
    items = cast("list[object]", value)
    return len({msgspec.json.encode(item, order="sorted") for item in items}) == len(items)


def _number(value: Any) -> bool:
    return _TYPES["number"](value)


_Word = Callable[[Schema, Any, "dict[str, Any]", int], bool]


def _sub(word: str, decide: Callable[[list[bool]], bool]) -> _Word:
    return lambda one, value, schema, depth: decide([one._allows(value, each, depth) for each in schema[word]])  # pyright: ignore[reportPrivateUsage] -- one file


def _sized(kind: type, word: str, within: Callable[[int, int], bool]) -> _Word:
    return lambda one, value, schema, depth: not isinstance(value, kind) or within(len(value), schema[word])


def _compared(word: str, within: Callable[[float, float], bool]) -> _Word:
    return lambda one, value, schema, depth: not _number(value) or within(value, schema[word])


_WORDS: Mapping[str, _Word] = {
    "type": lambda one, value, schema, depth: any(
        _TYPES[kind](value) for kind in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
    ),
    "enum": lambda one, value, schema, depth: any(_same(value, each) for each in schema["enum"]),
    "const": lambda one, value, schema, depth: _same(value, schema["const"]),
    "anyOf": _sub("anyOf", any),
    "allOf": _sub("allOf", all),
    "oneOf": _sub("oneOf", lambda found: sum(found) == 1),
    "not": lambda one, value, schema, depth: not one._allows(value, schema["not"], depth),  # pyright: ignore[reportPrivateUsage] -- one file
    "$ref": lambda one, value, schema, depth: one._allows(value, one._resolve(schema["$ref"]), depth),  # pyright: ignore[reportPrivateUsage] -- one file
    "properties": _properties,
    "patternProperties": _properties,
    "additionalProperties": _properties,
    "required": lambda one, value, schema, depth: (
        not isinstance(value, dict) or all(name in value for name in schema["required"])
    ),
    "minProperties": _sized(dict, "minProperties", lambda size, bound: size >= bound),
    "maxProperties": _sized(dict, "maxProperties", lambda size, bound: size <= bound),
    "items": _items,
    "prefixItems": _items,
    "minItems": _sized(list, "minItems", lambda size, bound: size >= bound),
    "maxItems": _sized(list, "maxItems", lambda size, bound: size <= bound),
    "uniqueItems": lambda one, value, schema, depth: not schema["uniqueItems"] or _unique(value),
    "minLength": _sized(str, "minLength", lambda size, bound: size >= bound),
    "maxLength": _sized(str, "maxLength", lambda size, bound: size <= bound),
    "pattern": lambda one, value, schema, depth: not isinstance(value, str) or one._matches(schema["pattern"], value),  # pyright: ignore[reportPrivateUsage] -- one file
    "minimum": _compared("minimum", lambda value, bound: value >= bound),
    "maximum": _compared("maximum", lambda value, bound: value <= bound),
    "exclusiveMinimum": _compared("exclusiveMinimum", lambda value, bound: value > bound),
    "exclusiveMaximum": _compared("exclusiveMaximum", lambda value, bound: value < bound),
    "multipleOf": _compared("multipleOf", lambda value, bound: abs(value / bound - round(value / bound)) < 1e-9),
}
