"""Schemas of structured output, closed and without what a target does not know.

Anthropic refuses a schema with an object that is open, or with bounds on numbers, texts and lists: it promises that the
answer fits, and knows no way to promise those. Source:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.receipt import Receipt

_UNKNOWN: Final = frozenset(
    (
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "patternProperties", "propertyNames", "unevaluatedProperties"),
        *("dependentRequired", "dependentSchemas", "if", "then", "else", "not", "prefixItems"),
    )
)
_FORMATS: Final = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)
_BY_NAME: Final = ("properties", "$defs", "definitions")
"""Members that hold schemas by names of the caller's own."""
_LISTED: Final = ("anyOf", "allOf", "oneOf")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def close_schema(schema: Raw, receipt: Receipt) -> Raw:
    """The schema as Anthropic takes it; each kind of change is noted once."""
    try:
        found: object = _decode(schema)
        closed = _closed(found, receipt)
    except DECODE_ERRORS:
        return schema
    return schema if closed == found else Raw(_encode(closed))


def _closed(schema: object, receipt: Receipt) -> object:
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", schema).items():
        if name in _UNKNOWN or _is_unknown(name, value):
            receipt.dropped(f"response_format.schema.{name}", "the target does not know it")
        elif name in _BY_NAME and isinstance(value, dict):
            kept[name] = {key: _closed(one, receipt) for key, one in cast("dict[str, Any]", value).items()}
        elif name in _LISTED and isinstance(value, list):
            word = "anyOf" if name == "oneOf" and "anyOf" not in schema else name
            if word != name:
                receipt.changed("response_format.schema.oneOf", "anyOf")
            kept[word] = [_closed(one, receipt) for one in cast("list[Any]", value)]
        elif name == "items":
            kept[name] = _closed(value, receipt)
        else:
            kept[name] = value
    if _is_object(kept) and kept.get("additionalProperties") is not False:
        note = receipt.changed if "additionalProperties" in kept else receipt.added
        note("response_format.schema.additionalProperties", "false")
        kept["additionalProperties"] = False
    return kept


def _is_unknown(name: str, value: Any) -> bool:
    return (name == "format" and value not in _FORMATS) or (name == "minItems" and value not in (0, 1))


def _is_object(schema: dict[str, Any]) -> bool:
    kind: Any = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
