"""The queue of spans: bounded, never in the way, and emptied at the end for as long as there is patience."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from tests.fakes.waiting import wait

from asbru.telemetry.tracing import Span, SpanCounts, SpanQueue, TraceExport
from asbru.telemetry.tracing.export import BATCH_SPANS

EXPORT = TraceExport(endpoint="http://collector", protocol="grpc", queued_spans_max=BATCH_SPANS)


def span(number: int = 1) -> Span:
    """A span of no importance."""
    return Span(1, number, 0, "x", "server", 0, 1, {})


def opened(send: Callable[[Sequence[Span]], str], ended: list[str]) -> Callable[..., object]:
    """What opens a sender that is a function."""
    return lambda _: (send, lambda: ended.append("closed"))


def test_what_waits_is_sent_at_the_end() -> None:
    """Closing sends the rest, then closes the sender."""
    sent: list[Span] = []
    ended: list[str] = []
    queue = SpanQueue(EXPORT, open_send=opened(lambda spans: sent.extend(spans) or "", ended))  # type: ignore[arg-type] # a fake
    queue.put([span(1), span(2)])
    queue.close()
    assert [one.span_id for one in sent] == [1, 2]
    assert (queue.counts.sent, queue.counts.dropped, ended) == (2, 0, ["closed"])


def test_a_full_queue_drops_calls_whole() -> None:
    """Spans of a call are queued together or not at all, and what is dropped is counted; so is what comes too late."""
    may_send = threading.Event()
    queue = SpanQueue(EXPORT, open_send=opened(lambda _: "" if may_send.wait(10) else "late", []))  # type: ignore[arg-type] # a fake
    queue.put([span()])
    for _ in range(3 * BATCH_SPANS):
        queue.put([span(), span()])
    assert len(queue) <= BATCH_SPANS
    assert queue.counts.dropped >= 2 * BATCH_SPANS
    assert queue.counts.dropped % 2 == 0
    may_send.set()
    queue.close()
    dropped = queue.counts.dropped
    queue.put([span()])
    assert queue.counts.dropped == dropped + 1


def test_a_sender_that_hangs_is_left_alone() -> None:
    """Closing waits no longer than its patience; what still waits is dropped, and the sender is told to end."""
    hangs, asked = threading.Event(), threading.Event()

    def send(_: Sequence[Span]) -> str:
        asked.set()
        hangs.wait(10)
        return ""

    ended: list[str] = []
    queue = SpanQueue(EXPORT, open_send=opened(send, ended))  # type: ignore[arg-type] # a fake
    for _ in range(BATCH_SPANS):
        queue.put([span()])
    assert asked.wait(10)
    queue.put([span()])
    queue.close(0.01)
    assert (queue.counts.sent, queue.counts.dropped, ended) == (0, 1, ["closed"])
    hangs.set()


def test_failures_are_counted_and_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A sender that fails or raises: spans are counted, a line says why, and the next batch is tried."""
    answers = iter(["no route", RuntimeError("a bug"), ""])

    def send(_: Sequence[Span]) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    counts = SpanCounts()
    queue = SpanQueue(EXPORT, counts, open_send=opened(send, []))  # type: ignore[arg-type] # a fake
    for number in range(3):
        queue._max = 3 * BATCH_SPANS
        for _ in range(BATCH_SPANS):
            queue.put([span()])
        wait(lambda number=number: counts.failed + counts.sent == (number + 1) * BATCH_SPANS, "a batch is through")
    queue.close()
    assert (counts.failed, counts.sent) == (2 * BATCH_SPANS, BATCH_SPANS)
    said = capsys.readouterr().err
    assert "no route" in said
    assert "a bug" in said


def test_a_sender_that_cannot_be_opened_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the libraries cannot be loaded, the log says so and spans are dropped."""

    def open_send(_: TraceExport) -> tuple[Callable[[Sequence[Span]], str], Callable[[], None]]:
        raise ImportError("no such library")

    queue = SpanQueue(EXPORT, open_send=open_send)
    queue.put([span()])
    queue.close()
    assert queue.counts.dropped == 1
    assert "no such library" in capsys.readouterr().err
