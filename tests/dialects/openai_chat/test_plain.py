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

from asbru.core.reply import StreamEvent
from asbru.dialects.openai_chat import DIALECT, plain
from asbru.dialects.openai_chat.plain import (
    read_plain_chunk,
    read_plain_message,
    read_plain_messages,
    read_plain_reply,
    read_plain_request,
    read_plain_tools,
)

SUBJECT = discover()["openai_chat"]


def assert_same(read: Callable[[bytes], object], body: bytes) -> None:
    both_ways.assert_same(SUBJECT, read, body)


def read_stream(data: bytes) -> list[StreamEvent]:
    reader = DIALECT.chat.stream_reader()
    return reader.feed(data) + reader.close()


TEXT = st.sampled_from(("", "a", "ü \ud800".encode("utf-8", "replace").decode(), "two words"))
TEXTS = st.lists(members({"type": st.just("text"), "text": TEXT}, {}), max_size=2)
CALLS = st.lists(
    members(
        {
            "id": st.sampled_from(("", "call_1", "call_2")),
            "function": members({"name": TEXT, "arguments": st.sampled_from(("", "{}", '{"a":1}'))}, {}),
        },
        {"type": st.just("function"), "index": st.integers(0, 2)},
    ),
    max_size=2,
)
MESSAGE = (
    members({"role": st.sampled_from(("system", "developer", "user")), "content": TEXT | TEXTS}, {"name": TEXT})
    | members(
        {"role": st.just("assistant")},
        {
            "content": TEXT | TEXTS | st.none(),
            "tool_calls": CALLS,
            "reasoning_content": TEXT,
            "reasoning": TEXT,
            "refusal": st.none() | TEXT,
        },
    )
    | members({"role": st.just("tool"), "tool_call_id": TEXT, "content": TEXT | TEXTS}, {"name": TEXT})
)
TOOL = members(
    {
        "function": members(
            {"name": TEXT}, {"description": TEXT, "parameters": st.just({"type": "object"}), "strict": st.booleans()}
        )
    },
    {"type": st.just("function")},
)
REQUEST = members(
    {"model": st.just("m"), "messages": st.lists(MESSAGE, max_size=4)},
    {
        "max_tokens": st.just(5),
        "max_completion_tokens": st.just(6),
        "temperature": st.just(0.5),
        "top_p": st.just(1),
        "stream": st.booleans(),
        "stream_options": members({"include_usage": st.booleans()}, {}),
        "tools": st.lists(TOOL, max_size=2),
        "tool_choice": st.sampled_from(("auto", "none", "required", "any", "x")),
        "parallel_tool_calls": st.booleans(),
        "reasoning_effort": st.just("low"),
        "user": st.just("u"),
        "seed": st.just(1),
    },
)
ANSWER = members(
    {"content": st.none() | TEXT},
    {
        "role": st.just("assistant"),
        "refusal": st.none() | TEXT,
        "tool_calls": CALLS,
        "reasoning_content": TEXT,
        "reasoning": TEXT,
        "annotations": st.just([]),
    },
)
REPLY = members(
    {
        "choices": st.lists(
            members(
                {"message": ANSWER, "finish_reason": st.sampled_from(("stop", "tool_calls", "odd", None, ""))},
                {"index": st.integers(0, 2), "logprobs": st.none() | st.just({"content": []})},
            ),
            max_size=2,
        )
    },
    {
        "id": st.just("r-1"),
        "object": st.just("chat.completion"),
        "model": st.just("m"),
        "created": st.sampled_from((5, "5")),
        "usage": st.just({"prompt_tokens": 3, "completion_tokens": 2, "extra": {}}),
        "service_tier": st.just("default"),
        "system_fingerprint": st.just("fp"),
        "x_groq": st.just({"id": "x"}),
    },
)
FRAGMENTS = st.lists(
    members(
        {
            "index": st.integers(0, 1),
            "function": members({"arguments": st.sampled_from(("", "{", "}"))}, {"name": st.sampled_from(("", "f"))}),
        },
        {"id": st.sampled_from(("", "call_1")), "type": st.just("function")},
    ),
    max_size=2,
)
CHUNK = members(
    {
        "choices": st.lists(
            members(
                {
                    "delta": members(
                        {},
                        {
                            "content": TEXT,
                            "role": st.just("assistant"),
                            "reasoning_content": TEXT,
                            "reasoning": TEXT,
                            "tool_calls": FRAGMENTS,
                            "refusal": st.none() | TEXT,
                        },
                    )
                },
                {
                    "index": st.integers(0, 1),
                    "finish_reason": st.none() | st.just("stop"),
                    "logprobs": st.none() | st.just({"content": []}),
                },
            ),
            min_size=1,
            max_size=2,
        )
    },
    {"id": st.just("r-1"), "usage": st.none() | st.just({"prompt_tokens": 3, "completion_tokens": 2})},
)


