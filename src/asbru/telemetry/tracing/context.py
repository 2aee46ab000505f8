"""The headers that carry a trace, read and written: W3C Trace Context and B3 in, W3C Trace Context out.

    traceparent, tracestate     https://www.w3.org/TR/trace-context/
    b3, x-b3-*                  https://github.com/openzipkin/b3-propagation

Pure functions. What is malformed counts as absent, as both specifications ask; a caller never hears of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from asbru.wire.forwarded import TRACE_HEADERS, ForwardedHeader

Propagator: TypeAlias = Literal["tracecontext", "b3"]

PROPAGATORS: Final[tuple[Propagator, ...]] = ("tracecontext", "b3")
SAMPLED = 1
RANDOM = 2
"""Flags of `traceparent`. Who passes on a trace id passes on whether it is random."""

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_B3 = re.compile(rb"([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?", re.IGNORECASE)
_HEX_16_OR_32 = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{16}", re.IGNORECASE)
_B3_DECISIONS = {b"0": False, b"1": True, b"d": True, b"false": False, b"true": True}


class TraceContext(NamedTuple):
    """What a caller says of its trace. `trace_id`, `span_id`: 0 where it only decides on sampling; `sampled`: None
    where it leaves that to us; `flags`: those of ours that go on besides; `state`: `tracestate` as it came."""

    trace_id: int
    span_id: int
    sampled: bool | None
    flags: int = 0
    state: bytes = b""


def read_context(headers: Sequence[ForwardedHeader], propagators: Sequence[Propagator]) -> TraceContext | None:
    """The context that the first of `propagators` finds in a caller's headers."""
    found: dict[bytes, list[bytes]] = {}
    for _, spelled, value in headers:
        name = spelled.lower()
        if name in TRACE_HEADERS:
            found.setdefault(name, []).append(value.strip())
    if not found:
        return None
    return next((context for one in propagators if (context := _READERS[one](found)) is not None), None)


def read_trace_id(headers: Sequence[ForwardedHeader]) -> str:
    """The id of a caller's trace as 32 hex digits, "" for none: for who does not take part in it."""
    context = read_context(headers, PROPAGATORS)
    return f"{context.trace_id:032x}" if context is not None and context.trace_id else ""


def write_traceparent(trace_id: int, span_id: int, flags: int) -> bytes:
    """The header line."""
    return b"traceparent: 00-%032x-%016x-%02x\r\n" % (trace_id, span_id, flags)


def write_unsampled(trace_id: bytes, number: int) -> bytes:
    """The header line of a trace that begins here and is not sampled, for attempt `number`. Nobody has its spans, so
    their ids are digits of its own (32 hex digits), other ones for each attempt."""
    return b"traceparent: 00-%b-4%b-02\r\n" % (trace_id, trace_id[number & 15 : (number & 15) + 15])


def _read_w3c(headers: Mapping[bytes, list[bytes]]) -> TraceContext | None:
    values = headers.get(b"traceparent", ())
    found = _TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    trace_id, span_id, flags = int(found[2], 16), int(found[3], 16), int(found[4], 16)
    if not trace_id or not span_id:
        return None
    state = b",".join(value for value in headers.get(b"tracestate", ()) if value)
    return TraceContext(trace_id, span_id, bool(flags & SAMPLED), flags & RANDOM, state)


def _read_b3(headers: Mapping[bytes, list[bytes]]) -> TraceContext | None:
    """The single header, else the several."""
    return _read_b3_single(headers.get(b"b3", [b""])[0]) or _read_b3_multi(headers)


def _read_b3_single(value: bytes) -> TraceContext | None:
    if value.lower() in _B3_DECISIONS:
        return TraceContext(0, 0, _B3_DECISIONS[value.lower()])
    found = _B3.fullmatch(value)
    if found is None:
        return None
    return _checked(int(found[1], 16), int(found[2], 16), _B3_DECISIONS.get((found[3] or b"").lower()))


def _read_b3_multi(headers: Mapping[bytes, list[bytes]]) -> TraceContext | None:
    def first(name: bytes) -> bytes:
        return headers.get(b"x-b3-%b" % name, [b""])[0]

    sampled = True if first(b"flags") == b"1" else _B3_DECISIONS.get(first(b"sampled").lower())
    trace_id, span_id = first(b"traceid"), first(b"spanid")
    if _HEX_16_OR_32.fullmatch(trace_id) and len(span_id) == 16 and _HEX_16_OR_32.fullmatch(span_id):
        return _checked(int(trace_id, 16), int(span_id, 16), sampled)
    if trace_id or span_id or sampled is None:
        return None
    return TraceContext(0, 0, sampled)


def _checked(trace_id: int, span_id: int, sampled: bool | None) -> TraceContext | None:
    return TraceContext(trace_id, span_id, sampled) if trace_id and span_id else None


_READERS = {"tracecontext": _read_w3c, "b3": _read_b3}
