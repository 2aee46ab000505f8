"""Schemas of tools: what strict providers refuse at the root is mended, and noted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import write_schema

A = {"type": "string"}
BOTH = {"a": A, "b": A}


def write(schema: Any) -> tuple[Any, list[str]]:
    """The schema as it is sent, and the notes."""
    receipt = Receipt("here", "there")
    written = write_schema(Raw(json.dumps(schema).encode()), "p", receipt)
    return json.loads(bytes(written)), [f"{note.kind} {note.field}" for note in receipt.notes]


def test_a_plain_object_goes_as_it_came() -> None:
    """A schema whose root is whole is the same bytes, whatever lies below its root."""
    raw = Raw(b'{ "type":"object", "properties": {"a":{"anyOf":[]}} }')
    receipt = Receipt("here", "there")
    assert write_schema(raw, "p", receipt) is raw
    assert receipt.notes == ()


@pytest.mark.parametrize(
    ("schema", "added"),
    [
        ({"type": "object"}, ["added p.properties"]),
        ({}, ["added p.type", "added p.properties"]),
        ({"type": None, "properties": None}, ["changed p.type", "added p.properties"]),
        ({"type": ["object", "null"]}, ["changed p.type", "added p.properties"]),
    ],
)
def test_a_root_becomes_an_object_with_properties(schema: Any, added: list[str]) -> None:
    """The type and the properties that strict providers ask for are added."""
    assert write(schema) == ({"type": "object", "properties": {}}, added)


def test_other_members_stay() -> None:
    """What else the root says is kept."""
    assert write({"type": "object", "additionalProperties": False})[0] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {},
    }


@pytest.mark.parametrize("word", ["anyOf", "oneOf"])
def test_alternatives_become_one_object(word: str) -> None:
    """All properties of the alternatives are known; required is what every alternative requires."""
    branches = [{"properties": {"a": A}, "required": ["k", "a"]}, {"properties": {"b": A}, "required": ["k"]}]
    schema = {"type": "object", "properties": {"k": A}, word: branches}
    written, notes = write(schema)
    assert written == {"type": "object", "properties": {"k": A, **BOTH}, "required": ["k"]}
    assert notes == [f"changed p.{word}"]


def test_all_of_requires_all() -> None:
    """Everything that any part of `allOf` requires stays required, beside what the root requires."""
    parts = [{"properties": {"a": A}, "required": ["a"]}, {"properties": {"b": A}, "required": ["b"]}]
    written, _ = write({"type": "object", "allOf": parts})
    assert written == {"type": "object", "properties": BOTH, "required": ["a", "b"]}


def test_a_reference_at_the_root_is_resolved() -> None:
    """Generators put the whole schema behind a reference: its properties come to the root, its definitions stay."""
    definitions = {"In/put": {"type": "object", "properties": {"a": A}, "required": ["a"]}}
    written, notes = write({"$ref": "#/definitions/In~1put", "definitions": definitions})
    assert written == {"type": "object", "definitions": definitions, "properties": {"a": A}, "required": ["a"]}
    assert notes == ["changed p.$ref", "added p.type"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "https://example.org/x"},
        {"anyOf": "no"},
        {"anyOf": [{"anyOf": [{"$ref": "#/anyOf/0"}]}]},
        {"allOf": [1], "required": "a"},
        {"enum": ["a"], "not": {}},
    ],
)
def test_what_leads_nowhere_is_left_out(schema: Any) -> None:
    """References in a circle or to elsewhere, and combinators that are none, leave a plain object."""
    assert write(schema)[0].keys() <= {"type", "properties", "required"}
    assert write(schema)[0]["properties"] == {}


def test_what_is_no_schema_is_replaced() -> None:
    """A schema that is not an object is noted and becomes one without properties."""
    assert write([1]) == ({"type": "object", "properties": {}}, ["changed p"])
