"""The schema of a tool's parameters, in the form that strict providers take.

OpenAI and Anthropic refuse the whole request where the root of a schema is not a plain object: it needs `type: object`
and (OpenAI) `properties`, and must not hold a combinator (`anyOf`, `oneOf`, `allOf`), a `$ref`, `enum` or `not`. What
the root lacks is added. Combinators are merged into it: every property stays known to the model; what is required in
all alternatives (of `allOf`: in any) stays required. What the root says below its properties is left as it came.
Only translated requests are changed: what the caller asked of its own dialect goes as it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.receipt import Receipt

NO_PARAMETERS: Final = Raw(b'{"type":"object","properties":{}}')

_MERGED: Final = ("allOf", "anyOf", "oneOf", "$ref")
_LEFT_OUT: Final = ("enum", "not")
_DEPTH_MAX: Final = 8
"""How deep combinators in combinators, and references to references, are followed."""

_OBJECT: Final = Raw(b'"object"')
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_names = msgspec.json.Decoder(list[str]).decode
_schemas = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


def write_schema(parameters: Raw, path: str, receipt: Receipt, *, properties: bool = True) -> Raw:
    """`parameters` with a root that is a plain object; each change is noted below `path`.

    `properties`: the target wants them also where there are none."""
    try:
        root = _members(parameters)
    except DECODE_ERRORS:
        receipt.changed(path, "not a JSON schema object")
        return NO_PARAMETERS
    odd = [name for name in (*_MERGED, *_LEFT_OUT) if name in root]
    lacks = not _is_object(root.get("properties")) and (properties or "properties" in root)
    if not odd and not lacks and root.get("type") == _OBJECT:
        return parameters
    if odd:
        root = _flatten(root, odd, path, receipt)
    given = root.get("type")
    if given != _OBJECT:
        note = receipt.added if given is None else receipt.changed
        note(f"{path}.type", "object")
        root = {"type": _OBJECT, **{name: raw for name, raw in root.items() if name != "type"}}
    if lacks and not odd:
        receipt.added(f"{path}.properties", "an object schema needs them")
        root["properties"] = Raw(b"{}")
    return Raw(_encode(root))


def _is_object(raw: Raw | None) -> bool:
    return raw is not None and bytes(memoryview(raw)[:1]) == b"{"


def _flatten(root: dict[str, Raw], odd: list[str], path: str, receipt: Receipt) -> dict[str, Raw]:
    """The root without its combinators, with the properties that they name."""
    properties, required = _fields_of(root, root, _DEPTH_MAX)
    required = [name for name in dict.fromkeys(required) if name in properties]
    flat = {name: raw for name, raw in root.items() if name not in odd}
    for name in odd:
        receipt.changed(f"{path}.{name}", "not allowed at the root of a tool's schema")
    flat["properties"] = Raw(_encode(properties))
    flat.pop("required", None)
    if required:
        flat["required"] = Raw(_encode(required))
    return flat


def _fields_of(schema: dict[str, Raw], root: dict[str, Raw], depth: int) -> tuple[dict[str, Raw], list[str]]:
    """The properties that a schema names, also in its combinators, and those that it requires."""
    properties = _read_object(schema.get("properties"))
    required = _read_names(schema.get("required"))
    if not depth:
        return properties, required
    for name in _MERGED:
        found = [_fields_of(one, root, depth - 1) for one in _branches(schema, name, root)]
        for more, _ in found:
            properties = more | properties
        if not found:
            continue
        lists = [needed for _, needed in found]
        every = [needed for needed in lists[0] if all(needed in other for other in lists)]
        required += every if name in ("anyOf", "oneOf") else [needed for one in lists for needed in one]
    return properties, required


def _branches(schema: dict[str, Raw], name: str, root: dict[str, Raw]) -> Iterator[dict[str, Raw]]:
    raw = schema.get(name)
    if raw is None:
        return
    try:
        if name == "$ref":
            yield _resolve(_text(raw), root)
        else:
            yield from _schemas(raw)
    except DECODE_ERRORS:
        return  # no list of schemas: there is nothing in it to keep


def _resolve(reference: str, root: dict[str, Raw]) -> dict[str, Raw]:
    """What a reference within the schema points to; empty where it points elsewhere."""
    start, *steps = reference.split("/")
    found = root
    for step in steps if start == "#" else ():
        found = _read_object(found.get(step.replace("~1", "/").replace("~0", "~")))
    return found if steps and start == "#" else {}


def _read_object(raw: Raw | None) -> dict[str, Raw]:
    try:
        return {} if raw is None else _members(raw)
    except DECODE_ERRORS:
        return {}


def _read_names(raw: Raw | None) -> list[str]:
    try:
        return [] if raw is None else _names(raw)
    except DECODE_ERRORS:
        return []
