"""Writing messages of another dialect: results split and moved, order, thinking, errors, with their notes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from asbru.core.chat import (
    ImagePart,
    MediaSource,
    Message,
    Part,
    Raw,
    RedactedThinkingPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.traits import PLAIN, Traits
from asbru.dialects.openai_chat.messages import write_messages
from asbru.dialects.openai_chat.parts import PartWriter
from asbru.dialects.receipt import Receipt

IMAGE = ImagePart(source=MediaSource(media_type="image/png", data="AA=="))
WRITTEN_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def write(*messages: Message, dialect: str = "anthropic_messages") -> tuple[list[Any], list[str]]:
    receipt = Receipt("openai_chat", dialect)
    written = write_messages(messages, PartWriter(receipt, PLAIN))
    return json.loads(msgspec.json.encode(written)), [str(note) for note in receipt.notes]


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def test_results_become_messages_of_their_own() -> None:
    """Parallel results are one tool message each, before what the user says after them."""
    results = [ToolResultPart(call_id=name, parts=(TextPart(text=name),), plain=False) for name in "ab"]
    written, notes = write(user(*results, TextPart(text="and?")))
    assert written == [
        {"role": "tool", "tool_call_id": "a", "content": "a"},
        {"role": "tool", "tool_call_id": "b", "content": "b"},
        {"role": "user", "content": "and?"},
    ]
    assert notes == []


def test_images_in_a_result_travel_after_the_results() -> None:
    """Media a tool message cannot hold follows in a user message that names its call; the receipt says so."""
    first = ToolResultPart(call_id="a", parts=(TextPart(text="see"), IMAGE), plain=False)
    second = ToolResultPart(call_id="b", parts=(), plain=False)
    written, notes = write(user(first, second))
    assert written == [
        {"role": "tool", "tool_call_id": "a", "content": "see"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {
            "role": "user",
            "content": [{"type": "text", "text": "From the result of tool call a:"}, WRITTEN_IMAGE],
        },
    ]
    assert notes == [
        "changed messages[0].parts[0].parts[1] (media in a tool result travels in a user message after it)"
    ]
    followed, _ = write(user(first, TextPart(text="Well?")))
    assert followed[1]["content"][-1] == {"type": "text", "text": "Well?"}


def test_an_own_image_in_a_result_stays() -> None:
    """A caller of this dialect who puts an image into a tool message has it forwarded there."""
    result = ToolResultPart(call_id="a", parts=(IMAGE,), plain=False)
    written, notes = write(user(result), dialect="openai_chat")
    assert (written, notes) == ([{"role": "tool", "tool_call_id": "a", "content": [WRITTEN_IMAGE]}], [])


def test_a_failed_result_says_so() -> None:
    """`is_error` has no flag in chat: the text begins with "Error: ", once, and the change is noted."""
    for text in ("no such file", "Error: no such file"):
        result = ToolResultPart(call_id="a", parts=(TextPart(text=text),), plain=False, is_error=True)
        written, notes = write(user(result))
        assert written[0]["content"] == "Error: no such file"
        assert notes == ['changed messages[0].parts[0].is_error (chat has no flag: the text begins with "Error: ")']


def test_results_after_other_content_are_moved_and_noted() -> None:
    """Chat wants results right after their calls, so they come first; the receipt says so."""
    result = ToolResultPart(call_id="a", parts=(TextPart(text="1"),))
    written, notes = write(user(TextPart(text="here:"), result))
    assert [message["role"] for message in written] == ["tool", "user"]
    assert notes == ["changed messages[0].parts[1] (chat wants tool results before other content)"]


def test_thinking_of_another_dialect_is_dropped_and_noted() -> None:
    """Signed and redacted thinking of another provider does not reach this one, and the receipt names
    each."""
    thinking = ThinkingPart(text="hm", signature="s", dialect="anthropic_messages")
    redacted = RedactedThinkingPart(data="x", dialect="anthropic_messages")
    written, notes = write(assistant(thinking, redacted, TextPart(text="yes")))
    assert written == [{"role": "assistant", "content": "yes"}]
    assert [note.split(" (")[0] for note in notes] == [
        "dropped messages[0].parts[0]",
        "dropped messages[0].parts[1]",
    ]


def test_calls_come_after_content() -> None:
    """Text after a call is moved before it, with a note; content is null when only calls are there."""
    call = ToolCallPart(id="a", name="f", arguments="{}")
    wire = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert write(assistant(call)) == ([{"role": "assistant", "content": None, "tool_calls": [wire]}], [])
    written, notes = write(assistant(call, TextPart(text="t")))
    assert written == [{"role": "assistant", "content": "t", "tool_calls": [wire]}]
    assert notes == ["changed messages[0].parts (chat orders them: content, then tool calls)"]


def test_system_text_may_come_anywhere() -> None:
    """System and developer messages are written where they stand, as system messages, which every provider knows."""
    notice = Message(role="developer", parts=(TextPart(text="a"), TextPart(text="b")))
    written, notes = write(user(TextPart(text="q")), notice)
    assert written[1] == {
        "role": "system",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }
    assert notes == []


def test_a_message_of_results_has_nowhere_to_keep_more() -> None:
    """Results become messages of their own: what the message around them held beside is named."""
    result = ToolResultPart(call_id="c", parts=(TextPart(text="r"),))
    written, notes = write(Message(role="user", parts=(result,), name="ada", extra={"mood": Raw(b'"glad"')}))
    assert written == [{"role": "tool", "tool_call_id": "c", "content": "r"}]
    assert notes == [
        "dropped messages[0].mood (known to anthropic_messages only)",
        "dropped messages[0].name (tool results have no author)",
    ]


def back(part: ThinkingPart | RedactedThinkingPart, wanted: Any = None) -> tuple[Any, list[str]]:
    """An assistant's message as it is written for a caller of another dialect, and the notes."""
    receipt = Receipt("openai_chat", "anthropic_messages")
    message = Message(role="assistant", parts=(part, TextPart(text="a")))
    [written] = write_messages((message,), PartWriter(receipt, Traits(reasoning_back=wanted)))
    return json.loads(msgspec.json.encode(written)), [note.field for note in receipt.notes]


