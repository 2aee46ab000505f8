"""JSON Schema as Python types, for stubs that models read: exact where Python can say it, `Any` where it cannot.

    {"type": "string"}                       str
    {"enum": ["a", "b"]}                     Literal["a", "b"]
    {"type": "array", "items": ...}          list[...]
    {"type": "object", "properties": ...}    a TypedDict of its own
    anyOf, oneOf, a list of types            a union
    $ref within the schema                   what it refers to; a cycle is Any

Total: any JSON gives a type. Depth and the number of classes are bounded, for a server may send anything.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from typing import Final, NamedTuple

from asbru.mcp.code.names import identifier
from asbru.mcp.loose import as_list, as_object

DEPTH_MAX: Final = 12
CLASSES_MAX: Final = 60
CHOICES_MAX: Final = 24
_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


class _Place(NamedTuple):
    """Where in a schema: what a class there is called, how deep, and through which references."""

    name: str
    depth: int = 0
    seen: tuple[str, ...] = ()

    def below(self, name: str) -> _Place:
        """One level down."""
        return self._replace(name=name, depth=self.depth + 1)


class TypeWriter:
    """Writes the types of one schema. `classes`: the TypedDicts that its types name, in the order of their need."""

    def __init__(self, schema: object, prefix: str) -> None:
        self.classes: dict[str, str] = {}
        self._root = schema
        self._prefix = prefix

    def type_of(self, schema: object, name: str) -> str:
        """The type of what fits `schema`; `name`: what a class for it is called."""
        return self._type(schema, _Place(name))

    def _type(self, given: object, place: _Place) -> str:
        schema = as_object(given)
        if not schema or place.depth > DEPTH_MAX:
            return "Any"
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = None if reference in place.seen else _resolved(self._root, reference)
            below = place.below(reference.rpartition("/")[2] or place.name)
            return self._type(target, below._replace(seen=(*place.seen, reference)))
        if "const" in schema:
            return _literal([schema["const"]])
        if isinstance(schema.get("enum"), list):
            return _literal(as_list(schema["enum"]))
        for several in ("anyOf", "oneOf"):
            if isinstance(schema.get(several), list):
                return self._union(as_list(schema[several]), place)
        parts = as_list(schema.get("allOf"))
        if parts and "properties" not in schema:
            return self._type(_together(parts), place.below(place.name))
        kinds = as_list(schema.get("type"))
        if kinds:
            return self._union([{**schema, "type": one} for one in kinds], place)
        return self._of_kind(schema, schema.get("type"), place)

    def _of_kind(self, schema: Mapping[str, object], kind: object, place: _Place) -> str:
        if kind == "array":
            items = schema.get("items")
            return f"list[{self._type(items, place.below(f'{place.name}_item'))}]" if items else "list"
        if kind == "object" or "properties" in schema:
            properties = as_object(schema.get("properties"))
            if properties and len(self.classes) < CLASSES_MAX:
                return self._class(schema, properties, place)
            inner = self._type(schema.get("additionalProperties"), place.below(f"{place.name}_value"))
            return "dict" if inner == "Any" else f"dict[str, {inner}]"
        return _PLAIN.get(kind, "Any") if isinstance(kind, str) else "Any"

    def _union(self, several: list[object], place: _Place) -> str:
        found = [
            self._type(one, place.below(f"{place.name}_{number}")) for number, one in enumerate(several[:CHOICES_MAX])
        ]
        return "Any" if "Any" in found or not found else " | ".join(dict.fromkeys(found))

    def _class(self, schema: Mapping[str, object], properties: Mapping[str, object], place: _Place) -> str:
        title = "".join(part[:1].upper() + part[1:] for part in identifier(place.name).split("_") if part)
        called = f"{self._prefix}{title}"
        if called in self.classes:
            return called
        self.classes[called] = ""  # holds the place, and ends cycles
        needed = set(map(str, as_list(schema.get("required"))))
        members: list[tuple[str, str]] = []
        for key, inner in properties.items():
            kind = self._type(inner, place.below(f"{place.name}_{key}"))
            members.append((key, kind if key in needed else f"NotRequired[{kind}]"))
        del self.classes[called]  # after those that it names
        if all(key.isidentifier() and not keyword.iskeyword(key) for key, _ in members):
            body = "\n".join(f"    {key}: {kind}" for key, kind in members)
            self.classes[called] = f"class {called}(TypedDict):\n{body}"
        else:
            body = ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {kind}" for key, kind in members)
            self.classes[called] = f'{called} = TypedDict("{called}", {{{body}}})'
        return called


def _literal(choices: list[object]) -> str:
    plain = [one for one in choices if one is None or isinstance(one, str | int | bool)]
    if len(plain) == len(choices) and 0 < len(choices) <= CHOICES_MAX:
        return f"Literal[{', '.join(map(_as_python, plain))}]"
    if all(isinstance(one, str) for one in choices):
        return "str"
    return "int" if all(isinstance(one, int) for one in choices) else "Any"


def _as_python(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _together(parts: list[object]) -> dict[str, object]:
    """What fits all of several schemas, as far as members tell."""
    properties: dict[str, object] = {}
    required: list[object] = []
    merged: dict[str, object] = {}
    for part in map(as_object, parts):
        merged.update(part)
        properties.update(as_object(part.get("properties")))
        required += as_list(part.get("required"))
    if properties:
        merged |= {"properties": properties, "required": required}
    merged.pop("allOf", None)
    return merged


def _resolved(root: object, reference: str) -> object:
    """What a pointer into the schema itself points at; None for any other."""
    if not reference.startswith("#/"):
        return root if reference == "#" else None
    found = root
    for part in reference[2:].split("/"):
        found = as_object(found).get(part.replace("~1", "/").replace("~0", "~"))
    return found
