"""Spans of calls whose bodies are recorded; what else is in a span: `tests/journeys/test_tracing.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.records.retention import RecordSettings
from asbru.telemetry.tracing import Span, Tracer

REPLY = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"secret reply"},"finish_reason":"stop"}]}'
)


class Bodies:
    """Where recorded bodies go."""

    def add(self, *_: Any) -> None:
        """Nowhere."""


def spans_of(monkeypatch: pytest.MonkeyPatch, bodies: str, bytes_max: int) -> list[Span]:
    """The spans of one call."""
    settings = msgspec.convert({"bodies": bodies}, RecordSettings)
    inside = Inside(Snapshot(providers=(provider("a"),), records=settings), monkeypatch, bodies=Bodies())
    found: list[Span] = []
    tracer = Tracer(1.0, ("tracecontext",), found.extend)
    tracer.body_bytes_max = bytes_max
    assert inside.door.rooms is not None
    inside.door.rooms.tracer = tracer
    inside.script("a", answer(200, REPLY))
    assert inside.chat("a/m").status == 200
    return found


@pytest.mark.parametrize(("bodies", "bytes_max"), [("off", 100), ("allowed", 100), ("all", 0)])
def test_no_body_is_in_a_span(monkeypatch: pytest.MonkeyPatch, bodies: str, bytes_max: int) -> None:
    """Unless both switches say so: the calls' own, and that of the spans."""
    spans = spans_of(monkeypatch, bodies, bytes_max)
    assert len(spans) == 2 and "secret" not in repr(spans)
    assert all(span.events == () for span in spans)


def test_recorded_bodies_are_an_event_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the call's span, as text."""
    whole, attempt = spans_of(monkeypatch, "all", 20)
    (event,) = whole.events
    assert event.name == "bodies" and attempt.events == ()
    assert event.attributes == {
        "asbru.request.body": '{"model":"a/m","mess',
        "asbru.response.body": REPLY[:20].decode(),
    }
