"""The stream reader beyond the golden cases: ends, faults, odd chunks, and bytes of any kind."""

from __future__ import annotations

import gc
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.reply import (
    ChoiceStop,
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
from asbru.dialects.openai_chat.stream import ChatStreamReader, ChoiceReader
from asbru.wire import sse


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    body = {"id": "r", "model": "m", "created": 5, "choices": [choice]} | members
    return sse.write_event(json.dumps(body).encode())


HI = chunk({"role": "assistant", "content": "Hi"})
END = chunk(finish="stop")
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 2, "completion_tokens": 1}


def read(data: bytes) -> list[StreamEvent]:
    reader = ChatStreamReader()
    return reader.feed(data) + reader.close()


def test_a_reader_is_gone_with_its_stream() -> None:
    """A reader that has served holds no cycle: it goes at once, without a collection."""
    gc.collect()
    gc.disable()
    try:
        read(HI + chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}) + END + DONE)
        assert not any(type(one) in (ChatStreamReader, ChoiceReader) for one in gc.get_objects())
    finally:
        gc.enable()


def kinds(events: list[StreamEvent]) -> list[type]:
    return [type(event) for event in events]


WHOLE = [ReplyStart, PartStart, PartDelta, PartStop, ChoiceStop, ReplyEnd]
CUT = [ReplyStart, PartStart, PartDelta]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HI + END + DONE, WHOLE),
        (HI + END, WHOLE),
        (HI + END.rstrip(), WHOLE),
        (HI + END + b"data: [DONE]", WHOLE),
        (HI + END + b": bye", WHOLE),
        (HI + DONE, WHOLE),
        ((HI + END + DONE).replace(b"\n", b"\r\n"), WHOLE),
        (b"\xef\xbb\xbf: hello\n\n" + HI + END + DONE, [Ping, *WHOLE]),
        (HI, CUT),
        (HI + END[:-10], CUT),
        (HI + END + b"data: [DO", CUT),
        (b"", []),
    ],
)
def test_a_stream_is_complete_only_when_it_says_so(data: bytes, expected: list[type]) -> None:
    """`[DONE]`, or a finish reason and a clean end, completes a stream; anything else is a cut."""
    assert kinds(read(data)) == expected


@pytest.mark.parametrize(("data", "ends"), [(HI + END, False), (HI + END + b"data: [DONE]", True)])
def test_a_broken_connection_needs_the_terminator(data: bytes, ends: bool) -> None:
    """Where the body did not end by itself, finish reasons do not stand for `[DONE]`."""
    reader = ChatStreamReader()
    events = reader.feed(data) + reader.close(clean=False)
    assert isinstance(events[-1], ReplyEnd) is ends


@pytest.mark.parametrize(
    ("data", "message", "kind"),
    [
        (b'data: {"error":{"message":"m","type":"server_error"}}\n\n', "m", "server_error"),
        (b'data: {"error":"m"}\n\n', "m", "api_error"),
        (b'event: error\ndata: {"message":"m","code":500}\n\n', "m", "api_error"),
        (b"data: <html>\n\n", "expected a JSON object in the stream, got: <html>", "protocol_error"),
        (b"data: []\n\n", "expected a JSON object in the stream, got: []", "protocol_error"),
        (DONE, "the provider's stream ended before its first event", "protocol_error"),
        (
            b'data: {"choices":[{"delta":{"content":5}}]}\n\n',
            "the provider's answer, chunk.choices[0].delta.content: expected a string, got the number 5",
            "protocol_error",
        ),
    ],
)
def test_faults_end_the_stream(data: bytes, message: str, kind: str) -> None:
    """An error object or garbage is a fault in words, and nothing comes after it."""
    reader = ChatStreamReader()
    fault = reader.feed(data + HI + DONE)[-1]
    assert isinstance(fault, StreamFault)
    assert (fault.message, fault.type) == (message, kind)
    assert (reader.feed(HI), reader.close()) == ([], [])


