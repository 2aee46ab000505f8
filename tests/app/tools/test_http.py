"""The HTTP client of the tools process: its deadlines."""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.upstream import STALL, FakeUpstream, Reply

from asbru.app.tools.http import Http
from asbru.app.tools.peers import Unreachable
from asbru.upstream import Pool
from asbru.upstream.origin import Reach


async def test_deadlines_hold_after_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the look at deadlines reaches the event loop, and they are looked at again."""
    loop = asyncio.get_running_loop()
    told: list[str] = []
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    sweep = Pool.sweep

    def fail_once(pool: Pool, now_s: float) -> None:
        if not told:
            raise RuntimeError("a bug of the test")
        sweep(pool, now_s)

    monkeypatch.setattr(Pool, "sweep", fail_once)
    http = Http(loop)
    async with FakeUpstream() as upstream:
        upstream.queue(Reply.json({}).but(before=(STALL,)))
        reach = Reach(allow_loopback=True)
        # The first sweep is a part of the first request, which it fails; later ones are timers.
        with pytest.raises(RuntimeError):
            await http.send(reach, "GET", upstream.url, {}, timeout_s=0.6)
        with pytest.raises(Unreachable):
            async with asyncio.timeout(10):
                await http.send(reach, "GET", upstream.url, {}, timeout_s=0.6)
    http.close()
