"""The proof "overload": five times as many calls as the upstream can answer, in queue and in drop mode.

Every call ends with 200 or with 503 and Retry-After, memory stays where it was, and afterwards the upstream is as busy
as it can be at once. `overload` returns the rows of build/proofs.json.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from tests.fakes.capacity import Capacity, flood, watch
from tests.journeys.caller import Caller, request
from tests.journeys.served import Served, memory_kb
from tests.journeys.talk import CHAT_PATH, chat
from tests.proofs.rows import Row, at_least, at_most

SECONDS = 60.0
TIMES_CAPACITY = 5
GROWTH_MB_MAX = 50.0
RECOVERY_S_MAX = 5.0
FULL = 0.9
"""The share of the upstream's capacity that counts as full throughput."""

Mode = Literal["queue", "drop"]
_PARALLEL = 10
_SERVICE_S = 0.1
_PROCESSES = ("asbru.app.worker", "asbru.app.bookkeeper")
_ASK = request(CHAT_PATH, chat())


class _Callers:
    """Connections that are used again, and how calls on them ended."""

    def __init__(self, port: int) -> None:
        self.ended: Counter[str] = Counter()
        self._port = port
        self._idle: list[Caller] = []

    async def ask(self) -> None:
        """One call."""
        caller = self._idle.pop() if self._idle else await Caller(self._port).__aenter__()
        caller.send(_ASK)
        answer = await caller.answer()
        retry_after = answer.headers.get("retry-after", "0")
        told = answer.status == 503 and retry_after.isdigit() and int(retry_after) >= 1
        self.ended["200" if answer.status == 200 else "503" if told else f"wrong: {answer.status}"] += 1
        self._idle.append(caller)

    async def keep_asking(self, until_s: float) -> None:
        """One call after the other."""
        while time.monotonic() < until_s:
            await self.ask()

    def leave(self) -> None:
        """Hang up."""
        for caller in self._idle:
            caller.leave()


async def overload(folder: Path, mode: Mode, seconds: float = SECONDS) -> list[Row]:
    """The figures for one mode. `folder` is empty, and the gateway's."""
    live: dict[str, Any] = {"overload": {"mode": mode, "queued_max": 100, "wait_s": 2.0}}
    async with Capacity(_PARALLEL, _SERVICE_S) as upstream:
        served = Served(folder, upstream.url)
        provider = {
            "type": "custom",
            "dialect": "openai",
            "base_url": f"{upstream.url}/v1",
            "allow_loopback": True,
            "connections_max": _PARALLEL,
            "keys": [{"name": "k", "value": "sk-up"}],
        }
        served.write(**live, providers={"openai": provider})
        async with served:
            callers = _Callers(served.port)
            await flood(callers.ask, per_second=upstream.per_second / 2, seconds=min(2.0, seconds))
            callers.ended.clear()
            before_mb = _memory_mb(served)
            memory = asyncio.ensure_future(watch(lambda: int(_memory_mb(served))))
            await flood(callers.ask, per_second=upstream.per_second * TIMES_CAPACITY, seconds=seconds)
            ended = Counter(callers.ended)
            recovery_s = await _recover(callers, upstream)
            memory.cancel()
            callers.leave()
            growth_mb = max(await memory) - before_mb
    wrong = sum(count for how, count in ended.items() if how.startswith("wrong"))
    busy = ended["200"] / (upstream.per_second * seconds)
    name = f"overload, {mode}"
    return [
        at_most(f"{name}: calls that ended otherwise than with 200 or 503 and Retry-After", wrong, "calls", 0),
        at_most(f"{name}: growth of memory", round(growth_mb, 1), "MB", GROWTH_MB_MAX),
        at_most(f"{name}: full throughput after the flood", round(recovery_s, 2), "s", RECOVERY_S_MAX),
        at_least(f"{name}: capacity used during the flood", round(busy, 3), "share", FULL),
        at_least(f"{name}: calls refused", ended["503"], "calls", 1),
    ]


async def _recover(callers: _Callers, upstream: Capacity) -> float:
    """Seconds until the upstream is fully used by as many callers as it takes at once."""
    began_s = time.monotonic()
    while (passed_s := time.monotonic() - began_s) < 2 * RECOVERY_S_MAX:
        callers.ended.clear()
        window_s = 1.0
        until_s = time.monotonic() + window_s
        await asyncio.gather(*(callers.keep_asking(until_s) for _ in range(upstream.parallel)))
        if callers.ended["200"] >= FULL * upstream.per_second * window_s:
            return passed_s
    return time.monotonic() - began_s


def _memory_mb(served: Served) -> float:
    processes = [pid for module in _PROCESSES for pid in served.children(module)]
    assert len(processes) == len(_PROCESSES)
    return sum(map(memory_kb, processes)) / 1024
