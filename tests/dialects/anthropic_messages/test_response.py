"""Whole answers: those of other dialects written as this API would say them, and bad ones refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import (
    AudioPart,
    Choice,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    StopReason,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT


def reply(*parts: Part, stop: StopReason | None = "stop", **fields: Any) -> ChatReply:
    """An answer of another dialect."""
    choice = Choice(index=0, parts=parts, stop=stop, raw_stop=fields.pop("raw_stop", None))
    fields.setdefault("choices", (choice,))
    return ChatReply(id="chatcmpl-1", model="gpt", dialect="openai_chat", **fields)


def write(answer: ChatReply) -> tuple[dict[str, Any], list[str]]:
    """The body and the notes as text."""
    written = DIALECT.chat.write_reply(answer)
    return json.loads(written.body), [str(note) for note in written.notes]


def test_answer_of_another_dialect() -> None:
    """Text, thinking and calls become blocks; a foreign signature becomes a carrier that is read back."""
    body, notes = write(
        reply(
            ThinkingPart(text="t", signature="QUJD", dialect="gemini"),
            ThinkingPart(text="u"),
            RedactedThinkingPart(data="ZZ", dialect="openai_responses"),
            TextPart(text="hi"),
            ToolCallPart(id="call:1", name="f", arguments='{"a": 1}'),
            ToolCallPart(id="call:1", name="f", arguments=""),
            ToolCallPart(id="", name="f", arguments="{oops"),
            stop="tool_calls",
            usage=Usage(input=5, cache_read=2, audio_input=1, output=7, reasoning=3),
            service_tier="default",
        )
    )
    assert body["content"][:4] == [
        {"type": "thinking", "thinking": "t", "signature": "asbru:gemini:QUJD"},
        {"type": "thinking", "thinking": "u", "signature": ""},
        {"type": "redacted_thinking", "data": "asbru:openai_responses:ZZ"},
        {"type": "text", "text": "hi"},
    ]
    calls = body["content"][4:]
    assert [call["input"] for call in calls] == [{"a": 1}, {}, {"_raw": "{oops"}]
    assert len({call["id"] for call in calls}) == 3 and all(call["id"] for call in calls)
    assert (body["stop_reason"], body["role"], body["type"]) == ("tool_use", "assistant", "message")
    assert body["usage"] == {
        "input_tokens": 6,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 10,
        "output_tokens_details": {"thinking_tokens": 3},
        "service_tier": "standard",
    }
    again = DIALECT.chat.read_reply(json.dumps(body).encode()).choices[0].parts
    assert again[0] == ThinkingPart(text="t", signature="QUJD", dialect="gemini")
    assert any("arguments" in note for note in notes)


def test_what_is_left_out_is_noted() -> None:
    """Further choices, logprobs, foreign parts and unknown fields are named; audio leaves its transcript."""
    first = Choice(
        index=0,
        parts=(AudioPart(id="a", transcript="said"), ForeignPart(dialect="gemini", kind="code", raw=Raw(b"{}"))),
        stop="stop",
        logprobs=Raw(b"{}"),
        extra={"content_filter": Raw(b"{}")},
    )
    second = Choice(index=1, parts=(), stop="stop")
    body, notes = write(reply(choices=(first, second), extra={"system_fingerprint": Raw(b'"f"')}))
    assert body["content"] == [{"type": "text", "text": "said"}]
    assert body["usage"] == {"input_tokens": None, "output_tokens": None}
    assert sorted(note.split(" (")[0] for note in notes) == [
        "changed choices[0].parts[0]",
        "dropped choices[0].content_filter",
        "dropped choices[0].logprobs",
        "dropped choices[0].parts[1]",
        "dropped choices[1]",
        "dropped system_fingerprint",
    ]


def test_marks_of_form_are_not_noted() -> None:
    """How chat spelled a thought is no loss; a member with a meaning of its own is."""
    form = {name: Raw(b'"x"') for name in ("member", "type", "format", "index")}
    thoughts = (
        ThinkingPart(text="t", dialect="openai_chat", extra=form),
        RedactedThinkingPart(data="Z", dialect="openai_chat", extra=form | {"id": Raw(b'"r1"')}),
    )
    assert write(reply(*thoughts))[1] == ["dropped choices[0].parts[1].id (known to openai_chat only)"]


@pytest.mark.parametrize(
    ("parts", "stop", "word"),
    [
        ((TextPart(text="a"),), "stop", "end_turn"),
        ((TextPart(text="a"),), "length", "max_tokens"),
        ((TextPart(text="a"),), "stop_sequence", "stop_sequence"),
        ((TextPart(text="a"),), "refusal", "refusal"),
        ((TextPart(text="a"),), "pause", "pause_turn"),
        ((TextPart(text="a"),), "context_window", "model_context_window_exceeded"),
        ((TextPart(text="a"),), "other", "end_turn"),
        ((TextPart(text="a"),), "tool_calls", "end_turn"),
        ((TextPart(text="a"),), None, None),
        ((ToolCallPart(id="1", name="f", arguments=""),), "stop", "tool_use"),
        ((ToolCallPart(id="1", name="f", arguments=""),), "length", "max_tokens"),
        ((RefusalPart(text="no"),), "stop", "refusal"),
    ],
)
def test_stop_reason(parts: tuple[Part, ...], stop: StopReason | None, word: str | None) -> None:
    """Clients of this API act on the word, so it fits what the answer holds."""
    assert write(reply(*parts, stop=stop, raw_stop="x"))[0]["stop_reason"] == word


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"{}",
        b'{"content":5}',
        b'{"content":[{"type":"text"}]}',
        b"[" * 100_000,
        b'{"content":[],"id":"\xff"}',
    ],
)
def test_bad_answer_is_a_protocol_error(body: bytes) -> None:
    """Garbage from a provider is an UpstreamError of kind protocol; what came is no error body to pass on."""
    with pytest.raises(UpstreamError) as caught:
        DIALECT.chat.read_reply(body)
    assert (caught.value.kind, caught.value.body, caught.value.status) == ("protocol", None, 502)


def test_error_inside_a_200() -> None:
    """An error object where an answer was due is a fault with its own words."""
    with pytest.raises(UpstreamError) as caught:
        DIALECT.chat.read_reply(b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')
    assert (caught.value.kind, caught.value.type, caught.value.message) == ("fault", "overloaded_error", "busy")
