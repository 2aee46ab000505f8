"""The stream of a transcription through canonical events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.recordings.cuts import grammar

from asbru.core.chat import ChatRequest
from asbru.core.reply import ForeignEvent, ReplyEnd, StreamEvent, StreamFault, UsageReport
from asbru.dialects.openai_chat.transcript import TranscriptReader, TranscriptWriter

DELTA, DONE = "transcript.text.delta", "transcript.text.done"
EVENTS: list[dict[str, Any]] = [
    {"type": DELTA, "delta": "It "},
    {"type": DELTA, "delta": "rains", "logprobs": [{"token": "rains"}]},
    {"type": "transcript.text.segment", "id": "s", "text": "It rains", "start": 0, "end": 1},
    {"type": DONE, "text": "It rains", "usage": {"type": "duration", "seconds": 2}},
]


def wire(*events: dict[str, Any]) -> bytes:
    """What travels."""
    return b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in events)


WIRE = wire(*EVENTS)


def read(*pieces: bytes, clean: bool = True) -> list[StreamEvent]:
    """The events of a stream."""
    reader = TranscriptReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.close(clean=clean)


def written(events: list[StreamEvent]) -> list[dict[str, Any]]:
    """What is written of them."""
    data = TranscriptWriter(ChatRequest(model="m", messages=())).write(events)
    return [json.loads(line[6:]) for line in data.split(b"\n\n") if line.startswith(b"data: {")]


def test_what_is_read_is_written_again() -> None:
    """Deltas, segments, the whole text, and usage as the provider told it."""
    events = read(WIRE)
    assert grammar(events) == []
    assert any(isinstance(event, UsageReport) for event in events)
    again = written(events)
    assert [one["delta"] for one in again if one["type"] == DELTA and one["delta"]] == ["It ", "rains"]
    assert [one["logprobs"] for one in again if "logprobs" in one] == [[{"token": "rains"}]]
    assert again[-2:] == EVENTS[-2:]


@pytest.mark.parametrize("at", range(1, len(WIRE), 11))
def test_any_cut_gives_the_same(at: int) -> None:
    """Wherever the bytes are cut."""
    assert read(WIRE[:at], WIRE[at:]) == read(WIRE)


def test_an_end_alone_is_a_text() -> None:
    """Some models stream nothing before."""
    assert written(read(wire(EVENTS[-1]))) == [{"type": DELTA, "delta": "It rains"}, EVENTS[-1]]


def test_a_last_event_without_its_blank_line_counts() -> None:
    """If the body ended cleanly."""
    assert isinstance(read(WIRE[:-2])[-1], ReplyEnd)
    assert not isinstance(read(WIRE[:-2], clean=False)[-1], ReplyEnd)


def test_a_terminator_ends_what_was_said() -> None:
    """Of providers that say no more."""
    events = read(wire(EVENTS[0]), b"data: [DONE]\n\n")
    assert isinstance(events[-1], ReplyEnd) and written(events)[-1] == {"type": DONE, "text": "It "}


def test_unknown_events_go_as_they_came() -> None:
    """Providers have their own."""
    own = {"type": "conversation.item.delta", "x": 1}
    assert any(isinstance(event, ForeignEvent) for event in read(wire(own)))
    assert written(read(wire(own))) == [own]


@pytest.mark.parametrize(
    "data", [b'{"error": {"message": "no"}}', b'{"type": "error", "message": "no"}', b"[]", b"x"]
)
def test_what_is_no_event_is_a_fault(data: bytes) -> None:
    """And nothing more is read."""
    events = read(b"data: %b\n\n" % data + WIRE)
    assert isinstance(events[-1], StreamFault) and len(events) == 1
