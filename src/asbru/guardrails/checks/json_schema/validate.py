"""JSON against a schema: the words of JSON Schema that structured output uses, and no others.

    type, enum, const, anyOf, oneOf, allOf, not, $ref to `#/$defs/...` and `#/definitions/...`
    properties, required, additionalProperties, minProperties, maxProperties, patternProperties
    items, prefixItems, minItems, maxItems, uniqueItems
    minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf

Source: https://json-schema.org/draft/2020-12. Words that only describe are passed over (title, description, format,
default, examples and their like). Schemas are checked by `flaws`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from asbru.guardrails.checks.json_schema.flaws import DEPTH_MAX, TYPES, check_schema, resolve
from asbru.guardrails.checks.kit import WholeJudge
from asbru.guardrails.findings import Finding
from asbru.guardrails.patterns import Pattern, Utf8

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


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
        """Raises `ValueError` for a schema that could not be enforced."""
        self._root = schema
        self._patterns = {source: Pattern(source) for source in check_schema(schema, _WORDS)}

    def allows(self, value: object) -> bool:
        """Whether the value is one of the schema."""
        return self._allows(value, self._root, 0)

    def _matches(self, pattern: str, text: str) -> bool:
        data = Utf8(text).data
        found = self._patterns[pattern]
        return any(True for _ in found.spans(data, 0, len(data))) or _matches_nothing(found.source, data)

    def _allows(self, value: Any, schema: Any, depth: int) -> bool:
        if isinstance(schema, bool):
            return schema
        if depth > DEPTH_MAX:
            return False
        return all(_WORDS[word](self, value, schema, depth + 1) for word in schema if word in _WORDS)


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
    return TYPES["number"](value)


def _is_multiple(value: float, of: float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    try:
        times = value / of
    except OverflowError:  # an integer that no float holds
        return False
    return math.isfinite(times) and abs(times - round(times)) < 1e-9


_Word = Callable[[Schema, Any, "dict[str, Any]", int], bool]


def _sub(word: str, decide: Callable[[list[bool]], bool]) -> _Word:
    return lambda one, value, schema, depth: decide([one._allows(value, each, depth) for each in schema[word]])  # pyright: ignore[reportPrivateUsage] -- one file


def _sized(kind: type, word: str, within: Callable[[int, int], bool]) -> _Word:
    return lambda one, value, schema, depth: not isinstance(value, kind) or within(len(value), schema[word])


def _compared(word: str, within: Callable[[float, float], bool]) -> _Word:
    return lambda one, value, schema, depth: not _number(value) or within(value, schema[word])


_WORDS: Mapping[str, _Word] = {
    "type": lambda one, value, schema, depth: any(
        TYPES[kind](value) for kind in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
    ),
    "enum": lambda one, value, schema, depth: any(_same(value, each) for each in schema["enum"]),
    "const": lambda one, value, schema, depth: _same(value, schema["const"]),
    "anyOf": _sub("anyOf", any),
    "allOf": _sub("allOf", all),
    "oneOf": _sub("oneOf", lambda found: sum(found) == 1),
    "not": lambda one, value, schema, depth: not one._allows(value, schema["not"], depth),  # pyright: ignore[reportPrivateUsage] -- one file
    "$ref": lambda one, value, schema, depth: one._allows(value, resolve(one._root, schema["$ref"]), depth),  # pyright: ignore[reportPrivateUsage] -- one file
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
    "multipleOf": _compared("multipleOf", _is_multiple),
}
