"""Sampling and ids: who decides, by which share, and what providers are told."""

from __future__ import annotations

import random
import re

import pytest

from asbru.telemetry.tracing import CallTrace, Tracer, write_unsampled
from asbru.wire.forwarded import ForwardedHeaders

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NONE = ForwardedHeaders()


def tracer(ratio: float, seed: int = 1) -> Tracer:
    """A tracer whose ids are the same in every run."""
    return Tracer(ratio, ("tracecontext", "b3"), lambda _: None, draw=random.Random(seed).randbytes)


def begun(one: Tracer, forwarded: ForwardedHeaders = NONE) -> CallTrace:
    """A trace that is sampled, or the caller's."""
    trace, unsampled = one.begin(forwarded)
    assert trace is not None and not unsampled
    return trace


def caller(value: str) -> ForwardedHeaders:
    """A caller that sends a traceparent."""
    return ForwardedHeaders([(b"", b"traceparent", value.encode())], traced=True)


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.5, 1.0])
def test_the_share_of_traces_that_begin_here(ratio: float) -> None:
    """About as many are sampled as asked; none at 0, all at 1."""
    one = tracer(ratio)
    count = sum(one.begin(NONE)[0] is not None for _ in range(20_000))
    assert abs(count - ratio * 20_000) <= (0 if ratio in (0.0, 1.0) else 250)


def test_the_decision_is_the_trace_id_s() -> None:
    """As OpenTelemetry decides by ratio: by the low 64 bits of the trace id, so that services agree."""
    from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

    theirs, ours = TraceIdRatioBased(0.3), tracer(0.3)
    for _ in range(2000):
        trace, unsampled = ours.begin(NONE)
        trace_id = int(unsampled, 16) if trace is None else trace.trace_id
        decision = theirs.should_sample(None, trace_id, "x").decision
        assert (trace is not None and trace.sampled) is (decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize(("ratio", "flags", "sampled"), [(0.0, "01", True), (1.0, "00", False)])
def test_a_caller_decides_for_itself(ratio: float, flags: str, sampled: bool) -> None:
    """The caller's flag holds whatever the ratio says."""
    trace = begun(tracer(ratio), caller(f"00-{TRACE}-{SPAN}-{flags}"))
    assert (f"{trace.trace_id:032x}", f"{trace.parent_id:016x}", trace.sampled) == (TRACE, SPAN, sampled)
    assert trace.lines(1).decode().startswith(f"traceparent: 00-{TRACE}-")
    assert trace.lines(1).decode().strip().endswith(f"-{flags}")


def test_ids_are_distinct_and_never_zero() -> None:
    """Attempts have ids of their own, of 64 bits also where the call's is the highest."""
    for drawn in (b"\x00", b"\xff"):
        trace = begun(Tracer(1.0, (), lambda _: None, draw=lambda count, drawn=drawn: drawn * count))
        ids = {trace.span_id, *(trace.attempt_id(number) for number in range(1, 65))}
        assert len(ids) == 65
        assert min(ids) > 0 and max(ids) < 2**64


def test_what_the_provider_of_an_unsampled_call_is_told() -> None:
    """The id of a trace that is not sampled and is random, and another parent for each attempt; no call has those of
    another."""
    one = tracer(0.0)
    drawn = [one.begin(NONE) for _ in range(200)]
    assert all(trace is None for trace, _ in drawn)
    told = [write_unsampled(trace_id, number).decode() for _, trace_id in drawn for number in (1, 2, 17, 64)]
    found = [re.fullmatch(r"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-02\r\n", line) for line in told]
    assert [one[1].encode() for one in found if one] == [trace_id for _, trace_id in drawn for _ in range(4)]
    assert len({one[1] for one in found if one}) == 200 and len({one[2] for one in found if one}) == 600
    assert all(one and int(one[2], 16) for one in found)


def test_a_call_that_a_call_makes_is_below_it() -> None:
    """It is in the trace of its parent, sampled as that is; the parent is no caller's."""
    parent = begun(tracer(1.0), caller("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
    below = tracer(1.0, seed=2).below(parent)
    assert (below.trace_id, below.parent_id, below.sampled) == (parent.trace_id, parent.span_id, False)
    assert below.span_id != parent.span_id
    assert (parent.remote_parent, below.remote_parent) == (True, False)
