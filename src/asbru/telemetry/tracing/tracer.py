"""Which calls are traced, and by which ids.

Sampling is decided when a call begins, before any span exists: by the caller where it says so, else by the trace id,
as `ParentBased(TraceIdRatioBased)` of OpenTelemetry decides, so that all services with one ratio choose the same
traces. A call that is not sampled has its ids all the same, which the provider is told: a trace is never broken, and
nobody behind us begins another one for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from asbru.telemetry.tracing.context import (
    RANDOM,
    SAMPLED,
    Propagator,
    TraceContext,
    read_context,
    write_traceparent,
)
from asbru.telemetry.tracing.span import Span
from asbru.wire.forwarded import ForwardedHeaders

_LOW_64 = (1 << 64) - 1
IDS_DRAWN = 64
"""Ids are drawn for so many calls at a time."""
_BYTES_PER_ID = 16
_SPAN_DIGITS = 15
_FIRST_DIGIT = b"4"
"""Of all span ids made here: none is 0, and those of attempts, which are counted on, have 64 bits."""


class CallTrace:
    """The place of one call in its trace. `parent_id` is 0 where the trace begins here; `remote_parent`: the parent is
    the caller's. Such a trace, and one that is sampled, is found elsewhere, so the record of the call names it."""

    __slots__ = ("flags", "parent_id", "remote_parent", "sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: int, span_id: int, *, sampled: bool) -> None:
        self.trace_id = trace_id
        self.parent_id = 0
        self.remote_parent = False
        self.span_id = span_id
        self.sampled = sampled
        self.flags = RANDOM | SAMPLED if sampled else RANDOM
        self.state = b""

    def attempt_id(self, number: int) -> int:
        """The id of the span of attempt `number`, counted from 1: those of a call follow its own."""
        return self.span_id + number

    def lines(self, number: int) -> bytes:
        """The header lines that tell a provider of the trace, whose parent there is attempt `number`."""
        line = write_traceparent(self.trace_id, self.attempt_id(number), self.flags)
        return b"%btracestate: %b\r\n" % (line, self.state) if self.state else line


class Tracer:
    """See the module. `take`, as `end`, gets the spans of a sampled call that has ended, and neither waits nor raises.
    `body_bytes_max`: how much of each recorded body is in a span. `draw` returns so many random bytes."""

    def __init__(
        self,
        sample_ratio: float,
        propagators: Sequence[Propagator],
        take: Callable[[Sequence[Span]], None],
        *,
        draw: Callable[[int], bytes] | None = None,
    ) -> None:
        bound = round(sample_ratio * (1 << 64))
        # Of equal length, so that digits compare as the numbers do; the letter is behind all of them.
        self._bound = b"%016x" % bound if bound < 1 << 64 else b"g"
        self._propagators = tuple(propagators)
        self.end = take
        self.body_bytes_max = 0
        # Ids need to be unique and not secret: a generator of the process, seeded by the system, is ten times faster.
        self._draw = draw or random.Random().randbytes  # noqa: S311 -- not for secrets
        self._ids: list[bytes] = []

    def begin(self, forwarded: ForwardedHeaders) -> tuple[CallTrace | None, bytes]:
        """The trace of a call that begins. Of one that begins here and is not sampled, which are nearly all, only the
        id, as 32 hex digits."""
        ids = self._ids
        drawn = ids.pop() if ids else self._draw_ids()
        if forwarded.traced:
            context = read_context(forwarded.headers, self._propagators)
            if context is not None:
                return self._within(context, drawn)
        if drawn[16:] < self._bound:
            return CallTrace(int(drawn, 16), _span_id(drawn), sampled=True), b""
        return None, drawn

    def below(self, parent: CallTrace) -> CallTrace:
        """The place of a call that another call makes."""
        drawn = self._ids.pop() if self._ids else self._draw_ids()
        trace = CallTrace(parent.trace_id, _span_id(drawn), sampled=parent.sampled)
        trace.parent_id, trace.flags, trace.state = parent.span_id, parent.flags, parent.state
        return trace

    def _within(self, context: TraceContext, drawn: bytes) -> tuple[CallTrace | None, bytes]:
        """The trace that a caller tells of, or for which it only decides on sampling."""
        low = context.trace_id & _LOW_64 if context.trace_id else int(drawn[16:], 16)
        sampled = b"%016x" % low < self._bound if context.sampled is None else context.sampled
        if not context.trace_id and not sampled:
            return None, drawn
        trace = CallTrace(context.trace_id or int(drawn, 16), _span_id(drawn), sampled=sampled)
        if context.trace_id:
            trace.parent_id = context.span_id
            trace.remote_parent = True
            trace.flags = context.flags | sampled
            trace.state = context.state
        return trace, b""

    def _draw_ids(self) -> bytes:
        """New ids, of which one is taken."""
        self._ids = self._draw(IDS_DRAWN * _BYTES_PER_ID).hex(" ", _BYTES_PER_ID).encode().split()
        return self._ids.pop()


def _span_id(drawn: bytes) -> int:
    """The id of a call's span, made of random digits."""
    return int(_FIRST_DIGIT + drawn[:_SPAN_DIGITS], 16)
