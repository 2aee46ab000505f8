"""The proof of faults: the bookkeeper paused and killed, and the database locked, under load.

The limits are open (`store_away: open`), so that callers see no error; afterwards every call that was answered has
exactly one record and exactly one charge.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.family import Family, chat
from tests.fakes.priced import PricedUpstream
from tests.fakes.waiting import pause, until
from tests.journeys.caller import Caller
from tests.proofs.rows import Row, at_most

from asbru.governance.entries import LimitEntry
from asbru.storage import DATABASE_NAME

BUDGET = LimitEntry("team/t/cost/1d", "cost", 10**15, "1d", strict=False)
RATE = LimitEntry("team/t/requests/1m", "requests", 10**9, "1m")
CALLERS = 6


class _Load:
    def __init__(self, family: Family) -> None:
        self.family = family
        self.answered = 0
        self.errors: dict[int, int] = {}
        self.over = False

    async def call(self, port: int) -> None:
        """One caller, call after call."""
        async with Caller(port) as caller:
            while not self.over:
                caller.send(chat(10, 0.5))
                answer = await caller.answer()
                self.answered += 1
                if answer.status != 200:
                    self.errors[answer.status] = self.errors.get(answer.status, 0) + 1
                await pause(0.02)


@asynccontextmanager
async def _under_load(family: Family) -> AsyncIterator[_Load]:
    load = _Load(family)
    tasks = [asyncio.create_task(load.call(family.ports[number % 3])) for number in range(CALLERS)]
    await until(lambda: load.answered >= 100, "it is under way")
    yield load
    before = load.answered
    await until(lambda: load.answered >= before + 100, "it goes on")
    load.over = True
    await asyncio.gather(*tasks)


async def prove_faults(*, paused_s: float, locked_s: float) -> list[Row]:
    """The rows of this proof."""
    rows: list[Row] = []
    for name, seconds in (("paused", paused_s), ("killed", 0.5), ("database locked", locked_s)):
        async with PricedUpstream(delay_s=0.005) as upstream:
            with Family(upstream.port, [BUDGET, RATE], workers=3, store_away="open") as family:
                async with _under_load(family) as load:
                    await _do(family, name, seconds)
                rows += await _settled(name, family, upstream, load)
    return rows


async def _do(family: Family, name: str, seconds: float) -> None:
    """The fault, for so long."""
    pid = family.books.pid
    if name == "paused":
        os.kill(pid, signal.SIGSTOP)
        await pause(seconds)
        os.kill(pid, signal.SIGCONT)
    elif name == "killed":
        family.books.kill()
        await pause(seconds)
        await asyncio.to_thread(family.books.start)
    else:
        path = Path(family.books.folder) / DATABASE_NAME
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        await pause(seconds)
        database.execute("ROLLBACK")
        database.close()


async def _settled(name: str, family: Family, upstream: PricedUpstream, load: _Load) -> list[Row]:
    """What is in the books when all is over."""
    query = "SELECT count(*), count(DISTINCT id), COALESCE(SUM(cost_nanousd), 0) FROM requests WHERE status = 200"
    deadline_s = time.monotonic() + 30
    records, distinct, cost = family.ask(query)[0]
    while time.monotonic() < deadline_s and (
        records != load.answered or family.held or family.booked(BUDGET.id) != upstream.billed_nanousd
    ):
        await pause(0.1)
        records, distinct, cost = family.ask(query)[0]
    booked = family.booked(BUDGET.id)
    misrecorded = abs(cost - upstream.billed_nanousd) / 1e9
    return [
        at_most(f"faults: errors while the bookkeeper is {name}", sum(load.errors.values()), "answers", 0),
        at_most(f"faults: {name}: answered without exactly one record", abs(load.answered - records), "calls", 0),
        at_most(f"faults: {name}: recorded twice", records - distinct, "calls", 0),
        at_most(
            f"faults: {name}: charged and not booked, or booked twice",
            abs(booked - upstream.billed_nanousd) / 1e9,
            "USD",
            0,
        ),
        at_most(f"faults: {name}: recorded otherwise than charged", misrecorded, "USD", 0),
        at_most(f"faults: {name}: still held", family.held, "", 0),
    ]
