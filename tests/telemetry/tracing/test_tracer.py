"""Sampling and ids: who decides, by which share, and what providers are told."""

from __future__ import annotations

import random

import pytest

from asbru.telemetry.tracing import Tracer
from asbru.wire.forwarded import ForwardedHeaders

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NONE = ForwardedHeaders()


def tracer(ratio: float, seed: int = 1) -> Tracer:
    """A tracer whose ids are the same in every run."""
    return Tracer(ratio, ("tracecontext", "b3"), lambda _: None, bits=random.Random(seed).getrandbits)


def caller(value: str) -> ForwardedHeaders:
    """A caller that sends a traceparent."""
    return ForwardedHeaders([(b"", b"traceparent", value.encode())], traced=True)


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.5, 1.0])
def test_the_share_of_traces_that_begin_here(ratio: float) -> None:
    """About as many are sampled as asked; none at 0, all at 1."""
    one = tracer(ratio)
    count = sum(one.begin(NONE).sampled for _ in range(20_000))
    assert abs(count - ratio * 20_000) <= (0 if ratio in (0.0, 1.0) else 250)


def test_the_decision_is_the_trace_id_s() -> None:
    """As OpenTelemetry decides by ratio: by the low 64 bits of the trace id, so that services agree."""
    from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

    theirs, ours = TraceIdRatioBased(0.3), tracer(0.3)
    for _ in range(2000):
        trace = ours.begin(NONE)
        decision = theirs.should_sample(None, trace.trace_id, "x").decision
        assert trace.sampled is (decision is Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize(("ratio", "flags", "sampled"), [(0.0, "01", True), (1.0, "00", False)])
def test_a_caller_decides_for_itself(ratio: float, flags: str, sampled: bool) -> None:
    """The caller's flag holds whatever the ratio says."""
    trace = tracer(ratio).begin(caller(f"00-{TRACE}-{SPAN}-{flags}"))
    assert (f"{trace.trace_id:032x}", f"{trace.parent_id:016x}", trace.sampled) == (TRACE, SPAN, sampled)
    assert trace.lines(1).decode().startswith(f"traceparent: 00-{TRACE}-")
    assert trace.lines(1).decode().strip().endswith(f"-{flags}")


def test_ids_are_distinct_and_never_zero() -> None:
    """Attempts have ids of their own, of 64 bits also where the call's is the highest."""
    trace = Tracer(1.0, (), lambda _: None, bits=lambda count: 2**count - 1).begin(NONE)
    ids = {trace.span_id, *(trace.attempt_id(number) for number in range(1, 65))}
    assert len(ids) == 65
    assert max(ids) < 2**64


def test_a_call_that_a_call_makes_is_below_it() -> None:
    """It is in the trace of its parent, sampled as that is; the parent is no caller's."""
    parent = tracer(1.0).begin(caller("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
    below = tracer(1.0, seed=2).below(parent)
    assert (below.trace_id, below.parent_id, below.sampled) == (parent.trace_id, parent.span_id, False)
    assert below.span_id != parent.span_id
    assert (parent.remote_parent, below.remote_parent) == (True, False)
    assert parent.known and below.known


@pytest.mark.parametrize(("ratio", "known"), [(0.0, False), (1.0, True)])
def test_a_trace_is_known_if_anybody_has_it(ratio: float, known: bool) -> None:
    """A sampled one, and a caller's; so is that of a call that such a call makes."""
    trace = tracer(ratio).begin(NONE)
    assert trace.known == tracer(ratio).below(trace).known == known
    assert tracer(ratio).begin(caller(f"00-{TRACE}-{SPAN}-00")).known
