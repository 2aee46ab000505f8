"""What every attack on a served gateway is judged by: its memory, and how fast another connection is answered.

async with Watch(served) as watch:
    ...                                     # the attack
rows = watch.rows("bodies without a key")
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.attacks.rows import Row, at_most
from tests.journeys.served import Served, memory_kb

GROWTH_MB_MAX = 64.0
LIVEZ_MS_MAX = 100.0
_LOOK_S = 0.05
_END_S = 60.0


class Watch:
    """See the module. `served` has one worker, so that the other connection is at the one that is attacked."""

    def __init__(self, served: Served) -> None:
        self.livez_ms = 0.0
        self.peak_mb = 0.0
        self._served = served

    async def __aenter__(self) -> Watch:
        argv = [sys.executable, "-m", "tests.attacks.pulse", str(self._served.port)]
        self._pulse = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE)
        assert self._pulse.stdout is not None
        assert await self._pulse.stdout.readline() == b"ready\n"
        self.before_mb = self.peak_mb = tree_mb(self._served.process.pid)
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()
        async with asyncio.timeout(_END_S):
            said, _ = await self._pulse.communicate(b"")
        self.livez_ms = float(said)

    async def _look(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, tree_mb(self._served.process.pid))
            await asyncio.sleep(_LOOK_S)

    @property
    def growth_mb(self) -> float:
        """How far the memory of all processes together rose."""
        return self.peak_mb - self.before_mb

    def rows(self, attack: str) -> list[Row]:
        """The two rows that every attack has."""
        return [
            at_most(f"{attack}: growth of memory", self.growth_mb, "MB", GROWTH_MB_MAX),
            at_most(f"{attack}: /livez of another connection", self.livez_ms, "ms", LIVEZ_MS_MAX),
        ]


def tree_mb(pid: int) -> float:
    """Resident memory of a process and all below it that is their own, in MB."""
    total = 0
    waiting = [pid]
    while waiting:
        pid = waiting.pop()
        try:
            total += memory_kb(pid)
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except (OSError, KeyError):
            continue  # it has ended
    return total / 1024
