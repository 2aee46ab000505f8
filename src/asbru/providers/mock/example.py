"""A value that fits a JSON Schema: what the mock fills tool arguments and structured output with.

Covers what callers' tools use (types, enum, const, default, anyOf, allOf, local $ref, bounds, common formats); it is
not a validator, and a schema that contradicts itself gets the nearest value.
"""

from __future__ import annotations

from typing import Any

from asbru.providers.mock.prompt import Object, as_list, as_object, as_text

DEPTH_MAX = 12

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def example(schema: object, name: str = "text", *, root: Object | None = None, depth: int = 0) -> Any:
    """A value for `schema`; `name` is the property it stands for, and becomes the text of plain strings."""
    given = as_object(schema)
    root = given if root is None else root
    if depth > DEPTH_MAX:
        return None
    for word in ("const", "default"):
        if word in given:
            return given[word]
    for word in ("enum", "examples"):
        if choices := as_list(given.get(word)):
            return choices[0]
    if "$ref" in given:
        return example(_resolve(as_text(given["$ref"]), root), name, root=root, depth=depth + 1)
    for word in ("anyOf", "oneOf"):
        if branches := [item for item in as_list(given.get(word)) if as_object(item).get("type") != "null"]:
            return example(branches[0], name, root=root, depth=depth + 1)
    if "allOf" in given:
        return example(_merge(given), name, root=root, depth=depth + 1)
    return _by_type(given, name, root, depth)


def _by_type(schema: Object, name: str, root: Object, depth: int) -> Any:
    match _type_of(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            count = max(1, _whole(schema.get("minItems"), 1))
            return [example(schema.get("items", {}), name, root=root, depth=depth + 1) for _ in range(count)]
        case "integer":
            return _whole(schema.get("minimum"), _whole(schema.get("exclusiveMinimum"), 0) + 1)
        case "number":
            return schema.get("minimum", 1.5)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, name)


def _type_of(schema: Object) -> str:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else [as_text(item) for item in as_list(kind)]
    for candidate in kinds:
        if candidate != "null":
            return candidate
    if kinds:
        return "null"
    return "object" if "properties" in schema else "string"


def _object(schema: Object, root: Object, depth: int) -> Object:
    """The required properties in the schema's order; all of them where none is required."""
    properties = as_object(schema.get("properties"))
    required = as_list(schema.get("required")) or list(properties)
    return {
        key: example(value, key, root=root, depth=depth + 1) for key, value in properties.items() if key in required
    }


def _string(schema: Object, name: str) -> str:
    text = _FORMATS.get(as_text(schema.get("format")), name)
    text = text.ljust(_whole(schema.get("minLength"), 0), "x")
    return text[: _whole(schema.get("maxLength"), len(text))]


def _merge(schema: Object) -> Object:
    merged: Object = {key: value for key, value in schema.items() if key != "allOf"}
    for branch in as_list(schema["allOf"]):
        for key, value in as_object(branch).items():
            if key == "properties":
                merged[key] = {**as_object(merged.get(key)), **as_object(value)}
            elif key == "required":
                merged[key] = [*as_list(merged.get(key)), *as_list(value)]
            else:
                merged.setdefault(key, value)
    return merged


def _resolve(reference: str, root: Object) -> Object:
    """The schema a local reference (`#/$defs/Thing`) names; {} for any other."""
    if not reference.startswith("#"):
        return {}
    found = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = as_object(found.get(step.replace("~1", "/").replace("~0", "~"))) if step else found
    return found


def _whole(value: object, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) else otherwise
