"""Schemas of this API's own kind (a subset of OpenAPI 3.0, types in capitals), read as JSON Schema.

    {"type": "STRING", "nullable": true, "format": "enum"}  ->  {"type": ["string", "null"], "format": "enum"}

Writing needs no such thing: requests also accept JSON Schema, in members of their own.
Source: https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import DECODE_ERRORS

_BY_NAME: Final = ("properties", "$defs", "defs")
_COUNTS: Final = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
"""Numbers that this API writes as texts, as Protocol Buffers do with all of 64 bits."""
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NO_TYPE: Final = "TYPE_UNSPECIFIED"
_GONE: Final = ("propertyOrdering", "property_ordering", "nullable")


def read_schema(schema: Raw) -> Raw:
    """The schema as JSON Schema; as it came where nothing is of this API's own kind."""
    try:
        found: object = _decode(schema)
        plain = _plain(found)
    except DECODE_ERRORS:
        return schema
    return schema if plain == found else Raw(_encode(plain))


def _plain(schema: object) -> object:
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema)
    kept: dict[str, Any] = {}
    for name, value in members.items():
        word = {"any_of": "anyOf", "additional_properties": "additionalProperties"}.get(name, name)
        if name in _GONE:
            continue
        if name == "type":
            kind = _type(value)
            if kind is not None:
                kept["type"] = [kind, "null"] if members.get("nullable") is True else kind
        elif name in _BY_NAME and isinstance(value, dict):
            kept[name] = {key: _plain(one) for key, one in cast("dict[str, Any]", value).items()}
        elif word == "anyOf" and isinstance(value, list):
            kept[word] = [_plain(one) for one in cast("list[Any]", value)]
        elif word in ("items", "additionalProperties"):
            kept[word] = _plain(value)
        elif name in _COUNTS and isinstance(value, str) and value.isascii() and value.isdecimal():
            kept[name] = int(value[:18])
        else:
            kept[name] = value
    return kept


def _type(value: object) -> object:
    """The type in lower case; None for one that is not told. JSON Schema also takes a list."""
    if value == _NO_TYPE:
        return None
    return value.lower() if isinstance(value, str) else value
