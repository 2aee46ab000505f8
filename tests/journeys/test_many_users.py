"""Names that callers invent, by the thousand, in a worker of its own: series and memory stay where they are.

`tests/telemetry/test_metrics.py` has the million, without sockets.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.served import Served, memory_kb
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

SERIES_MAX = 100
USERS_FIRST, USERS = 1_500, 4_500
GROWTH_KB_MAX = 4 * 1024
AT_ONCE = 8
WAIT_S = 150.0


async def test_distinct_users_leave_series_and_memory_flat(tmp_path: Path) -> None:
    """Each call has a user, a tag, a session and a model of its own. /metrics has no more series of a metric than the
    cap and its overflow, and counts every call; the worker holds no more after thousands than after the first ones."""
    sections = {"metrics": {"series_max": SERIES_MAX, "tags": ["user"]}}
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, **sections) as served:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        (worker,) = served.workers()
        await call(served, 0, USERS_FIRST)
        before_kb = memory_kb(worker)
        await call(served, USERS_FIRST, USERS)
        assert memory_kb(worker) - before_kb < GROWTH_KB_MAX
        async with asyncio.timeout(WAIT_S):
            while sum(counts := await calls_by_series(served)) < USERS:
                pass  # each look is a request
        assert len(counts) <= SERIES_MAX + 10 and sum(counts) == USERS


async def call(served: Served, first: int, end: int) -> None:
    """One call of each user, over a few connections."""

    async def some(start: int) -> None:
        async with served.caller() as caller:
            for number in range(start, end, AT_ONCE):
                lines = [f"x-asbru-tag-user: u{number}", f"x-session-id: s{number}"]
                caller.send(request(CHAT_PATH, chat(f"openai/m{number}", user=f"u{number}"), headers=lines))
                assert (await caller.answer()).status == 200

    await asyncio.gather(*(some(first + offset) for offset in range(AT_ONCE)))


async def calls_by_series(served: Served) -> list[float]:
    """The calls that each series of `asbru_calls_total` counts."""
    text = (await served.call("/metrics", method="GET")).body.decode()
    return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("asbru_calls_total{")]