def test_a_fault_tells_its_status() -> None:
    """A number as code, or `status_code`, is the status the fault would have had; usage beside it counts."""
    data = HI + b'data: {"error":{"message":"m","code":429},"choices":[],"usage":%b}\n\n' % json.dumps(USAGE).encode()
    *_, usage, fault = read(data)
    assert isinstance(usage, UsageReport)
    assert fault == StreamFault(message="m", code="429", status=429)


def test_an_endless_event_is_a_fault() -> None:
    """A line that never ends is refused at the limit instead of filling the memory."""
    reader = ChatStreamReader()
    events = reader.feed(b"data: " + b"x" * (sse.SSE_EVENT_BYTES_MAX + 1))
    assert [event.type for event in events if isinstance(event, StreamFault)] == ["protocol_error"]
    assert reader.feed(HI) == []


def test_usage_is_reported_wherever_it_comes() -> None:
    """Usage before, with and after the finish, and Groq's own place, are all reported."""
    data = chunk({"content": "a"}, usage=USAGE) + chunk(finish="stop", x_groq={"usage": USAGE})
    data += chunk({"content": ""}, usage=USAGE) + DONE
    assert kinds(read(data)).count(UsageReport) == 3


def test_logprobs_follow_their_text() -> None:
    """Token log probabilities travel as raw JSON with the text part that is open."""
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [1]}, "finish_reason": None}
    events = read(chunk(choices=[choice]) + END + DONE)
    raw = [event.logprobs for event in events if isinstance(event, PartDelta) and event.logprobs is not None]
    assert [bytes(one) for one in raw] == [b'{"content": [1]}']


LINES = st.sampled_from(
    [HI, END, DONE, b"data: {\n\n", b"data: \xff\n\n", b"event: error\n", b"\r", b"\n", b"data", b": x\n",
     chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}),
     chunk({"tool_calls": [{"function": {"arguments": "1"}}]}), chunk({"reasoning": "r"}),
     b'data: {"choices":[]}\n\n', b'data: {"choices":{}}\n\n']
)  # fmt: skip


@given(
    st.lists(LINES | st.binary(max_size=6), max_size=8).map(b"".join),
    st.lists(st.integers(0, 900), max_size=6),
)
def test_any_bytes_in_any_cut_give_the_same_events(data: bytes, cuts: list[int]) -> None:
    """The reader never raises, any cut gives the same events, parts are balanced, and nothing follows a
    fault."""
    reader = ChatStreamReader()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    events: list[StreamEvent] = []
    for start, end in pairwise(places):
        events += reader.feed(data[start:end])
    events += reader.close()
    assert events == read(data)
    check_grammar(events)


def check_grammar(events: list[StreamEvent]) -> None:
    """Start first but for pings, deltas inside parts, each part stopped once, stops before the end, nothing after."""
    events = [event for event in events if not isinstance(event, Ping)]
    open_parts: set[tuple[int, int]] = set()
    seen: set[tuple[int, int]] = set()
    for at, event in enumerate(events):
        if isinstance(event, StreamFault):
            assert at == len(events) - 1
            return
        assert isinstance(event, ReplyStart) == (at == 0)
        match event:
            case PartStart():
                key = (event.choice, event.index)
                assert key not in seen
                seen.add(key)
                open_parts.add(key)
            case PartDelta():
                assert (event.choice, event.index) in open_parts
            case PartStop():
                open_parts.remove((event.choice, event.index))
            case ReplyEnd():
                assert at == len(events) - 1
                assert not open_parts
            case _:
                pass


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (chunk(finish="network_error", usage=USAGE), "network_error"),
        (chunk(choices=[{"index": 0, "delta": {}, "error": {"message": "gone"}}], usage=USAGE), "gone"),
        (chunk(choices=[{"index": 0, "delta": {"content": ""}, "error": {"message": "gone"}}]), "gone"),
    ],
)
def test_a_choice_that_failed_ends_the_stream(last: bytes, message: str) -> None:
    """A choice that the provider broke off is a fault, after the usage of its chunk, and no end follows."""
    events = read(HI + last + DONE)
    fault = events[-1]
    assert isinstance(fault, StreamFault) and message in fault.message
    assert any(isinstance(one, UsageReport) for one in events) == (b"usage" in last)
