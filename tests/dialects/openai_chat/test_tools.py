"""Tools beyond the golden cases: sloppy spellings, unknown members, choices."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from asbru.core.chat import ForeignTool, Raw, Tool, ToolCallPart, ToolChoice
from asbru.core.traits import PLAIN
from asbru.dialects.fields import Fields, open_body, refuse_request
from asbru.dialects.openai_chat import DIALECT
from asbru.dialects.openai_chat.parts import PartWriter
from asbru.dialects.openai_chat.tools import (
    read_tool_calls,
    read_tool_choice,
    read_tools,
    write_tool_choice,
    write_tools,
)
from asbru.dialects.receipt import Receipt


def fields(**members: Any) -> Fields:
    return open_body(msgspec.json.encode(members), refuse_request)


def writer(dialect: str = "openai_chat") -> PartWriter:
    return PartWriter(Receipt("openai_chat", dialect), PLAIN)


def test_unknown_members_of_a_tool_keep_their_place() -> None:
    """What is unknown beside and inside a function is written back where it was, and noted elsewhere."""
    wire = {"type": "function", "function": {"name": "f", "x": 1}, "y": 2}
    tools = read_tools(fields(tools=[wire]))
    assert tools == (Tool(name="f", extra={"y": Raw(b"2"), "function": Raw(b'{"x":1}')}),)
    assert msgspec.json.decode(msgspec.json.encode(write_tools(tools, writer()))) == [wire]
    other = writer("gemini")
    write_tools(tools, other)
    assert [note.field for note in other.receipt.notes] == ["tools[0].y", "tools[0].function"]


def test_schemas_of_other_dialects_get_a_root_that_chat_takes() -> None:
    """A schema without properties, or with a combinator at its root, is mended; one of our own goes as it came."""
    tools = (Tool(name="f", parameters=Raw(b'{"type":"object"}')), Tool(name="g", parameters=Raw(b'{"anyOf":[]}')))
    other = writer("gemini")
    sent = msgspec.json.decode(msgspec.json.encode(write_tools(tools, other)))
    assert [tool["function"]["parameters"] for tool in sent] == [{"type": "object", "properties": {}}] * 2
    assert other.receipt.notes[0].field == "tools[0].parameters.properties"
    own = msgspec.json.decode(msgspec.json.encode(write_tools(tools, writer())))
    assert [tool["function"]["parameters"] for tool in own] == [{"type": "object"}, {"anyOf": []}]


def test_a_tool_without_a_type_is_a_function() -> None:
    """The type that some callers leave out is taken for granted."""
    assert read_tools(fields(tools=[{"function": {"name": "f"}}])) == (Tool(name="f"),)
    assert read_tools(fields()) is None


@pytest.mark.parametrize(
    ("members", "expected", "written"),
    [
        ({"tool_choice": "required"}, ToolChoice(mode="any"), "required"),
        ({"tool_choice": "any"}, ToolChoice(mode="any"), "required"),
        ({"tool_choice": "none"}, ToolChoice(mode="none"), "none"),
        ({"tool_choice": {"function": {"name": "f"}}}, ToolChoice(mode="tool", name="f"),
         {"type": "function", "function": {"name": "f"}}),
        ({"function_call": {"name": "f"}}, ToolChoice(mode="tool", name="f"),
         {"type": "function", "function": {"name": "f"}}),
        ({"tool_choice": "sometimes"}, ToolChoice(mode="foreign", raw=Raw(b'"sometimes"'),
         dialect="openai_chat"),
         Raw(b'"sometimes"')),
        ({}, None, None),
    ],
)  # fmt: skip
def test_choices_there_and_back(members: dict[str, Any], expected: ToolChoice | None, written: object) -> None:
    """Every form of the choice is read, and written in the modern form; unknown ones ride along."""
    choice = read_tool_choice(fields(**members))
    assert choice == expected
    if choice is not None:
        assert write_tool_choice(choice, writer()) == written


def test_a_choice_of_another_dialect_is_noted() -> None:
    """A form only another dialect knows is not written, and named."""
    target = writer("gemini")
    assert write_tool_choice(ToolChoice(mode="foreign", raw=Raw(b"{}"), dialect="gemini"), target) is None
    assert [str(note) for note in target.receipt.notes] == ["dropped tool_choice (a form known to gemini only)"]


def test_calls_without_ids_get_some() -> None:
    """Ids are made by place, arguments as an object become text, empty legacy calls are none."""
    calls = [
        {"function": {"name": "f", "arguments": {"a": 1}}, "index": 0},
        {"id": "x", "custom": {"name": "c", "input": "i"}, "more": 1},
    ]
    assert read_tool_calls(fields(tool_calls=calls, function_call={"name": "old"}), "made") == [
        ToolCallPart(id="made_0", name="f", arguments='{"a":1}'),
        ToolCallPart(id="x", name="c", arguments="i", custom=True, extra={"more": Raw(b"1")}),
    ]
    assert read_tool_calls(fields(function_call={"name": "", "arguments": ""}), "made") == []
    assert read_tool_calls(fields(function_call={"name": "f"}), "made") == [
        ToolCallPart(id="made", name="f", arguments="")
    ]


def test_a_function_stands_in_for_a_custom_tool() -> None:
    """Other dialects are offered one with one string, whose description says the grammar; a choice of it is known."""
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "custom", "custom": {"name": "note", "description": "Write", "format": grammar}}],
        "tool_choice": {"type": "custom", "custom": {"name": "note"}},
    }
    request = DIALECT.chat.read_request(json.dumps(asked).encode())
    assert request.tools is not None and request.tool_choice is not None
    (tool,) = request.tools
    assert isinstance(tool, ForeignTool) and json.loads(bytes(tool.raw)) == asked["tools"][0]
    (stand_in,) = tool.stand_ins
    assert (stand_in.name, stand_in.custom, request.tool_choice.name) == ("note", True, "note")
    assert stand_in.tool.description == "Write\n\nThe string `input` must match this regex grammar:\na+"
    written = json.loads(DIALECT.chat.write_request(request, "m", PLAIN).body)
    assert (written["tools"], written["tool_choice"]) == (asked["tools"], asked["tool_choice"])


@pytest.mark.parametrize(
    "tool", [{"type": "custom"}, {"type": "custom", "name": "x"}, {"type": "custom", "custom": {}}]
)
def test_an_odd_custom_tool_stays_with_its_provider(tool: dict[str, Any]) -> None:
    """It is not refused: whoever it is for may know it."""
    found = read_tools(fields(tools=[tool]))
    assert found is not None and isinstance(found[0], ForeignTool) and found[0].stand_ins == ()
