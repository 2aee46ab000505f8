"""Schemas of structured output: closed, and without the keywords that the target refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.dialects.output_schema import close_schema
from asbru.dialects.receipt import Receipt

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


def close(schema: Any) -> tuple[Any, list[str]]:
    """The schema, closed, and what was noted."""
    receipt = Receipt("a", "b")
    return json.loads(bytes(close_schema(Raw(json.dumps(schema).encode()), receipt))), [
        f"{note.kind} {note.field.rpartition('.')[2]}" for note in receipt.notes
    ]


@pytest.mark.parametrize(
    ("schema", "closed", "notes"),
    [
        (CLOSED, CLOSED, []),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}},
            CLOSED,
            ["added additionalProperties"],
        ),
        (CLOSED | {"additionalProperties": True}, CLOSED, ["changed additionalProperties"]),
        (
            {"type": "integer", "minimum": 1, "description": "d"},
            {"type": "integer", "description": "d"},
            ["dropped minimum"],
        ),
        ({"type": "array", "items": {"type": "object"}, "minItems": 2},
         {"type": "array", "items": {"type": "object", "additionalProperties": False}},
         ["added additionalProperties", "dropped minItems"]),
        ({"oneOf": [{"type": "string", "format": "uri"}, {"type": "string", "format": "iban"}]},
         {"anyOf": [{"type": "string", "format": "uri"}, {"type": "string"}]},
         ["changed oneOf", "dropped format"]),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": ["object", "null"]}}},
         {"$ref": "#/$defs/x", "$defs": {"x": {"type": ["object", "null"], "additionalProperties": False}}},
         ["added additionalProperties"]),
        (CLOSED | {"properties": {"minimum": {"type": "string", "enum": ["maximum"]}}},
         CLOSED | {"properties": {"minimum": {"type": "string", "enum": ["maximum"]}}}, []),
        (True, True, []),
    ],
)  # fmt: skip
def test_what_the_target_takes(schema: Any, closed: Any, notes: list[str]) -> None:
    """Objects are closed at every depth; names of properties are the caller's own, whatever they are."""
    assert close(schema) == (closed, notes)


def test_only_where_a_call_is_translated() -> None:
    """A schema from an OpenAI caller is closed for Anthropic; Anthropic's own callers mean what they say."""
    ask = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    body = json.dumps(ask | {"response_format": form}).encode()
    written = json.loads(ANTHROPIC.chat.write_request(OPENAI.chat.read_request(body), "m", PLAIN).body)
    assert written["output_config"]["format"]["schema"] == CLOSED
    own = json.dumps(ask | {"output_config": {"format": {"type": "json_schema", "schema": schema}}}).encode()
    written = json.loads(ANTHROPIC.chat.write_request(ANTHROPIC.chat.read_request(own), "m", PLAIN).body)
    assert written["output_config"]["format"]["schema"] == schema


def test_what_is_no_json_is_left_to_the_provider() -> None:
    """Nesting beyond what can be read goes on as it is."""
    nested = Raw(b"[" * 2000)
    assert close_schema(nested, Receipt("a", "b")) is nested