@pytest.mark.parametrize(
    ("member", "wanted", "written"),
    [
        (None, None, {"reasoning_content": "hm", "content": "a"}),
        ("reasoning", None, {"reasoning": "hm", "content": "a"}),
        ("reasoning.summary", None, {"reasoning": "hm", "content": "a"}),
        ("reasoning", "reasoning_content", {"reasoning_content": "hm", "content": "a"}),
        ("thinking", None, {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
         {"type": "text", "text": "a"}]}),
    ],
)  # fmt: skip
def test_a_chat_providers_reasoning_goes_back(member: str | None, wanted: Any, written: Any) -> None:
    """Reasoning that went through a caller of another dialect goes back in the member that the target wants."""
    extra = {} if member is None else {"member": Raw(json.dumps(member).encode())}
    part = ThinkingPart(text="hm", dialect="openai_chat", extra=extra)
    assert back(part, wanted) == ({"role": "assistant", **written}, [])


def test_reasoning_that_the_target_does_not_take_is_dropped() -> None:
    """Signed thinking goes to its own provider only, unless the target wants text; some take none at all."""
    bare = {"role": "assistant", "content": "a"}
    signed = ThinkingPart(text="hm", signature="s", dialect="anthropic_messages")
    where = "messages[0].parts[0]"
    assert back(signed) == (bare, [where])
    assert back(signed, "reasoning_content") == ({"reasoning_content": "hm", **bare}, [f"{where}.signature"])
    assert back(ThinkingPart(text="hm", dialect="openai_chat"), "none") == (bare, [where])
    assert back(RedactedThinkingPart(data="d", dialect="openai_chat")) == (bare, [where])


def fold(*messages: Message) -> tuple[list[tuple[Any, Any]], list[str]]:
    """Roles and contents as they are written for a target that wants one system message, first; and the notes."""
    receipt = Receipt("openai_chat", "anthropic_messages")
    written = write_messages(messages, PartWriter(receipt, PLAIN), system_anywhere=False)
    turns = [(turn["role"], turn["content"]) for turn in json.loads(msgspec.json.encode(written))]
    return turns, [note.field for note in receipt.notes]


def say(role: Any, *texts: str) -> Message:
    return Message(role=role, parts=tuple(TextPart(text=text) for text in texts), plain=len(texts) == 1)


def test_system_text_inside_the_conversation_becomes_user_text() -> None:
    """It is joined to the user's message before it, or stands alone; system messages at the start become one."""
    turns, notes = fold(say("system", "s"), say("developer", "t"), say("user", "a"), say("system", "u"),
                        say("assistant", "b"), say("system", "v", "w"))  # fmt: skip
    parts = [{"type": "text", "text": "v"}, {"type": "text", "text": "w"}]
    assert turns == [("system", "s\n\nt"), ("user", "a\n\nu"), ("assistant", "b"), ("user", parts)]
    assert notes == ["messages[1]", "messages[3]", "messages[5]"]


def test_system_text_does_not_part_calls_from_their_results() -> None:
    """Between a call and its result it waits for the result; a system message that opens the conversation stays."""
    call = assistant(ToolCallPart(id="c", name="f", arguments=""))
    result = user(ToolResultPart(call_id="c", parts=(TextPart(text="r"),)), TextPart(text="q"))
    turns, _ = fold(say("user", "a"), call, say("system", "s"), result, say("system", "t"))
    assert turns == [("user", "a"), ("assistant", None), ("tool", "r"), ("user", "s"), ("user", "q\n\nt")]
    assert fold(say("system", "s"), say("user", "a")) == ([("system", "s"), ("user", "a")], [])
