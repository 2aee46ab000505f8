"""Whose time a call took: what was spent waiting for providers is no overhead, whole, streamed or retried."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.routing import RetryPolicy

BODY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7},
}
OK = answer(200, json.dumps(BODY).encode())
FAILED = answer(500, b'{"error":{"message":"no","type":"t","code":"c"}}')
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Timed(Inside):
    """The same, with calls that begin at its own time."""

    def handle(self, request: Any, connection: Any) -> None:
        """See `Inside`."""
        request.received_s = self.now_s
        super().handle(request, connection)

    def times(self) -> list[int]:
        """Latency, overhead, first token, between tokens: the sums of the only kind of call, in whole seconds."""
        collected = self.lasting.meter.collect_delta(everything=True)
        assert collected is not None
        ((_, histograms),) = collected.times
        return [round(sum_us / 1e6) for sum_us, _ in histograms]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Timed:
    """One provider, tried twice."""
    retries = RetryPolicy(max=1, pause_initial_s=0.0, pause_max_s=0.0)
    return Timed(Snapshot(providers=(provider("a", retries=retries),)), monkeypatch)


def chunk(value: object) -> bytes:
    """An event as one HTTP chunk."""
    data = b"data: %b\n\n" % (value if isinstance(value, bytes) else json.dumps(value).encode())
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_whole_response(inside: Timed) -> None:
    """The provider takes five seconds: five of latency, none of overhead."""
    inside.chat("a/m")
    inside.now_s += 5
    inside.script("a", OK)
    inside.play()
    assert inside.times() == [5, 0, 0, 0]


def test_attempts_are_added_up(inside: Timed) -> None:
    """Two attempts of two and three seconds; what passes before the first is Asbru's."""
    inside.chat("a/m")
    inside.now_s += 2
    inside.script("a", FAILED)
    inside.play()
    inside.now_s += 3
    inside.script("a", OK)
    inside.play()
    assert inside.times() == [5, 0, 0, 0]


def test_a_call_without_an_attempt_is_all_overhead(inside: Timed) -> None:
    """A refusal waits for nobody."""
    inside.call("/v1/chat/completions", b"{")
    collected = inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    ((_, ((latency_us, _), (overhead_us, _), *_)),) = collected.times
    assert latency_us == overhead_us


def test_a_stream(inside: Timed) -> None:
    """Four seconds to the first content and six from there: the first token after four, three tokens three apart."""
    inside.chat("a/m", stream=True)
    inside.now_s += 1
    inside.script("a", STREAM_HEAD)
    inside.play()
    (_, transport) = inside.upstreams[0]
    inside.now_s += 3
    delta = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}
    transport.receive(chunk({**BODY, "choices": [delta], "usage": None}))
    inside.play()
    inside.now_s += 6
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    transport.receive(chunk({**BODY, "choices": [end]}) + chunk(b"[DONE]") + b"0\r\n\r\n")
    inside.play()
    assert inside.times() == [10, 0, 4, 3]
