"""Finished spans on their way to a collector: a bounded queue, and a thread that empties it.

    put       by the event loop: never waits; what does not fit is dropped and counted
    the thread takes up to BATCH_SPANS at a time, when there are so many or INTERVAL_S after the last time
    close     what waits is sent, for at most CLOSE_S; then the thread is left alone, and ends with the process

A collector that hangs or is away costs the thread its timeout, the queue its spans, and nobody else anything. The
libraries of the extra `otel` are imported by the thread, so that a worker does not stand still for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from asbru.telemetry.limited import LimitedLog
from asbru.telemetry.tracing.settings import TraceExport
from asbru.telemetry.tracing.span import Span

BATCH_SPANS = 256
INTERVAL_S = 1.0
CLOSE_S = 2.0

Send: TypeAlias = Callable[[Sequence[Span]], str]
"""Sends spans; "" when they have arrived, else why they have not. May take a while."""
OpenSend: TypeAlias = Callable[[TraceExport], "tuple[Send, Callable[[], None]]"]
"""What makes a `Send`, and what ends it, to be called from another thread: it may then be under way."""


def _open_otlp(export: TraceExport) -> tuple[Send, Callable[[], None]]:
    from asbru.telemetry.tracing.otlp import OtlpSender  # half a second, 30 MB: only where it is used

    sender = OtlpSender(export)
    return sender.send, sender.close


class SpanCounts:
    """What became of spans, over all queues of a process: a configuration that changes begins a new queue. `dropped`:
    there was no room; `failed`: the collector did not take them."""

    def __init__(self) -> None:
        self.sent = self.dropped = self.failed = 0
        self._lock = threading.Lock()

    def add(self, *, sent: int = 0, dropped: int = 0, failed: int = 0) -> None:
        """Count, from any thread."""
        with self._lock:
            self.sent += sent
            self.dropped += dropped
            self.failed += failed


class SpanQueue:
    """See the module."""

    def __init__(
        self, export: TraceExport, counts: SpanCounts | None = None, *, open_send: OpenSend = _open_otlp
    ) -> None:
        self.export = export
        self.counts = counts or SpanCounts()
        self._open_send = open_send
        self._spans: deque[Span] = deque()
        self._max = export.queued_spans_max
        self._wake = threading.Event()
        self._closing = False
        self._close_send: Callable[[], None] | None = None
        self._log = LimitedLog()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._spans)

    def put(self, spans: Sequence[Span]) -> None:
        """Queue spans of one call: all of them, or none."""
        queue = self._spans
        if len(queue) + len(spans) > self._max or self._closing:
            self.counts.add(dropped=len(spans))
            return
        queue.extend(spans)
        if len(queue) >= BATCH_SPANS:
            self._wake.set()

    def close(self, patience_s: float = CLOSE_S) -> None:
        """Send what waits, and end. Blocks for at most `patience_s`; what is left then is dropped."""
        self._closing = True
        self._wake.set()
        self._thread.join(patience_s)
        self.counts.add(dropped=len(self._spans))
        self._spans.clear()
        if self._close_send is not None:
            self._close_send()

    def _run(self) -> None:
        try:
            send, self._close_send = self._open_send(self.export)
        except Exception as error:  # noqa: BLE001 -- the log is told; spans are then counted as dropped
            self._tell("spans cannot be exported", repr(error))
            return
        while not self._closing:
            self._wake.wait(INTERVAL_S)
            self._wake.clear()
            self._empty(send)
            self._log.tick(time.monotonic())
        self._empty(send)
        self._log.close()

    def _empty(self, send: Send) -> None:
        while self._spans:
            batch = [self._spans.popleft() for _ in range(min(len(self._spans), BATCH_SPANS))]
            try:
                why = send(batch)
            except Exception as error:  # noqa: BLE001 -- the log is told; later spans may be taken
                why = repr(error)
            if why:
                self.counts.add(failed=len(batch))
                self._tell("spans were not exported", why, spans=len(batch))
            else:
                self.counts.add(sent=len(batch))

    def _tell(self, event: str, why: str, **fields: int) -> None:
        self._log.say(time.monotonic(), "warning", event, (), endpoint=self.export.endpoint, why=why, **fields)
