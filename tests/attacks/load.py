"""Calls that go on, one after the other on a few connections, and what came of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.fakes.waiting import until
from tests.journeys.caller import Caller, HungUp, request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, chat

CALLERS = 8
_UNDER_WAY = 500


class Load:
    """`answered`: calls that were answered with 200."""

    def __init__(self) -> None:
        self.answered = 0
        self.over = False


@contextlib.asynccontextmanager
async def load(served: Served) -> AsyncIterator[Load]:
    """Calls until the block is left; they also end where the gateway hangs up."""
    made = Load()
    tasks = [asyncio.create_task(_call(served.port, made)) for _ in range(CALLERS)]
    await until(lambda: made.answered >= _UNDER_WAY, "it is under way", 60)
    try:
        yield made
    finally:
        made.over = True
        await asyncio.gather(*tasks)


async def _call(port: int, made: Load) -> None:
    with contextlib.suppress(HungUp, OSError):
        async with Caller(port) as caller:
            while not made.over:
                caller.send(request(CHAT_PATH, chat()))
                status = (await caller.answer()).status
                made.answered += status == 200
