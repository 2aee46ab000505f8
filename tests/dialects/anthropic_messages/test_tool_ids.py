"""Ids of tool calls: within the API's limits, never two alike, and read back as they were."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import Message, ToolCallPart, ToolResultPart
from asbru.dialects.anthropic_messages.tool_ids import (
    read_tool_id,
    with_unique_ids,
    write_short_tool_id,
    write_tool_id,
)
from asbru.dialects.receipt import Receipt

IDS = st.text(st.sampled_from("aZ0_-.:ü"), min_size=1, max_size=90) | st.builds(
    "asbru{}".format, st.text(st.sampled_from("-_aQ="), max_size=9)
)


@given(st.lists(IDS, unique=True, max_size=6))
def test_ids_stay_different_and_short(ids: list[str]) -> None:
    """Different ids are written differently, in the letters and the length that the API takes."""
    written = [write_short_tool_id(one) for one in ids]
    assert len(set(written)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", one) for one in written)


@given(IDS)
def test_an_id_in_an_answer_is_read_back(call_id: str) -> None:
    """An id that a caller sends back is the one that the provider made, whatever its letters."""
    assert read_tool_id(write_tool_id(call_id)) == call_id


def test_usual_ids_are_left_alone() -> None:
    """What the API takes goes as it is; what only looks like one of ours is read as it is."""
    assert write_short_tool_id("toolu_01-A") == "toolu_01-A"
    assert read_tool_id("asbru-!") == "asbru-!"
    assert write_tool_id("") == "call"


def test_an_id_is_used_for_one_call() -> None:
    """Providers that count from 0 in each turn: the later call gets another id, and so does its result."""
    call, result = ToolCallPart(id="0", name="f", arguments=""), ToolResultPart(call_id="0")
    turns = (Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,)))
    receipt = Receipt("here", "there")
    again = with_unique_ids(turns + turns, receipt)
    assert again[:2] == turns
    later, answer = again[2].parts[0], again[3].parts[0]
    assert isinstance(later, ToolCallPart)
    assert isinstance(answer, ToolResultPart)
    assert later.id == answer.call_id != "0"
    assert [note.field for note in receipt.notes] == ["messages[2].parts[0].id"]
    assert with_unique_ids(turns, receipt) is turns


def test_later_turns_change_no_earlier_id() -> None:
    """Signed thinking covers what came before it: a conversation that goes on keeps the ids that it had."""
    turns: tuple[Message, ...] = ()
    for call_id in ("0", "0", "1", "0_2", "0", "1"):
        before = with_unique_ids(turns, Receipt("here", "there"))
        call, result = ToolCallPart(id=call_id, name="f", arguments=""), ToolResultPart(call_id=call_id)
        turns += (Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,)))
        assert with_unique_ids(turns, Receipt("here", "there"))[: len(before)] == before
    ids = [
        part.id
        for one in with_unique_ids(turns, Receipt("a", "b"))
        for part in one.parts
        if isinstance(part, ToolCallPart)
    ]
    assert len(set(ids)) == len(ids)
