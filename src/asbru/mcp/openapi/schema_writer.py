"""Schemas of OpenAPI as JSON Schema 2020-12: complete in themselves, with what they refer to under `$defs`.

"$ref": "#/components/schemas/Pet"      "$ref": "#/$defs/Pet", and Pet in $defs, once
nullable: true (3.0)                    "type": [..., "null"]
exclusiveMinimum: true (3.0)            exclusiveMinimum: the number
readOnly in a request                   left out; writeOnly in a result likewise
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

from asbru.mcp.loose import as_list, as_object, as_text
from asbru.mcp.openapi.api import DocumentError

DEPTH_MAX: Final = 40
DEFINITIONS_MAX: Final = 200
NODES_MAX: Final = 30_000
"""Schemas within the schemas of one tool: more are no use to a model, and many tools may share them."""
_DROPPED: Final = frozenset(("discriminator", "xml", "externalDocs", "example", "nullable", "readOnly", "writeOnly"))
_MAPS: Final = frozenset(("properties", "patternProperties", "$defs", "dependentSchemas"))
_LISTS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SCHEMAS: Final = frozenset(
    ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
)

Use: TypeAlias = Literal["request", "response"]


class Schemas:
    """Writes schemas of one document for one use; `definitions` grows with what they refer to."""

    def __init__(self, document: dict[str, object], use: Use) -> None:
        self.definitions: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._nodes = 0
        self._document = document
        self._hidden = "readOnly" if use == "request" else "writeOnly"

    def write(self, schema: object, depth: int = 0) -> Any:
        """The schema. Raises DocumentError for one that is nested too deeply or refers to what is not there."""
        if isinstance(schema, bool):
            return schema
        members = as_object(schema)
        self._nodes += 1
        if depth > DEPTH_MAX:
            raise DocumentError(f"a schema is nested more than {DEPTH_MAX} deep")
        if self._nodes > NODES_MAX:
            raise DocumentError(f"its schemas hold more than {NODES_MAX} others")
        reference = members.get("$ref")
        if isinstance(reference, str):
            return {"$ref": f"#/$defs/{self._define(reference, depth)}"}
        written = {key: self._member(key, value, depth) for key, value in members.items() if key not in _DROPPED}
        self._without_hidden(members, written)
        _as_2020(members, written)
        return written

    def _member(self, key: str, value: object, depth: int) -> Any:
        if key in _MAPS:
            return {name: self.write(one, depth + 1) for name, one in as_object(value).items()}
        if key in _LISTS:
            return [self.write(one, depth + 1) for one in as_list(value)]
        return self.write(value, depth + 1) if key in _SCHEMAS else value

    def _define(self, reference: str, depth: int) -> str:
        """The name of a definition: the last part of the reference, with a number where another one ends alike."""
        known = self._names.get(reference)
        if known is not None:
            return known
        if len(self.definitions) >= DEFINITIONS_MAX:
            raise DocumentError(f"a schema refers to more than {DEFINITIONS_MAX} others")
        last = parts_of(reference)[-1].replace("/", "_")
        name = next(
            one
            for one in (last, *(f"{last}_{n}" for n in range(2, DEFINITIONS_MAX + 2)))
            if one not in self.definitions
        )
        self._names[reference] = name
        self.definitions[name] = {}  # holds the place, and ends cycles
        self.definitions[name] = self.write(resolve(self._document, reference), depth + 1)
        return name

    def _without_hidden(self, members: dict[str, object], written: dict[str, Any]) -> None:
        hidden = {
            name
            for name, one in as_object(members.get("properties")).items()
            if as_object(one).get(self._hidden) is True
        }
        if hidden:
            written["properties"] = {name: one for name, one in written["properties"].items() if name not in hidden}
            required = [one for one in as_list(members.get("required")) if one not in hidden]
            written["required"] = required


def _as_2020(members: dict[str, object], written: dict[str, Any]) -> None:
    """What 3.0 says in its own way."""
    kind = members.get("type")
    if members.get("nullable") is True and isinstance(kind, str):
        written["type"] = [kind, "null"]
        if isinstance(written.get("enum"), list) and None not in written["enum"]:
            written["enum"] = [*written["enum"], None]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(members.get(exclusive), bool):
            written.pop(exclusive)
            if members[exclusive] and bound in written:
                written[exclusive] = written.pop(bound)


def parts_of(reference: str) -> list[str]:
    """The steps of a reference. Raises DocumentError for one that leads out of the document."""
    if not reference.startswith("#/"):
        raise DocumentError(f"`{reference}` is not within the document: bundle it into one file first")
    return [part.replace("~1", "/").replace("~0", "~") for part in unquote(reference[2:]).split("/")]


def resolve(document: dict[str, object], reference: str) -> object:
    """What a reference within the document means. Raises DocumentError for any other, and for what is not there."""
    found: object = document
    for name in parts_of(reference):
        items = as_list(found)
        members = {str(at): one for at, one in enumerate(items)} if items else as_object(found)
        if name not in members:
            raise DocumentError(f"`{reference}` is not in the document")
        found = members[name]
    return found


def resolved(document: dict[str, object], value: object) -> dict[str, object]:
    """A parameter, body or response, where it is given by reference what that means."""
    members = as_object(value)
    for _ in range(8):
        reference = as_text(members.get("$ref"))
        if not reference:
            return members
        members = as_object(resolve(document, reference))
    raise DocumentError("a reference leads to references without end")
