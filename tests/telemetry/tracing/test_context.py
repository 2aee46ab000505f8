"""Trace headers: what is read of well-formed ones, and that malformed ones count as absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.telemetry.tracing.context import TraceContext, read_context, read_trace_id, write_traceparent
from asbru.wire.forwarded import TRACE_HEADERS

BOTH = ("tracecontext", "b3")
T, S = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
TRACE, SPAN = f"{T:032x}", f"{S:016x}"


def read(*headers: str, propagators: tuple[str, ...] = BOTH) -> TraceContext | None:
    """What `name: value` lines say."""
    pairs = [line.partition(": ") for line in headers]
    return read_context([(b"", name.encode(), value.encode()) for name, _, value in pairs], propagators)  # type: ignore[arg-type] # words of the list


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (b"TraceParent", f"00-{TRACE}-{SPAN}-00", TRACE),
        (b"b3", f"{TRACE[16:]}-{SPAN}", TRACE[16:].zfill(32)),
        (b"b3", "0", ""),
        (b"traceparent", f"00-{TRACE}-x", ""),
        (b"x-other", TRACE, ""),
    ],
)
def test_the_id_alone(name: bytes, value: str, expected: str) -> None:
    """32 hex digits of whatever format came, "" where none did or what came is malformed."""
    assert read_trace_id([(b"", name, value.encode())]) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([f"traceparent: 00-{TRACE}-{SPAN}-01"], TraceContext(T, S, True)),
        ([f"Traceparent: 00-{TRACE}-{SPAN}-00"], TraceContext(T, S, False)),
        ([f"traceparent: 00-{TRACE}-{SPAN}-03"], TraceContext(T, S, True, 2)),
        ([f"traceparent: cc-{TRACE}-{SPAN}-09-what-comes"], TraceContext(T, S, True)),
        (
            [f"traceparent: 00-{TRACE}-{SPAN}-01", "tracestate: a=1", "tracestate: b=2"],
            TraceContext(T, S, True, 0, b"a=1,b=2"),
        ),
        ([f"b3: {TRACE}-{SPAN}-1"], TraceContext(T, S, True)),
        ([f"B3: {TRACE}-{SPAN}-0-{SPAN}"], TraceContext(T, S, False)),
        ([f"b3: {TRACE}-{SPAN}-d"], TraceContext(T, S, True)),
        ([f"b3: {TRACE}-{SPAN}"], TraceContext(T, S, None)),
        ([f"b3: {TRACE[16:]}-{SPAN}-1"], TraceContext(T & (2**64 - 1), S, True)),
        (["b3: 0"], TraceContext(0, 0, False)),
        ([f"x-b3-traceid: {TRACE}", f"X-B3-SpanId: {SPAN}", "x-b3-sampled: 0"], TraceContext(T, S, False)),
        ([f"x-b3-traceid: {TRACE}", f"x-b3-spanid: {SPAN}", "x-b3-flags: 1"], TraceContext(T, S, True)),
        ([f"x-b3-traceid: {TRACE}", f"x-b3-spanid: {SPAN}"], TraceContext(T, S, None)),
        (["x-b3-sampled: 1"], TraceContext(0, 0, True)),
        ([f"traceparent: 00-{TRACE}-{SPAN}-00", f"b3: {SPAN}-{SPAN}-1"], TraceContext(T, S, False)),
    ],
)
def test_well_formed(headers: list[str], expected: TraceContext) -> None:
    """Every form of both specifications; of several, the first propagator's."""
    assert read(*headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        ["user-agent: x"],
        [f"traceparent: 00-{TRACE.upper()}-{SPAN}-01"],
        [f"traceparent: 00-{'0' * 32}-{SPAN}-01"],
        [f"traceparent: 00-{TRACE}-{'0' * 16}-01"],
        [f"traceparent: ff-{TRACE}-{SPAN}-01"],
        [f"traceparent: 00-{TRACE}-{SPAN}-01-more"],
        [f"traceparent: 00-{TRACE}-{SPAN}-01"] * 2,
        [f"traceparent: 00-{TRACE}-{SPAN}"],
        ["tracestate: a=1"],
        ["b3: 2"],
        [f"b3: {TRACE}-{SPAN}-2"],
        [f"b3: {'0' * 32}-{SPAN}-1"],
        [f"x-b3-traceid: {TRACE}", "x-b3-sampled: 1"],
        [f"x-b3-traceid: {TRACE[:20]}", f"x-b3-spanid: {SPAN}", "x-b3-sampled: 1"],
    ],
)
def test_malformed_counts_as_absent(headers: list[str]) -> None:
    """What a specification calls invalid begins a new trace."""
    assert read(*headers) is None


def test_only_the_configured_formats_are_read() -> None:
    """B3 is ignored where only Trace Context is configured, and the other way round."""
    assert read(f"b3: {TRACE}-{SPAN}-1", propagators=("tracecontext",)) is None
    assert read(f"traceparent: 00-{TRACE}-{SPAN}-01", propagators=("b3",)) is None


@given(st.lists(st.tuples(st.just(b""), st.sampled_from(sorted(TRACE_HEADERS)), st.binary(max_size=80))))
def test_any_bytes_are_read(headers: list[tuple[bytes, bytes, bytes]]) -> None:
    """No value raises."""
    read_context(headers, ("b3", "tracecontext"))


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.sampled_from([0, 1, 2, 3]))
def test_what_is_written_reads_back(trace_id: int, span_id: int, flags: int) -> None:
    """The header that Asbru writes is the one that it reads."""
    line = write_traceparent(trace_id, span_id, flags).decode().strip()
    assert read(line) == TraceContext(trace_id, span_id, bool(flags & 1), flags & 2)
