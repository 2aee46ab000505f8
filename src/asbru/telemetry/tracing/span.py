"""A finished span, as plain values: what the path hands over, and what the exporting thread reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

AttributeValue: TypeAlias = "str | int | float | bool | tuple[str, ...]"
Attributes: TypeAlias = Mapping[str, AttributeValue]


class SpanEvent(NamedTuple):
    """Something that happened within a span. `at_ns`: Unix nanoseconds."""

    name: str
    at_ns: int
    attributes: Attributes


class Span(NamedTuple):
    """One span. `parent_id` 0: it begins its trace; `remote_parent`: the parent is the caller's. Times are Unix
    nanoseconds. `error`: why it failed, None where it did not. `state`: the trace's `tracestate`."""

    trace_id: int
    span_id: int
    parent_id: int
    name: str
    kind: Literal["server", "client"]
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str | None = None
    state: bytes = b""
    remote_parent: bool = False
    events: tuple[SpanEvent, ...] = ()
