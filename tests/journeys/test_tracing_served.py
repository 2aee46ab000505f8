"""Tracing in the processes that users run: from the configuration to the collector, and shutting down without one."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Literal

import pytest
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

from asbru.telemetry.tracing.export import BATCH_SPANS

QUEUED_SPANS_MAX = 256
DROPPED = 'asbru_spans_dropped_total{reason="queue_full"}'


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_worker_exports(tmp_path: Path, protocol: Literal["http/protobuf", "grpc"]) -> None:
    """A call through real processes arrives as two spans, counted in the metrics; a reload switches tracing off."""
    with Collector(protocol) as there:
        section = {"enabled": True, "endpoint": there.endpoint, "protocol": protocol}
        async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, tracing=section) as served:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            assert (await served.call(CHAT_PATH, chat())).status == 200
            spans = await there.spans(2)
            assert {span.name for span in spans} == {"chat openai/gpt-x", "chat gpt-x"}
            served.write(tracing={"enabled": False})
            await _until_untraced(served, upstream)


@pytest.mark.parametrize("switched_off", [False, True])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_collector_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, protocol: Literal["http/protobuf", "grpc"], switched_off: bool
) -> None:
    """SIGTERM while the collector answers nothing, also right after a reload that ends the export: Asbru ends in good
    order, and no record is lost."""
    with Collector(protocol) as there:
        there.hold()
        section = {"enabled": True, "endpoint": there.endpoint, "protocol": protocol, "timeout_s": 60}
        async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, tracing=section) as served:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            for _ in range(3):
                assert (await served.call(CHAT_PATH, chat())).status == 200
            await until(lambda: there.requests, "the collector is asked", 60.0)
            calls = 3
            if switched_off:
                served.write(tracing={"enabled": False})
                calls += await _until_untraced(served, upstream)
            assert await served.end(signal.SIGTERM) == 0
            assert not served.says("was killed")
            assert len(served.rows()) == calls


async def test_a_collector_that_hangs_holds_up_no_call(tmp_path: Path) -> None:
    """A worker whose collector answers nothing goes on serving: spans wait up to the bound, and the others are dropped
    and counted."""
    with Collector() as there:
        there.hold()
        section = {"enabled": True, "endpoint": there.endpoint, "timeout_s": 60, "queued_spans_max": QUEUED_SPANS_MAX}
        async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, tracing=section) as served:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            async with served.caller() as caller:
                for _ in range(QUEUED_SPANS_MAX + BATCH_SPANS):  # each has two spans
                    caller.send(request(CHAT_PATH, chat()))
                    assert (await caller.answer()).status == 200
            async with asyncio.timeout(60.0):
                while not (found := await metrics(served))[DROPPED]:
                    pass  # each look is a request
            assert 0 < found["asbru_spans_queued"] <= QUEUED_SPANS_MAX


async def _until_untraced(served: Served, upstream: FakeUpstream) -> int:
    """Call until a reload has ended tracing; how many calls that took."""
    calls = 0
    async with asyncio.timeout(60.0):
        while "traceparent" in upstream.requests[-1].headers:
            assert (await served.call(CHAT_PATH, chat())).status == 200
            calls += 1
    return calls


async def metrics(served: Served) -> dict[str, float]:
    """The metrics by name and labels."""
    text = (await served.call("/metrics", method="GET")).body.decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