def test_null_beside_the_modern_limit_is_absent() -> None:
    """`max_tokens: null` beside `max_completion_tokens` says nothing, whichever way the body is read."""
    messages = [{"role": "user", "content": "hi"}]
    wire = {"model": "m", "messages": messages, "max_completion_tokens": 6, "max_tokens": None}
    assert_same(DIALECT.chat.read_request, json.dumps(wire).encode())


@given(REQUEST)
def test_any_request_is_read_the_same(wire: dict[str, Any]) -> None:
    """Plain, odd and wrong requests alike: the same request, or the same complaint."""
    assert_same(DIALECT.chat.read_request, json.dumps(wire).encode())


@given(REPLY)
def test_any_answer_is_read_the_same(wire: dict[str, Any]) -> None:
    """Plain, odd and wrong answers alike: the same reply, or the same complaint."""
    assert_same(DIALECT.chat.read_reply, json.dumps(wire).encode())


@given(st.lists(CHUNK, min_size=1, max_size=6))
def test_any_stream_is_read_the_same(chunks: list[Any]) -> None:
    """Plain, odd and wrong chunks, mixed: the same events."""
    data = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    assert_same(read_stream, data + b"data: [DONE]\n\n")


def raw(value: object) -> Any:
    return json.dumps(value).encode()


def test_what_most_send_is_plain() -> None:
    """The forms that agents and SDKs send are taken the short way, each of them."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "q"}]},
        {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    found = read_plain_request(
        raw({"model": "m", "messages": messages, "tools": [tool], "tool_choice": "auto", "stream": True})
    )
    assert found is not None
    assert [message.role for message in found.messages] == ["system", "user", "assistant", "user"]
    assert read_plain_messages(raw(messages)) is not None
    assert read_plain_message(raw(messages[2])) is not None
    assert read_plain_tools(raw([tool])) is not None
    answer = {"role": "assistant", "content": "a", "refusal": None, "annotations": [], "tool_calls": [call]}
    choice = {"index": 0, "message": answer, "logprobs": None, "finish_reason": "stop"}
    assert read_plain_reply(raw({"id": "r", "choices": [choice], "system_fingerprint": "fp"})) is not None
    for delta in (
        {"content": "a"},
        {"reasoning": "a"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
    ):
        assert read_plain_chunk(raw({"id": "r", "choices": [{"index": 0, "delta": delta}]})) is not None


def test_invalid_utf8_is_not_plain() -> None:
    """Bytes that nobody looked at, in what rides along, are looked at before the body counts as plain."""
    tools_at = b'"tools":[{"function":{"name":"f","parameters":{"a":"\xff"}}}]'
    body = b'{"model":"m","messages":[{"role":"user","content":"q"}],%b}' % tools_at
    assert plain.read_plain_request(body) is None
    assert_same(DIALECT.chat.read_request, body)
    body = b'{"choices":[{"message":{"content":"a"}}],"system_fingerprint":"\xff"}'
    assert plain.read_plain_reply(body) is None
    assert_same(DIALECT.chat.read_reply, body)


def test_a_part_needs_its_type() -> None:
    """A part without a type is not plain, although text is all that could be."""
    assert read_plain_message(raw({"role": "user", "content": [{"text": "q"}]})) is None


def test_a_chunk_that_is_not_utf8_is_not_plain() -> None:
    """Skipped members are not looked at by the decoder: what is not UTF-8 anywhere is left to the slow way."""
    head = b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"'
    assert read_plain_chunk(head + b'\xc3\xa9":"stop"}]}') is not None
    assert read_plain_chunk(head + b'\x80":"stop"}]}') is None
