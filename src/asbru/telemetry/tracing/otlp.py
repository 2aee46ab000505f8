"""Spans as OTLP, by the exporters of OpenTelemetry. The only file that imports the extra `otel`.

The exporters keep the rules of the protocol: retries with pauses, partial success, compression, certificates
(`OTEL_EXPORTER_OTLP_CERTIFICATE` and the like, which they read themselves).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from asbru import __version__
from asbru.telemetry.tracing.settings import TraceExport
from asbru.telemetry.tracing.span import Span

_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status()
_LIBRARY = "opentelemetry"


class _LastWords(logging.Handler):
    """Keeps what an exporter logged last: it says there, and only there, why it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.words = record.getMessage()[:500]


class OtlpSender:
    """Sends spans to a collector; one thread uses it."""

    def __init__(self, export: TraceExport) -> None:
        self._last = _LastWords()
        logger = logging.getLogger(_LIBRARY)
        logger.addHandler(self._last)
        logger.propagate = False  # our log says it, at most a few times a minute
        self._resource = Resource({**export.resource})
        self._scope = InstrumentationScope("asbru", __version__)
        self._exporter = _exporter(export)

    def send(self, spans: Sequence[Span]) -> str:
        """Send them; "" when they have arrived, else why they have not."""
        self._last.words = ""
        result = self._exporter.export([self._readable(span) for span in spans])
        if result is SpanExportResult.SUCCESS:
            return ""
        return self._last.words or "the collector did not take them"

    def close(self) -> None:
        """End what is under way, and close the connection."""
        self._exporter.shutdown()
        logging.getLogger(_LIBRARY).removeHandler(self._last)

    def _readable(self, span: Span) -> ReadableSpan:
        state = TraceState.from_header([span.state.decode("latin-1")]) if span.state else None
        parent = None
        if span.parent_id:
            parent = SpanContext(span.trace_id, span.parent_id, span.remote_parent, _SAMPLED)
        return ReadableSpan(
            name=span.name,
            context=SpanContext(span.trace_id, span.span_id, False, _SAMPLED, state),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            events=[Event(event.name, event.attributes, event.at_ns) for event in span.events],
            kind=_KINDS[span.kind],
            status=_UNSET if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=self._scope,
        )


def _exporter(export: TraceExport) -> SpanExporter:
    headers = {name: value.reveal() for name, value in export.headers.items()}
    if export.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

        return OverGrpc(
            endpoint=export.endpoint,
            insecure=not export.endpoint.startswith("https:"),
            headers=tuple(headers.items()),
            timeout=export.timeout_s,
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp

    return OverHttp(endpoint=export.endpoint, headers=headers, timeout=export.timeout_s)
