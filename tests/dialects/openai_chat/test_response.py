"""Whole answers: errors inside a 200, malformed ones, and how replies of other dialects are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import (
    AudioPart,
    Choice,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.errors import UpstreamError
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.response import read_reply, write_reply

ANTHROPIC = "anthropic_messages"


def reply_of(*parts: Part, dialect: str = ANTHROPIC, **members: Any) -> ChatReply:
    choice = Choice(index=0, parts=parts, stop="stop", raw_stop="end_turn")
    return ChatReply(id="r", model="m", choices=(choice,), dialect=dialect, **members)


def message_of(reply: ChatReply) -> tuple[dict[str, Any], list[str]]:
    written = write_reply(reply)
    return json.loads(written.body)["choices"][0]["message"], [str(note) for note in written.notes]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"error":{"message":"busy","code":503}}', "fault", "busy"),
        (b"<html>", "protocol", "the provider's answer: expected a JSON object, got malformed JSON"),
        (b"[]", "protocol", "the provider's answer: expected a JSON object, got an array"),
        (b'{"id":"1"}', "protocol", "the provider's answer, choices: expected an array, got nothing"),
        (b'{"choices":[{"message":[]}]}', "protocol", "choices[0].message: expected an object, got an array"),
        (b'{"choices":' + b"[" * 100_000, "protocol", "nested"),
    ],
)
def test_an_answer_that_is_none_is_the_providers_fault(body: bytes, kind: str, words: str) -> None:
    """An error inside a 200 and an answer of the wrong shape become upstream errors with the cause in
    words."""
    with pytest.raises(UpstreamError) as caught:
        read_reply(body)
    assert caught.value.kind == kind
    assert words in caught.value.message


@given(st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("choices", "message", "content", "tool_calls", "function", "usage",
         "reasoning_details",
                         "error", "index", "finish_reason", "audio", "type", "text", "name", "id")), inner),
    max_leaves=15,
))  # fmt: skip
def test_no_json_makes_the_reader_fail_otherwise(value: Any) -> None:
    """Arbitrary JSON gives a reply or an UpstreamError, never another exception."""
    try:
        read_reply(json.dumps(value).encode())
    except UpstreamError as error:
        assert error.message


def test_signed_thinking_travels_to_the_caller_and_back() -> None:
    """Thinking signed by Anthropic, written for an OpenAI caller who echoes the message, is read back
    whole."""
    thoughts = (
        ThinkingPart(text="a", signature="s1", dialect=ANTHROPIC),
        RedactedThinkingPart(data="d", dialect=ANTHROPIC),
        ThinkingPart(text="b", signature="s2", dialect=ANTHROPIC),
    )
    message, notes = message_of(reply_of(*thoughts, TextPart(text="x")))
    assert message["reasoning_content"] == "ab"
    assert message["reasoning_details"] == [
        {
            "type": "reasoning.text",
            "text": "a",
            "signature": "s1",
            "format": "anthropic-claude-v1",
            "index": 0,
        },
        {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 1},
        {
            "type": "reasoning.text",
            "text": "b",
            "signature": "s2",
            "format": "anthropic-claude-v1",
            "index": 2,
        },
    ]
    assert notes == []
    echoed = json.dumps({"model": "m", "messages": [{"role": "user", "content": "q"}, message]}).encode()
    assert read_request(echoed).messages[1].parts == (*thoughts, TextPart(text="x"))


def test_plain_thinking_is_only_shown() -> None:
    """Thinking without anything to prove is a string and no details."""
    message, _ = message_of(reply_of(ThinkingPart(text="a"), TextPart(text="x")))
    assert message["reasoning_content"] == "a"
    assert "reasoning_details" not in message


def test_parts_find_their_members() -> None:
    """Texts are joined, calls, refusals and audio have members of their own; the rest is noted."""
    call = ToolCallPart(id="c", name="f", arguments="{}", extra={"caller": Raw(b"1")})
    message, notes = message_of(
        reply_of(
            TextPart(text="a", citations=Raw(b"[]")),
            TextPart(text="b"),
            RefusalPart(text="no"),
            AudioPart(id="i", transcript="t"),
            ForeignPart(dialect=ANTHROPIC, kind="server_tool_use", raw=Raw(b"{}")),
            call,
        )
    )
    assert message == {
        "role": "assistant",
        "content": "ab",
        "refusal": "no",
        "audio": {"id": "i", "transcript": "t"},
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    assert notes == [
        "dropped choices[0].parts[0].citations (chat has no such citations)",
        "dropped choices[0].parts[4] (chat has no such part in an answer)",
        "dropped choices[0].parts[5].caller (known to anthropic_messages only)",
    ]


@pytest.mark.parametrize(
    ("created", "expected"),
    [("7", 7), ('"7"', 7), ("7.5", 7), ("null", None), ('"soon"', None), ("[]", None), ("1e999", None)],
)
def test_created_may_be_a_string(created: str, expected: int | None) -> None:
    """Writer tells the time as a string; what is no time is left out."""
    assert read_reply(b'{"choices":[],"created":%b}' % created.encode()).created_s == expected


def test_the_frame_of_an_answer() -> None:
    """Id, model, reason, the provider's own reason, usage and notes stand where callers look for them."""
    usage = Usage(input=1, cache_write_1h=2, output=3)
    written = write_reply(reply_of(TextPart(text="a"), usage=usage, extra={"container": Raw(b"1")}))
    body = json.loads(written.body)
    assert (body["id"], body["object"], body["created"], body["model"]) == ("r", "chat.completion", 0, "m")
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["choices"][0]["native_finish_reason"] == "end_turn"
    assert body["usage"]["prompt_tokens"] == 3
    assert [str(note) for note in written.notes] == [
        "changed usage.cache_write_1h (counted in cache_write_tokens)",
        "dropped container (known to anthropic_messages only)",
    ]
    assert "usage" not in json.loads(write_reply(reply_of()).body)


def test_an_own_answer_keeps_what_is_unknown() -> None:
    """An answer of this dialect read and written again is the same JSON."""
    body = {
        "id": "r", "object": "chat.completion", "created": 5, "model": "m", "system_fingerprint": "fp",
        "choices": [{"index": 0, "logprobs": None, "finish_reason": "odd_reason", "seed": 7,
                     "message": {"role": "assistant", "content": "x", "refusal": None, "annotations": [1]}}],
    }  # fmt: skip
    written = write_reply(read_reply(json.dumps(body).encode()))
    assert (json.loads(written.body), written.notes) == (body, ())
