"""The stream writer: chunks as OpenAI writes them, usage only on request, faults without `[DONE]`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import (
    ChatRequest,
    ForeignPart,
    Message,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    Ping,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter

ANTHROPIC = "anthropic_messages"
START = ReplyStart(id="r", model="m", created_s=5, dialect=ANTHROPIC)
STOP = ChoiceStop(stop="stop", raw_stop="end_turn")
DONE = "[DONE]"


def writer(*, include_usage: bool = False) -> ChatStreamWriter:
    ask = (Message(role="user", parts=()),)
    return ChatStreamWriter(ChatRequest(model="m", messages=ask, include_usage=include_usage))


def chunks(data: bytes) -> list[Any]:
    events = data.decode().split("\n\n")
    assert events.pop() == ""
    payloads = [event.removeprefix("data: ") for event in events]
    return [payload if payload in (DONE, ": keep-alive") else json.loads(payload) for payload in payloads]


def write(*events: StreamEvent, include_usage: bool = False) -> list[Any]:
    return chunks(writer(include_usage=include_usage).write(events))


def deltas(*events: StreamEvent) -> list[Any]:
    written = write(START, *events)
    return [chunk["choices"][0]["delta"] for chunk in written if chunk != DONE]


def part(index: int, empty: Part, *texts: str) -> list[StreamEvent]:
    more = [PartDelta(index=index, text=text) for text in texts]
    return [PartStart(index=index, part=empty), *more, PartStop(index=index)]


ROLE = {"role": "assistant", "content": ""}


def test_a_text_stream() -> None:
    """Role first, then text, the reason with the provider's own word, `[DONE]`; a ping is a comment."""
    written = write(START, Ping(), *part(0, TextPart(text=""), "Hi"), STOP, ReplyEnd())
    front = {"id": "r", "object": "chat.completion.chunk", "created": 5, "model": "m"}
    choice = {"index": 0, "finish_reason": None}
    assert written == [
        ": keep-alive",
        front | {"choices": [choice | {"delta": ROLE}]},
        front | {"choices": [choice | {"delta": {"content": "Hi"}}]},
        front | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "end_turn"}]},
        DONE,
    ]


def test_usage_only_for_those_who_asked() -> None:
    """The usage chunk without choices is written only on request, and never when usage is unknown."""
    report = UsageReport(usage=Usage(input=2, output=1))
    written = write(START, report, STOP, ReplyEnd(), include_usage=True)
    assert written[-2]["choices"] == []
    assert written[-2]["usage"]["total_tokens"] == 3
    assert write(START, STOP, ReplyEnd(), include_usage=True)[-2]["choices"] != []
    assert all("usage" not in chunk for chunk in write(START, report, STOP, ReplyEnd()))


def test_a_fault_ends_without_done() -> None:
    """A fault becomes an error object and the stream ends there."""
    written = write(START, *part(0, TextPart(text=""), "Hi"), StreamFault(message="m", type="t", code="c"))
    assert written[-1] == {"error": {"message": "m", "type": "t", "param": None, "code": "c"}}
    assert DONE not in written


