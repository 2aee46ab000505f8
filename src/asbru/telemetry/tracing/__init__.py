"""Tracing: one trace from the application through the gateway and its attempts to the provider.

`context` reads and writes the headers, `tracer` decides what is sampled and makes ids, `export` sends finished spans
to a collector from a thread of its own. All of it exists in a worker only where tracing is enabled; what a span says
of a call is the business of `pipeline.spans`.
"""

from asbru.telemetry.tracing.context import Propagator, read_trace_id, write_unsampled
from asbru.telemetry.tracing.export import SpanCounts, SpanQueue
from asbru.telemetry.tracing.settings import Protocol, TraceExport
from asbru.telemetry.tracing.span import AttributeValue, Span, SpanEvent
from asbru.telemetry.tracing.tracer import CallTrace, Tracer

__all__ = [
    "AttributeValue",
    "CallTrace",
    "Propagator",
    "Protocol",
    "Span",
    "SpanCounts",
    "SpanEvent",
    "SpanQueue",
    "TraceExport",
    "Tracer",
    "read_trace_id",
    "write_unsampled",
]
