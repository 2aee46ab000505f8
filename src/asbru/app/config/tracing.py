"""The section `tracing`: types, bounds and words.

What it leaves out comes from the variables of OpenTelemetry; `app.compile_tracing` puts both together.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText
from asbru.telemetry.tracing import Propagator, Protocol

ATTRIBUTES_MAX = 64


class TracingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Traces of calls, sent to an OpenTelemetry collector. Needs the extra `otel`."""

    enabled: Annotated[bool, Meta(description="Trace calls. No other setting or variable switches tracing on.")] = (
        False
    )
    endpoint: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s?#]+$")] | None,
        Meta(
            description="URL of the collector; with `http/protobuf`, `/v1/traces` is added to a URL without a path. "
            "Default: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_ENDPOINT`, or port 4318 (`grpc`: "
            "4317) of this machine."
        ),
    ] = None
    protocol: Annotated[
        Protocol | None,
        Meta(
            description="`http/protobuf` or `grpc`. Default: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, "
            "`OTEL_EXPORTER_OTLP_PROTOCOL`, or `http/protobuf`."
        ),
    ] = None
    headers: Annotated[
        dict[str, SecretText],
        Meta(
            max_length=64,
            description="Headers sent to the collector, besides those of `OTEL_EXPORTER_OTLP_HEADERS` and "
            "`OTEL_EXPORTER_OTLP_TRACES_HEADERS`.",
        ),
    ] = {}
    sample_ratio: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(
            description="Share of the traces that begin at Asbru, from 0 to 1. A caller that sends a trace decides for "
            "itself. Default: `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`, or 1."
        ),
    ] = None
    propagators: Annotated[
        Annotated[tuple[Propagator, ...], Meta(max_length=4)] | None,
        Meta(
            description="Formats in which callers may send a trace, the first that is found wins: `tracecontext`, "
            "`b3`. Default: `OTEL_PROPAGATORS`, or both. Providers receive `tracecontext`."
        ),
    ] = None
    service_name: Annotated[
        Annotated[str, Meta(max_length=255)] | None, Meta(description="Default: `OTEL_SERVICE_NAME`, or `asbru`.")
    ] = None
    resource_attributes: Annotated[
        dict[str, str],
        Meta(
            max_length=ATTRIBUTES_MAX,
            description="Attributes of the process, besides those of `OTEL_RESOURCE_ATTRIBUTES`.",
        ),
    ] = {}
    timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Time for the collector to take a batch, with retries, seconds.")
    ] = 10.0
    queued_spans_max: Annotated[
        int,
        Meta(
            ge=256,
            le=1_000_000,
            description="Spans per worker that wait for the collector; more are dropped and counted.",
        ),
    ] = 4096
    body_bytes_max: Annotated[
        int,
        Meta(
            ge=0,
            le=64 * 1024,
            description="How much of the request and of the response is in the span of a call whose bodies are "
            "recorded (`records.bodies`), bytes of each; 0: nothing.",
        ),
    ] = 0
