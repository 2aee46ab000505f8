"""Ids of tool calls in requests: within what the target takes, the same for a call and its result."""

from __future__ import annotations

import pytest

from asbru.core.chat import Message, ToolCallPart, ToolResultPart
from asbru.core.traits import PLAIN, Traits
from asbru.dialects.openai_chat.tool_ids import fit_tool_ids, write_tool_id
from asbru.dialects.receipt import Receipt

LONG = "toolu_" + "x" * 60


@pytest.mark.parametrize(
    ("call_id", "traits", "chars", "same"),
    [
        ("call_1", PLAIN, 6, True),
        ("functions.f:0", PLAIN, 13, True),
        ("x" * 40, PLAIN, 40, True),
        (LONG, PLAIN, 40, False),
        (LONG, Traits(tool_id_chars_max=0), 66, True),
        ("call_1", Traits(tool_id_chars=9), 9, False),
        ("abcDEF123", Traits(tool_id_chars=9), 9, True),
        ("abc_EF123", Traits(tool_id_chars=9), 9, False),
    ],
)
def test_what_each_target_takes(call_id: str, traits: Traits, chars: int, same: bool) -> None:
    """An id that may stand does; any other becomes a digest of the length that is asked for."""
    written = write_tool_id(call_id, traits)
    assert (len(written), written == call_id) == (chars, same)
    assert same or write_tool_id(f"{call_id}2", traits) != written


def test_call_and_result_agree() -> None:
    """Both ends of a long id are written alike, with one note; a request of the own dialect is left alone."""
    messages = (
        Message(role="assistant", parts=(ToolCallPart(id=LONG, name="f", arguments="{}"),)),
        Message(role="user", parts=(ToolResultPart(call_id=LONG),)),
    )
    receipt = Receipt("openai_chat", "anthropic_messages")
    call, result = (message.parts[0] for message in fit_tool_ids(messages, PLAIN, receipt))
    assert isinstance(call, ToolCallPart)
    assert isinstance(result, ToolResultPart)
    assert call.id == result.call_id != LONG
    assert [note.field for note in receipt.notes] == ["messages[0].parts[0].id"]
    assert fit_tool_ids(messages, PLAIN, Receipt("openai_chat", "openai_chat")) is messages
