"""Twelve calls to a provider whose name does not resolve, while others call a provider that is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.attacks.rows import Row, at_most
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

CALLS = 12
DELAY_MS_MAX = 50.0
_MEASURED = 100


async def attack(folder: Path) -> Sequence[Row]:
    """See the module. The name is refused at once where there is a resolver, and takes its time where there is none:
    neither may do harm."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with Served(folder, upstream.url, providers=_providers(upstream.url)) as served:
            before_ms = await _slowest_ms(served)
            async with Watch(served) as watch:
                lost = [asyncio.ensure_future(served.call(CHAT_PATH, chat("lost/m"))) for _ in range(CALLS)]
                during_ms = await _slowest_ms(served)
                for one in lost:
                    one.cancel()
    delay = at_most("names: delay of calls to others", max(during_ms - before_ms, 0.0), "ms", DELAY_MS_MAX)
    return [delay, *watch.rows("names")]


def _providers(url: str) -> dict[str, Any]:
    shared = {"type": "custom", "dialect": "openai", "keys": [{"name": "k", "value": "sk-up"}], "retries": {"max": 0}}
    return {
        "openai": {**shared, "base_url": f"{url}/v1", "allow_loopback": True},
        "lost": {**shared, "base_url": "http://nobody.asbru-attack.invalid/v1"},
    }


async def _slowest_ms(served: Served) -> float:
    """The median of ten maxima of ten calls each: a machine that is busy for a moment is not the gateway's."""
    slowest: list[float] = []
    for _ in range(_MEASURED // 10):
        took: list[float] = []
        for _ in range(10):
            began_s = time.monotonic()
            assert (await served.call(CHAT_PATH, chat())).status == 200
            took.append((time.monotonic() - began_s) * 1000)
        slowest.append(max(took))
    return median(slowest)
