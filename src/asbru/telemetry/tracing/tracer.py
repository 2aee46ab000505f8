"""Which calls are traced, and by which ids.

Sampling is decided when a call begins, before any span exists: by the caller where it says so, else by the trace id,
as `ParentBased(TraceIdRatioBased)` of OpenTelemetry decides, so that all services with one ratio choose the same
traces. A call that is not sampled has its ids all the same, which the provider is told: a trace is never broken, and
nobody behind us begins another one for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from asbru.telemetry.tracing.context import RANDOM, SAMPLED, Propagator, read_context, write_traceparent
from asbru.telemetry.tracing.span import Span
from asbru.wire.forwarded import ForwardedHeaders

_LOW_64 = (1 << 64) - 1


class CallTrace:
    """The place of one call in its trace. `parent_id` is 0 where the trace begins here; `remote_parent`: the parent is
    the caller's. `known`: the trace is found elsewhere, as it is sampled or the caller's, so its record names it. The
    ids of other calls would be of no use there, and cost more than all of a record: they are random, and indexed."""

    __slots__ = ("flags", "known", "parent_id", "remote_parent", "sampled", "span_id", "state", "trace_id")

    def __init__(self, trace_id: int, span_id: int, *, sampled: bool) -> None:
        self.trace_id = trace_id
        self.parent_id = 0
        self.remote_parent = False
        self.span_id = span_id
        self.sampled = self.known = sampled
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
    `body_bytes_max`: how much of each recorded body is in a span. `bits` draws so many random bits."""

    def __init__(
        self,
        sample_ratio: float,
        propagators: Sequence[Propagator],
        take: Callable[[Sequence[Span]], None],
        *,
        bits: Callable[[int], int] | None = None,
    ) -> None:
        self._bound = round(sample_ratio * (1 << 64))
        self._propagators = tuple(propagators)
        self.end = take
        self.body_bytes_max = 0
        # Ids need to be unique and not secret: a generator of the process, seeded by the system, is ten times faster.
        self._bits = bits or random.Random().getrandbits  # noqa: S311 -- not for secrets

    def begin(self, forwarded: ForwardedHeaders) -> CallTrace:
        """The trace of a call that begins."""
        span_id = self._bits(63) or 1  # 63, so that those of its attempts have 64
        context = read_context(forwarded.headers, self._propagators) if forwarded.traced else None
        if context is None:
            trace_id = self._bits(128) or 1
            return CallTrace(trace_id, span_id, sampled=trace_id & _LOW_64 < self._bound)
        trace_id = context.trace_id or self._bits(128) or 1
        sampled = trace_id & _LOW_64 < self._bound if context.sampled is None else context.sampled
        trace = CallTrace(trace_id, span_id, sampled=sampled)
        if context.trace_id:
            trace.parent_id = context.span_id
            trace.remote_parent = trace.known = True
            trace.flags = context.flags | sampled
            trace.state = context.state
        return trace

    def below(self, parent: CallTrace) -> CallTrace:
        """The place of a call that another call makes."""
        trace = CallTrace(parent.trace_id, self._bits(63) or 1, sampled=parent.sampled)
        trace.parent_id, trace.flags, trace.state = parent.span_id, parent.flags, parent.state
        trace.known = parent.known
        return trace
