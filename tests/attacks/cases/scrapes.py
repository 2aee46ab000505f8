"""Thirty scrapers ask for `/metrics` without a pause while calls go on, and the gateway is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.attacks.load import load
from tests.attacks.rows import Row, at_most
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream, Reply
from tests.fakes.waiting import pause
from tests.journeys.caller import Caller, HungUp, request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

SCRAPERS = 30
SERIES = 1000
_SCRAPED_S = 8.0
_SCRAPE = request("/metrics", method="GET", key=None)


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    async with FakeUpstream() as upstream, Served(folder, upstream.url) as served:
        upstream.otherwise = lambda _: Reply.json(CHAT_REPLY)
        async with served.caller() as caller:
            for number in range(SERIES):
                caller.send(request(CHAT_PATH, chat(f"openai/model-{number}")))
                await caller.answer()
        async with load(served) as calls:
            async with Watch(served) as watch:
                scrapers = [asyncio.create_task(_scrape(served.port)) for _ in range(SCRAPERS)]
                await pause(_SCRAPED_S)
            ending = asyncio.create_task(served.end(signal.SIGTERM))
            await pause(0.1)
            calls.over = True
            await ending
        answered = sum(await asyncio.gather(*scrapers))
        lost = SERIES + calls.answered - sum(row["status"] == 200 for row in served.rows())
    return [
        *watch.rows("scrapes"),
        at_most("scrapes: calls without a record", lost, "rows", 0),
        Row("scrapes: answered", answered, "scrapes", "at least 1", answered >= 1),
    ]


async def _scrape(port: int) -> int:
    answered = 0
    with contextlib.suppress(HungUp, OSError, TimeoutError):
        async with Caller(port) as caller:
            while True:
                caller.send(_SCRAPE)
                answered += (await caller.answer()).status == 200
    return answered
