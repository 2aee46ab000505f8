"""Stubs and the files that they stand in."""

from __future__ import annotations

import ast
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.mcp.catalogue import Definition, digest_of
from asbru.mcp.code.library import TOOLS_PER_FILE_MAX, Library
from asbru.mcp.code.names import identifiers
from asbru.mcp.code.stubs import stub_of
from asbru.mcp.code.types import TypeWriter

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "boss": {"$ref": "#/$defs/person"}}}
ISSUE = {
    "name": "get-issue",
    "description": "Gets an issue. With all its comments.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "labels": {"type": "array", "items": {"type": "string"}},
            "owner": {"type": "string", "description": "Who owns\nthe repository"},
            "state": {"enum": ["open", "closed"]},
            "user-id": {"type": ["integer", "null"]},
        },
        "required": ["owner"],
    },
    "outputSchema": {
        "type": "object",
        "properties": {"title": {"type": "string"}, "author": {"$ref": "#/$defs/person"}},
        "required": ["title"],
        "$defs": {
            "person": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "boss": {"$ref": "#/$defs/person"}},
            }
        },
    },
}


def definition(name: str, **members: Any) -> Definition:
    """A tool."""
    text = msgspec.json.encode({"name": name, "inputSchema": {"type": "object"}, **members})
    return Definition(name, text, digest_of(text))


def test_a_stub_has_types_of_both_sides() -> None:
    """Needed arguments first; results by a class; a type that holds itself ends."""
    stub = stub_of("github", "get_issue", "get-issue", msgspec.json.encode(ISSUE))
    assert stub.compact == (
        "class GetIssuePerson(TypedDict):\n    name: NotRequired[str]\n    boss: NotRequired[Any]\n"
        "class GetIssueResult(TypedDict):\n    title: str\n    author: NotRequired[GetIssuePerson]\n"
        'def get_issue(*, owner: str, labels: list[str] = ..., state: Literal["open", "closed"] = ..., '
        "user_id: int | None = ...) -> GetIssueResult: ...  # Gets an issue"
    )
    assert stub.arguments == {"owner": "owner", "labels": "labels", "state": "state", "user_id": "user-id"}


def test_a_document_has_all() -> None:
    """The whole description, what is said of each argument, and an example that can be copied."""
    text = stub_of("git-hub", "get_issue", "get-issue", msgspec.json.encode(ISSUE)).full("git_hub")
    assert "With all its comments." in text
    assert "owner: Who owns the repository" in text
    assert "result = git_hub.get_issue(owner=..., labels=..., state=...)" in text
    ast.parse(text)


def test_files_by_server_and_by_tool() -> None:
    """Small servers are one file, large ones have one for each tool."""
    many = [definition(f"t{number}") for number in range(TOOLS_PER_FILE_MAX + 1)]
    library = Library({"small": [definition("one"), definition("two")], "large": many})
    assert library.files()[0] == "servers/large/t0.pyi"
    assert library.files()[-1] == "servers/small.pyi"
    assert len(library.files()) == TOOLS_PER_FILE_MAX + 2
    assert "  small.pyi  (2 tools)" in library.tree()
    assert Library({"small": [definition("one")]}, "tool").files() == ["servers/small/one.pyi"]


@pytest.mark.parametrize("path", ["servers/small.pyi", "small", "SMALL.pyi", "/servers/small.pyi", "./servers/small"])
def test_files_are_found_however_they_are_written(path: str) -> None:
    """Models leave out folders and suffixes."""
    library = Library({"small": [definition("one"), definition("two")]})
    text = library.read(path)
    assert text is not None and "def one()" in text and "def two()" in text
    assert library.read("small/one") is not None
    assert library.read("small/three") is None
    assert library.read("other") is None


def test_identifiers_are_unique_and_stable() -> None:
    """Two names that meet keep apart, in whatever order they come; what is an identifier stays."""
    names = ["get_issue", "get-issue", "get.issue", "class", "9lives", "__dict__", "result", "ünï", ""]
    found = identifiers(names)
    assert sorted(found.values()) == sorted(names)
    assert found == identifiers(reversed(names))
    assert found["get_issue"] == "get_issue" and found["class_"] == "class" and found["t_9lives"] == "9lives"
    assert all(name.isidentifier() and name.isascii() for name in found)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "allOf", "enum", "$ref", "required", "a-b", "x"]
            ),
            inner | st.sampled_from(["object", "array", "string", "#", "#/properties/x"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_JSON, _JSON, st.text(max_size=40))
def test_any_definition_gives_a_stub_that_is_python(given_input: Any, given_output: Any, words: str) -> None:
    """A server may send anything: the stub is still Python, so that it cannot pass for something else."""
    text = msgspec.json.encode({"description": words, "inputSchema": given_input, "outputSchema": given_output})
    stub = stub_of("s", "tool", "tool", text)
    ast.parse(stub.compact)
    ast.parse(stub.full("s"))


def test_a_schema_that_grows_is_cut() -> None:
    """Depth and classes have bounds."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "object", "properties": {"x": schema, "y": schema}}
    writer = TypeWriter(schema, "T")
    writer.type_of(schema, "root")
    assert len(writer.classes) <= 60
