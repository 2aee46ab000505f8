"""The plain case and the long way: both read the same from the same bytes, or refuse them with the same words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import both_ways
from tests.fakes.both_ways import members
from tests.kits.dialects import discover

from asbru.dialects.anthropic_messages import DIALECT
from asbru.dialects.anthropic_messages.plain import (
    read_plain_content,
    read_plain_message,
    read_plain_messages,
    read_plain_reply,
    read_plain_tools,
)

SUBJECT = discover()["anthropic_messages"]


def assert_same(read: Callable[[bytes], object], body: bytes) -> None:
    both_ways.assert_same(SUBJECT, read, body)


TEXT = st.sampled_from(("", "a", "ü", "two words", "asbru:openai_chat:sig"))
CACHE = members({"type": st.just("ephemeral")}, {"ttl": st.just("1h")})
TEXT_BLOCK = members(
    {"type": st.just("text"), "text": TEXT}, {"cache_control": CACHE, "citations": st.none() | st.just([])}
)
BLOCK = (
    TEXT_BLOCK
    | members({"type": st.just("thinking"), "thinking": TEXT}, {"signature": TEXT})
    | members(
        {"type": st.just("tool_use"), "id": TEXT, "name": TEXT},
        {"input": st.sampled_from(({}, {"a": 1}, None)), "cache_control": CACHE},
    )
    | members(
        {"type": st.just("tool_result"), "tool_use_id": TEXT},
        {"content": TEXT | st.lists(TEXT_BLOCK, max_size=2), "is_error": st.booleans(), "cache_control": CACHE},
    )
    | members({"type": st.sampled_from(("image", "redacted_thinking", "new"))}, {"data": TEXT})
)
CONTENT = TEXT | st.lists(BLOCK, max_size=3)
MESSAGE = members({"role": st.sampled_from(("user", "assistant", "system")), "content": CONTENT}, {})
TOOL = members(
    {"name": TEXT},
    {
        "description": TEXT,
        "input_schema": st.just({"type": "object"}),
        "strict": st.booleans(),
        "cache_control": CACHE,
        "type": st.sampled_from(("custom", "bash_20250124")),
    },
)
REQUEST = members(
    {"model": st.just("m"), "messages": st.lists(MESSAGE, max_size=4)},
    {
        "max_tokens": st.just(5),
        "system": CONTENT,
        "tools": st.lists(TOOL, max_size=2),
        "temperature": st.just(0.5),
        "stop_sequences": st.just(["a"]),
        "stream": st.booleans(),
        "service_tier": st.just("auto"),
    },
)
USAGE = members(
    {"input_tokens": st.integers(-1, 5), "output_tokens": st.integers(0, 5)},
    {
        "cache_creation": members({}, {"ephemeral_5m_input_tokens": st.integers(0, 5)}),
        "service_tier": st.just("standard"),
        "inference_geo": st.just("eu"),
        "server_tool_use": st.just({"web_search_requests": 1}),
    },
)
REPLY = members(
    {"content": st.lists(BLOCK, max_size=3)},
    {
        "id": st.just("msg_1"),
        "type": st.sampled_from(("message", "error")),
        "role": st.just("assistant"),
        "model": st.just("m"),
        "stop_reason": st.sampled_from(("end_turn", "tool_use", "odd", None)),
        "stop_sequence": st.none() | TEXT,
        "usage": USAGE,
        "container": st.none() | st.just({"id": "c"}),
    },
)


@given(REQUEST)
def test_any_request_is_read_the_same(wire: dict[str, Any]) -> None:
    """Plain, odd and wrong requests alike: the same request, or the same complaint."""
    assert_same(DIALECT.chat.read_request, json.dumps(wire).encode())


@given(REPLY)
def test_any_answer_is_read_the_same(wire: dict[str, Any]) -> None:
    """Plain, odd and wrong answers alike: the same reply, or the same complaint."""
    assert_same(DIALECT.chat.read_reply, json.dumps(wire).encode())


def raw(value: object) -> Any:
    return json.dumps(value).encode()


def test_what_most_send_is_plain() -> None:
    """The forms that agents and the API send are taken the short way, each of them."""
    text = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}], "is_error": True}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [thinking, text, call]},
        {"role": "user", "content": [result, text]},
    ]
    found = read_plain_messages(raw(messages))
    assert found is not None
    assert [len(message.parts) for message in found] == [1, 3, 2]
    assert read_plain_message(raw(messages[1])) == found[1]
    assert read_plain_content(raw([text])) is not None
    assert read_plain_tools(raw([{"name": "f", "description": "d", "input_schema": {"type": "object"}}])) is not None
    usage = {"input_tokens": 1, "output_tokens": 2, "service_tier": "standard", "inference_geo": "eu"}
    reply = {"id": "m", "type": "message", "content": [thinking, text, call], "usage": usage, "stop_details": None}
    answer = read_plain_reply(raw(reply))
    assert answer is not None
    assert (answer.service_tier, list(answer.extra)) == ("standard", ["usage"])


def test_invalid_utf8_is_not_plain() -> None:
    """Bytes that nobody looked at, in what rides along, are looked at before an answer counts as plain."""
    usage = b'"usage":{"input_tokens":1,"inference_geo":"\xff"}'
    body = b'{"type":"message","content":[{"type":"text","text":"a"}],%b}' % usage
    assert read_plain_reply(body) is None
    assert_same(DIALECT.chat.read_reply, body)
    body = b'{"type":"message","content":[],"usage":{"input_tokens":1,"cache_creation":{"\xff":1}}}'
    assert read_plain_reply(body) is None
    assert_same(DIALECT.chat.read_reply, body)


def test_a_result_of_text_needs_its_type() -> None:
    """A block without a type is not plain, also where only texts are."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"text": "r"}]}
    assert read_plain_messages(raw([{"role": "user", "content": [result]}])) is None
