"""Faults of event streams, frame by frame: sums, exceptions, frames that no reader knows."""

from __future__ import annotations

import pytest
from tests.fakes.strict.bedrock import frame

from asbru.core.reply import ForeignEvent, PartDelta, ReplyStart, StreamEvent, StreamFault
from asbru.dialects.bedrock_converse.passthrough import prelude, tail
from asbru.dialects.bedrock_converse.stream import ConverseStreamReader
from asbru.wire.eventstream import Header, write_message

START = frame("messageStart", {"role": "assistant"})
TEXT = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}})
STOP = frame("messageStop", {"stopReason": "end_turn"})


def read(data: bytes) -> list[StreamEvent]:
    """All events of a stream."""
    reader = ConverseStreamReader()
    return reader.feed(data) + reader.close(clean=True)


@pytest.mark.parametrize("at", range(len(TEXT)))
def test_a_changed_byte_is_a_fault(at: int) -> None:
    """Whichever byte of a frame is changed, what it says is not believed, and what came before it stands."""
    wounded = bytearray(TEXT)
    wounded[at] ^= 0x01
    events = read(START + bytes(wounded) + STOP)
    assert isinstance(events[0], ReplyStart)
    assert isinstance(events[-1], StreamFault)
    assert events[-1].type == "protocol_error"
    assert not any(isinstance(event, PartDelta) for event in events)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("throttlingException", 429),
        ("validationException", 400),
        ("modelStreamErrorException", 424),
        ("internalServerException", 500),
        ("serviceUnavailableException", 503),
        ("modelTimeoutException", 408),
        ("newException", None),
    ],
)
def test_exceptions_are_faults(name: str, status: int | None) -> None:
    """With the status that the exception has as a response; the reader, the prelude and the tail agree."""
    data = frame(name, {"message": "words"}, "exception")
    (fault,) = read(data)
    assert isinstance(fault, StreamFault)
    assert (fault.message, fault.status) == ("words", status)
    assert prelude(START + data) == fault
    assert tail(START + TEXT + data).fault == fault


def test_an_error_without_a_model_is_a_fault() -> None:
    """The other form that the framing has: words in headers."""
    named = {":message-type": "error", ":error-code": "InternalServerException", ":error-message": "words"}
    (fault,) = read(write_message([Header(*item) for item in named.items()], b""))
    assert fault == StreamFault(
        message="words", type="InternalServerException", code="InternalServerException", status=500
    )


def test_an_unknown_event_goes_along() -> None:
    """It ends nothing."""
    events = read(START + frame("newEvent", {"a": 1}) + TEXT)
    assert isinstance(events[1], ForeignEvent)
    assert isinstance(events[-1], PartDelta)


@pytest.mark.parametrize("wrong", [TEXT[:0] + STOP + TEXT, START + START, START + STOP + STOP])
def test_events_out_of_order_are_a_fault(wrong: bytes) -> None:
    """Content after the stop, two starts, two stops."""
    events = read(wrong)
    assert isinstance(events[-1], StreamFault)
