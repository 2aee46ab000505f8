"""Forty connections send 31 of 32 MiB of a body and stop: to a call with a wrong key, and to a page that needs none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from tests.attacks.rows import Row
from tests.attacks.watch import Watch
from tests.fakes.waiting import pause
from tests.journeys.caller import Caller, request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH

CONNECTIONS = 40
MIB = 1024 * 1024
_HELD_S = 2.0
_LENGTH = (f"Content-Length: {32 * MIB}",)


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    async with Served(folder, "http://127.0.0.1:9") as served, Watch(served) as watch:
        paths = (CHAT_PATH, "/livez")
        await asyncio.gather(*(_send(served.port, paths[number % 2]) for number in range(CONNECTIONS)))
    return watch.rows("bodies without a key")


async def _send(port: int, path: str) -> None:
    async with Caller(port) as caller:
        with contextlib.suppress(OSError):
            caller.send(request(path, key="sk-asb-wrong", length=False, headers=_LENGTH))
            for _ in range(31):
                caller.send(bytes(MIB))
                await caller.writer.drain()
            await pause(_HELD_S)
