"""The supervisor is killed under load, or told twice to end: no call goes without its row."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from tests.attacks.load import load
from tests.attacks.rows import Row, at_most
from tests.fakes.processes import is_alive
from tests.fakes.upstream import FakeUpstream, Reply
from tests.fakes.waiting import pause, until
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_REPLY


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    rows: list[Row] = []
    for name, signals in (("kill -9", (signal.SIGKILL,)), ("two SIGTERM", (signal.SIGTERM, signal.SIGTERM))):
        (folder / name).mkdir()
        async with FakeUpstream() as upstream, Served(folder / name, upstream.url, workers=2) as served:
            upstream.otherwise = lambda _: Reply.json(CHAT_REPLY)
            pids = [*served.workers(), *served.children("asbru.app.bookkeeper")]
            async with load(served) as calls:
                for number in signals:
                    served.process.send_signal(number)
                    await pause(0.1)
                await served.ended()
            await until(lambda pids=pids: not any(map(is_alive, pids)), "all have ended", 30)
            lost = len(upstream.requests) - len(served.rows())
            refused = calls.answered - sum(row["status"] == 200 for row in served.rows())
            rows += [
                at_most(f"{name}: calls at the provider without a record", lost, "rows", 0),
                at_most(f"{name}: answered calls without a record", refused, "rows", 0),
            ]
    return rows
