"""What is wrong with a schema, found whole before the first text: no text can then find a flaw of it.

Refused are words that cannot be enforced, values that their words do not have, references to nothing, and schemas that
look at one value again and again: those would never end. How values are judged is in `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

DEPTH_MAX: Final = 64
LOOKS_MAX: Final = 10_000
"""Schemas that one value is held against, without the values within it."""
TYPES: Final[Mapping[str, Callable[[object], bool]]] = {
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
_PLACES: Final = ("$defs", "definitions")
_IN_PLACE: Final = ("anyOf", "oneOf", "allOf", "not")
"""Words whose schemas are about the same value; so is `$ref`."""
_DESCRIBES: Final = frozenset(
    (
        *("$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"),
        *("format", "deprecated", "readOnly", "writeOnly", "strict", "name"),
    )
)
_COUNT: Final = Annotated[int, Meta(ge=0)]
_SHAPES: Final[dict[str, Any]] = {
    **dict.fromkeys(("properties", "patternProperties", *_PLACES), dict[str, Any]),
    **dict.fromkeys(("anyOf", "oneOf", "allOf"), Annotated[list[Any], Meta(min_length=1)]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), int | float),
    **dict.fromkeys(("minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength"), _COUNT),
    **dict.fromkeys(("pattern", "$ref"), str),
    "type": str | list[str],
    "enum": list[Any],
    "required": list[str],
    "prefixItems": list[Any],
    "uniqueItems": bool,
    "multipleOf": Annotated[float, Meta(gt=0)],
}
"""What words have as their values; the others have a schema, or anything."""


def check_schema(root: dict[str, Any], words: Collection[str]) -> list[str]:
    """The patterns of a schema that can be enforced by `words`. Raises `ValueError` for any other."""
    schemas = list(_schemas(root, words, 0))
    for place in _PLACES:
        for one in root.get(place, {}).values():
            schemas += _schemas(one, words, 1)
    looks: dict[int, int] = {}
    for one in schemas:
        _count_looks(root, one, looks)
    return [pattern for one in schemas for pattern in (*_pattern_of(one), *one.get("patternProperties", ()))]


def resolve(root: dict[str, Any], ref: str) -> Any:
    """The schema that a reference is to. Raises `ValueError` where there is none."""
    if ref == "#":
        return root
    for place in _PLACES:
        prefix = f"#/{place}/"
        if ref.startswith(prefix) and ref.removeprefix(prefix) in root.get(place, {}):
            return root[place][ref.removeprefix(prefix)]
    raise ValueError(f"the schema refers to {ref!r}, which it does not contain")


def _schemas(schema: object, words: Collection[str], depth: int) -> Iterator[dict[str, Any]]:
    """A schema and those within it, each once its words and their values are known to be right."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict) or depth > DEPTH_MAX:
        raise ValueError("expected a schema that is an object, not nested too deeply")
    known = cast("dict[str, Any]", schema)
    for word, value in known.items():
        if word not in words and word not in _DESCRIBES:
            raise ValueError(f"the schema uses '{word}', which cannot be enforced")
        _check_value(word, value)
    yield known
    for word, value in known.items():
        for inner in _inner(word, value):
            yield from _schemas(inner, words, depth + 1)


def _check_value(word: str, value: Any) -> None:
    try:
        msgspec.convert(value, _SHAPES.get(word, Any))
    except msgspec.ValidationError as error:
        text = str(error)
        raise ValueError(f"the schema's '{word}': {text[:1].lower()}{text[1:]}") from None
    if word == "type" and not all(one in TYPES for one in ([value] if isinstance(value, str) else value)):
        raise ValueError(f"the schema uses the type {value!r}, which JSON does not have")


def _count_looks(root: dict[str, Any], schema: Any, looks: dict[int, int]) -> int:
    """How many schemas a value is held against by this one, without the values within it. `looks`: what is known, by
    identity; 0 for a schema that is being counted."""
    if isinstance(schema, bool):
        return 1
    known = looks.get(id(schema))
    if known == 0:
        raise ValueError("the schema refers to itself without `properties` or `items` in between")
    if known is not None:
        return known
    looks[id(schema)] = 0
    same = [inner for word in _IN_PLACE if word in schema for inner in _inner(word, schema[word])]
    if "$ref" in schema:
        same.append(resolve(root, schema["$ref"]))
    count = 1 + sum(_count_looks(root, inner, looks) for inner in same)
    if count > LOOKS_MAX:
        raise ValueError(f"the schema holds one value against more than {LOOKS_MAX} others; expected a simpler one")
    looks[id(schema)] = count
    return count


def _inner(word: str, value: Any) -> Sequence[Any]:
    """The schemas within one."""
    if word in ("properties", "patternProperties"):
        return list(value.values())
    if word in ("items", "additionalProperties", "not"):
        return [value]
    return value if word in ("anyOf", "oneOf", "allOf", "prefixItems") else ()


def _pattern_of(schema: dict[str, Any]) -> tuple[str, ...]:
    return (schema["pattern"],) if "pattern" in schema else ()
