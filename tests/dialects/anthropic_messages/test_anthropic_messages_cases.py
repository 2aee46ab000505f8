"""The golden cases of the Messages API: what is read is written back, cut anywhere, and means what the case says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from asbru.core.chat import ChatRequest
from asbru.core.reply import ForeignEvent, Ping, ReplyEnd, StreamEvent, StreamFault, UsageReport
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT

CASES = Path(__file__).resolve().parents[2] / "cases" / "anthropic_messages"
REQUEST = ChatRequest(model="m", messages=())


def cases(kind: str) -> list[Any]:
    """The cases of one kind, as parameters."""
    found = [
        pytest.param(json.loads(file.read_text()), id=file.stem) for file in sorted(CASES.glob(f"{kind}_*.json"))
    ]
    assert found
    return found


def sse(events: list[list[Any]]) -> bytes:
    """A stream as the API sends it."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps(event).encode()) for name, event in events
    )


def read_all(data: bytes, *cuts: int) -> list[StreamEvent]:
    """The events of a stream that arrives in pieces."""
    reader = DIALECT.chat.stream_reader()
    events: list[StreamEvent] = []
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        events += reader.feed(data[start:end])
    return events + reader.close()


@pytest.mark.parametrize("case", cases("request"))
def test_request_is_written_back(case: dict[str, Any]) -> None:
    """A request of this dialect survives a read and a write whole, with no notes."""
    request = DIALECT.chat.read_request(json.dumps(case["wire"]).encode())
    written = DIALECT.chat.write_request(request, request.model, PLAIN)
    assert json.loads(written.body) == case["wire"]
    assert written.notes == ()
    assert DIALECT.chat.read_request(written.body) == request


@pytest.mark.parametrize("case", cases("request"))
def test_cache_marks_are_kept(case: dict[str, Any]) -> None:
    """There are as many cache marks after a read and a write as before."""
    request = DIALECT.chat.read_request(json.dumps(case["wire"]).encode())
    body = DIALECT.chat.write_request(request, "m", PLAIN).body
    assert body.count(b'"cache_control"') == json.dumps(case["wire"]).count('"cache_control"')


@pytest.mark.parametrize("case", cases("reply"))
def test_reply_is_written_back(case: dict[str, Any]) -> None:
    """An answer of this dialect survives a read and a write whole, and its usage is found without reading it."""
    body = json.dumps(case["wire"]).encode()
    reply = DIALECT.chat.read_reply(body)
    written = DIALECT.chat.write_reply(reply)
    assert present(json.loads(written.body)) == present(case["wire"])
    assert written.notes == ()
    assert DIALECT.passing.usage_of(body) == reply.usage


def present(value: Any) -> Any:
    """JSON without nulls: what the API spells out as absent may be left out."""
    if isinstance(value, dict):
        return {name: present(inner) for name, inner in value.items() if inner is not None}
    return [present(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", cases("stream"))
def test_stream_is_the_same_cut_anywhere(case: dict[str, Any]) -> None:
    """Every cut of the bytes, CRLF instead of LF, and one byte at a time give the same events."""
    data = sse(case["wire"])
    whole = read_all(data)
    for cut in range(1, len(data)):
        assert read_all(data, cut) == whole
    assert read_all(data, *range(1, len(data))) == whole
    assert read_all(data.replace(b"\n", b"\r\n")) == whole
    assert read_all(data.rstrip(b"\n")) == whole


@pytest.mark.parametrize("case", cases("stream"))
def test_stream_cut_short_never_ends_well(case: dict[str, Any]) -> None:
    """A stream that stops before message_stop has no ReplyEnd, wherever it stops."""
    data = sse(case["wire"])
    for end in range(data.rfind(b'"message_stop"}')):
        assert not any(isinstance(event, ReplyEnd) for event in read_all(data[:end]))


@pytest.mark.parametrize("case", cases("stream"))
def test_stream_is_written_back(
    case: dict[str, Any], check_stream: Callable[[bytes], list[tuple[str, dict[str, Any]]]]
) -> None:
    """A stream read and written obeys the state machine and is read as the same events again."""
    events = read_all(sse(case["wire"]))
    writer = DIALECT.chat.stream_writer(REQUEST)
    data = b"".join(writer.write([event]) for event in events)
    check_stream(data)
    again = read_all(data)
    if "fault" not in case and case["about"].find("never reports") < 0:
        assert again == events
        assert writer.notes == ()
    assert writer.write([Ping(), ReplyEnd()]) == b""


@pytest.mark.parametrize("case", cases("stream"))
def test_stream_tells_its_usage_and_end(case: dict[str, Any]) -> None:
    """Usage and completeness are the same by the reader and by the pass-through helpers."""
    data = sse(case["wire"])
    events = read_all(data)
    reports = [event.usage for event in events if isinstance(event, UsageReport)]
    expected = msgspec.convert(case["usage"], Usage) if "usage" in case else None
    tail = DIALECT.passing.tail(data[-600:])
    if "fault" in case:
        fault = events[-1]
        assert isinstance(fault, StreamFault)
        assert (fault.type, fault.status) == (case["fault"]["type"], case["fault"]["status"])
        assert (tail.complete, tail.fault) == (False, fault)
        return
    assert (reports[-1] if reports else None) == expected
    assert DIALECT.passing.merge_usage(DIALECT.passing.head_usage(data[:900]), tail.usage) == expected
    assert tail.complete and tail.fault is None
    assert isinstance(events[-1], ReplyEnd)


@pytest.mark.parametrize("case", cases("error"))
def test_error_is_read(case: dict[str, Any]) -> None:
    """An error answer in any form keeps its status and body, and says what can be said."""
    body = case["wire"].encode()
    error = DIALECT.errors.read(case["status"], body)
    assert {name: getattr(error, name) for name in case["expect"]} == case["expect"]
    assert (error.status, error.body, error.kind, error.dialect) == (case["status"], body, "status", DIALECT.name)


def test_unknown_events_ride_along(golden: Callable[[str], dict[str, Any]]) -> None:
    """An event of an unknown type is a ForeignEvent of this dialect."""
    events = read_all(sse(golden("stream_server_tools")["wire"]))
    assert [event.event for event in events if isinstance(event, ForeignEvent)] == ["weather_event"]