def test_calls_are_numbered_per_choice() -> None:
    """Interleaved calls keep their own index, whatever other parts the choice has."""
    call = {"type": "function"}
    assert deltas(
        *part(0, TextPart(text=""), "t"),
        PartStart(index=1, part=ToolCallPart(id="a", name="f", arguments="")),
        PartStart(index=2, part=ToolCallPart(id="b", name="g", arguments="", custom=True)),
        PartDelta(index=1, text="{}"),
        PartDelta(index=2, text="x"),
        PartStart(index=0, part=ToolCallPart(id="c", name="h", arguments="1"), choice=1),
    ) == [
        ROLE,
        {"content": "t"},
        {"tool_calls": [{"index": 0, "id": "a", **call, "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "id": "b", "type": "custom", "custom": {"name": "g", "input": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 1, "custom": {"input": "x"}}]},
        ROLE,
        {"tool_calls": [{"index": 0, "id": "c", **call, "function": {"name": "h", "arguments": "1"}}]},
    ]


def test_signed_thinking_can_be_collected_and_sent_back() -> None:
    """A caller who collects the details of a stream and echoes them sends the very thinking that was
    signed."""
    events = [
        PartStart(index=0, part=ThinkingPart(text="", dialect=ANTHROPIC)),
        PartDelta(index=0, text="a"),
        PartDelta(index=0, text="b"),
        PartDelta(index=0, signature="s"),
        PartStop(index=0),
        *part(1, RedactedThinkingPart(data="d", dialect=ANTHROPIC)),
        *part(2, TextPart(text=""), "x"),
    ]
    written = deltas(*events)
    assert "".join(delta.get("reasoning_content", "") for delta in written) == "ab"
    details = [item for delta in written for item in delta.get("reasoning_details", ())]
    message = {"role": "assistant", "content": "x", "reasoning_details": details}
    body = json.dumps({"model": "m", "messages": [message]}).encode()
    assert read_request(body).messages[0].parts == (
        ThinkingPart(text="ab", signature="s", dialect=ANTHROPIC),
        RedactedThinkingPart(data="d", dialect=ANTHROPIC),
        TextPart(text="x"),
    )


def test_plain_thinking_and_refusals() -> None:
    """Thinking without proof is only shown; a refusal has its own member."""
    assert deltas(*part(0, ThinkingPart(text=""), "t"), *part(1, RefusalPart(text=""), "no")) == [
        ROLE,
        {"reasoning_content": "t"},
        {"refusal": "no"},
    ]


@pytest.mark.parametrize(
    ("events", "notes"),
    [
        (part(0, ForeignPart(dialect=ANTHROPIC, kind="k", raw=Raw(b"{}"))),
         ["dropped stream.part (chat has no such part in an answer)"]),
        ([ForeignEvent(dialect=ANTHROPIC, event="e", data=b"")],
         ["dropped stream.e (known to anthropic_messages only)"]),
        ([PartStart(index=0, part=TextPart(text="")), PartDelta(index=0, citation=Raw(b"1"))],
         ["dropped stream.citations (chat has no such citations)"]),
        ([PartStart(index=0, part=TextPart(text="")), PartDelta(index=0, foreign=Raw(b"1"))],
         ["dropped stream.delta (known to anthropic_messages only)"]),
        ([ChoiceStop(stop="stop_sequence", stop_sequence="X")],
         ["dropped stop_sequence (chat does not tell which stop matched)"]),
    ],
)  # fmt: skip
def test_what_chunks_cannot_say_is_noted(events: list[StreamEvent], notes: list[str]) -> None:
    """Whatever has no form in a chunk is named in the writer's notes, once."""
    target = writer()
    target.write([START, *events])
    target.write(events)
    assert [str(note) for note in target.notes] == notes


def test_an_own_stream_reads_the_same() -> None:
    """Events of this dialect, written and read again, are the same events."""
    front = b'data: {"id":"r","model":"m","created":5,"system_fingerprint":"f","choices":[{"index":0,'
    data = front + b'"delta":{"content":"a"},"logprobs":{"content":[]}}]}\n\n'
    data += front + b'"delta":{"audio":{"id":"x"}}}]}\n\n'
    data += front + b'"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"1"}}]}}]}\n\n'
    data += front + b'"delta":{},"finish_reason":"tool_calls","seed":7}]}\n\ndata: [DONE]\n\n'
    events = ChatStreamReader().feed(data)
    assert ChatStreamReader().feed(writer().write(events)) == events


def test_a_keep_alive_is_a_comment_and_is_read_back() -> None:
    """A ping is written as a comment, which every client skips, and a comment is read as a ping."""
    writer = ChatStreamWriter(ChatRequest(model="m", messages=()))
    data = writer.write([Ping()])
    assert data == b": keep-alive\n\n"
    assert ChatStreamReader().feed(data) == [Ping()]
