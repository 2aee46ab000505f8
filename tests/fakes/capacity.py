"""An upstream of known capacity, and callers that ask for more than that.

async with Capacity(parallel=10, service_s=0.1) as upstream:    # 100 responses a second
    outcomes = await flood(ask, per_second=500, seconds=60.0)
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from tests.journeys.talk import CHAT_REPLY

_BODY = json.dumps(CHAT_REPLY).encode()
_RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_TURN_S = 0.01


class Capacity:
    """A server that answers `parallel` chat requests at a time, each after `service_s`; others wait for their turn."""

    def __init__(self, parallel: int, service_s: float) -> None:
        self.per_second = parallel / service_s
        self.parallel = parallel
        self.url = ""
        self._service_s = service_s
        self._places = asyncio.Semaphore(parallel)
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Capacity:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
                async with self._places:
                    await asyncio.sleep(self._service_s)
                writer.write(_RESPONSE)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def flood(ask: Callable[[], Awaitable[object]], *, per_second: float, seconds: float) -> None:
    """Call `ask` so often, whether or not earlier ones have ended; returns when all have."""
    began_s = time.monotonic()
    asked = 0
    asking: set[asyncio.Task[object]] = set()
    while (passed_s := time.monotonic() - began_s) < seconds:
        while asked < passed_s * per_second:
            asked += 1
            task = asyncio.ensure_future(ask())
            asking.add(task)
            task.add_done_callback(asking.discard)
        await asyncio.sleep(_TURN_S)
    await asyncio.gather(*asking)


async def watch(read: Callable[[], int], every_s: float = 0.25) -> list[int]:
    """What `read` returns, again and again; to be cancelled, and the list is `watch`'s own until then."""
    seen: list[int] = []
    try:
        while True:
            seen.append(read())
            await asyncio.sleep(every_s)
    except asyncio.CancelledError:
        return seen
