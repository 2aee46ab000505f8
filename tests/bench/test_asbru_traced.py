"""The target with tracing: its configuration is one, and its collector takes what the exporter sends."""

from __future__ import annotations

import json

import pytest
from bench.rig import Rig
from bench.targets import TARGETS
from bench.targets.asbru_traced import SAMPLE_RATIO, AsbruTraced, OtlpSink

from asbru.app.config import parse_config, read_document
from asbru.telemetry.tracing import Span, SpanQueue, TraceExport
from bench import bars, run

WAIT_S = 30.0


def test_the_collector_takes_spans() -> None:
    """What the exporter sends arrives, and counts as sent."""
    sink = OtlpSink()
    queue = SpanQueue(TraceExport(endpoint=sink.open(), protocol="http/protobuf"))
    queue.put([Span(1, 2, 0, "chat", "server", 1, 2, {"asbru.surface": "openai.chat"})])
    queue.close(WAIT_S)
    assert (queue.counts.sent, queue.counts.failed, sink.requests) == (1, 0, 1)
    sink.close()


def test_tracing_is_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is a valid configuration: tracing at one percent, beside what the plain target has."""
    rig = Rig(mock_port=1)
    target = AsbruTraced(rig)
    monkeypatch.setattr(target, "_endpoint", "http://127.0.0.1:1/v1/traces")
    parsed = parse_config(read_document(json.dumps(target.document()), is_json=True), {})
    assert not parsed.problems
    assert parsed.config.tracing.enabled and parsed.config.tracing.sample_ratio == SAMPLE_RATIO
    rig.close()


def test_the_bar_compares_with_plain_asbru() -> None:
    """Both are in the quick run; ten percent more passes, eleven does not."""
    assert {"asbru", "asbru_traced"} <= set(run.QUICK) and set(run.QUICK) <= set(TARGETS)
    for cpu, passed in ((110.0, True), (111.0, False)):
        rows = [
            {"target": "asbru", "cpu_us_per_request": 100.0},
            {"target": "asbru_traced", "cpu_us_per_request": cpu},
        ]
        found = {str(one["name"]): one["pass"] for one in bars.bars(rows)}
        assert found["traced at 1 percent, CPU per request saturated, x asbru"] is passed
