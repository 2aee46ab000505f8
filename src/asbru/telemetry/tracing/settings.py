"""Where spans go and which calls are traced: resolved by the compile process, carried by the snapshot."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from asbru.core.secret_text import SecretText
from asbru.telemetry.tracing.context import Propagator

Protocol: TypeAlias = Literal["http/protobuf", "grpc"]


class TraceExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`endpoint`: the URL that spans are sent to, with its path for `http/protobuf`. `sample_ratio`: the share of the
    traces that begin here; a caller's own decision comes first. `resource`: attributes of the process, with
    `service.name`. `queued_spans_max`: spans that wait for the collector; more are dropped.
    `body_bytes_max`: of each body in a span."""

    endpoint: str
    protocol: Protocol
    headers: dict[str, SecretText] = {}
    sample_ratio: float = 1.0
    propagators: tuple[Propagator, ...] = ("tracecontext", "b3")
    resource: dict[str, str] = {}
    timeout_s: float = 10.0
    queued_spans_max: int = 4096
    body_bytes_max: int = 0
