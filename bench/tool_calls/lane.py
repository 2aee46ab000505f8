"""A process that calls the tool by Asbru's own client for so many seconds: `python -m bench.tool_calls.lane PORT S N`.

It prints "ready" after a first call on each of its N connections, waits for a line, and ends with a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial

import uvloop

from asbru.mcp.protocol import read_reply, write_request
from asbru.pipeline.stepper import Stepper
from asbru.upstream import ExchangeDeadlines, Origin, Pool, TlsContexts
from bench.tool_calls.request import PARAMS, PATH

_DEADLINES = ExchangeDeadlines()
_LINES = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n"


class Lane:
    """Callers that share a pool. `failed`: calls without a result."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.count = self.failed = 0
        self.left = 0
        self.ended = asyncio.Event()

    async def _call(self) -> None:
        body = write_request("7", "tools/call", PARAMS)
        head = f"POST {PATH} HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n{_LINES}\r\n".encode()
        exchange = self._pool.begin(head, body, _DEADLINES, streaming_wanted=False)
        response = await exchange
        message = read_reply(response.body)
        self.count += 1
        self.failed += response.status != 200 or message is None

    async def _calls(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        await self._call()
        while time.monotonic() < end:
            await self._call()

    def _done(self, subject: object, error: BaseException | None) -> None:
        del subject
        self.failed += error is not None
        self.left -= 1
        if not self.left:
            self.ended.set()

    async def run(self, callers: int, seconds: float) -> None:
        """So many callers at the same time; with no seconds each calls once."""
        self.count, self.left = 0, callers
        self.ended.clear()
        for _ in range(callers):
            Stepper().run(self._calls(seconds), self._done, None)
        await self.ended.wait()


async def _main(port: int, seconds: float, callers: int) -> None:
    loop = asyncio.get_running_loop()
    origin = Origin(host="127.0.0.1", port=port, allow_loopback=True)
    lane = Lane(Pool(origin, TlsContexts(), loop, response_bytes_max=1 << 20))
    await lane.run(callers, 0.0)
    print("ready", flush=True)
    await loop.run_in_executor(None, partial(sys.stdin.readline))
    await lane.run(callers, seconds)
    print(json.dumps({"count": lane.count, "failed": lane.failed}), flush=True)
    await loop.run_in_executor(None, partial(sys.stdin.readline))  # until its CPU was read


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
