"""The control process's side of the live tail: clients, each with its filters and a bounded queue.

first client -> FOLLOW, repeated while there is one -> batches -> decoded once -> queues of the clients they fit
                                                                                full: the client is dropped
                                                             it may no longer see them: the client is dropped, too
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from asbru.core.errors import Overloaded
from asbru.link.link import Link
from asbru.records.row import COLUMNS
from asbru.records.tail.followers import FOLLOW, FOLLOW_S, MISSED, WRITTEN
from asbru.records.wanted import Wanted
from asbru.telemetry import log

CLIENTS_MAX: Final = 20
QUEUED_MAX: Final = 1_000
"""Events that wait for a client; with one more it is dropped."""
COMMENT_S: Final = 15.0
"""How often a client without events is sent a comment, so that proxies keep the connection."""
ASK_S: Final = 1.0
"""How often it is asked whether a client may still see what it is sent, at most."""

_NAMES: Final = tuple(column.name for column in COLUMNS)
_FLAGS: Final = tuple(place for place, column in enumerate(COLUMNS) if column.kind == "boolean")
_COMMENT: Final = b":\n\n"


class _End(NamedTuple):
    """The last thing that a client is told."""

    event: bytes


class LiveTail:
    """See the module."""

    def __init__(self, link: Link, *, clients_max: int = CLIENTS_MAX, queued_max: int = QUEUED_MAX) -> None:
        self._link = link
        self._clients_max = clients_max
        self._queued_max = queued_max
        self._clients: dict[asyncio.Queue[bytes | _End], Wanted] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._decode = msgspec.msgpack.Decoder(list[list[Any]]).decode
        link.subscribe(WRITTEN, self._take)
        link.subscribe(MISSED, self._miss)
        link.on_connect(self._follow)

    def admit(self, wanted: Wanted, refusal: Callable[[], str] = lambda: "") -> AsyncIterator[bytes]:
        """Server-sent events for a client, from now on. `refusal`: why the client may no longer see them; "" while it
        may. Raises `Overloaded` where there are too many clients."""
        if len(self._clients) >= self._clients_max:
            raise Overloaded(
                f"{self._clients_max} clients follow the records already; close one", code="too_many_clients"
            )
        return self._events(wanted, refusal)

    def close(self) -> None:
        """End every client's stream."""
        for queue in list(self._clients):
            self._end(queue, "the gateway is stopping")

    @property
    def clients(self) -> int:
        """How many there are."""
        return len(self._clients)

    async def _events(self, wanted: Wanted, refusal: Callable[[], str]) -> AsyncIterator[bytes]:
        # Here and not in `admit`: what is never iterated is never closed either.
        queue: asyncio.Queue[bytes | _End] = asyncio.Queue(self._queued_max + 1)
        self._clients[queue] = wanted
        self._follow()
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        try:
            yield _COMMENT
            asked_s = time.monotonic()
            while True:
                try:
                    async with asyncio.timeout(COMMENT_S):
                        event = await queue.get()
                except TimeoutError:
                    event = _COMMENT
                if isinstance(event, _End):
                    yield event.event
                    return
                if time.monotonic() - asked_s >= ASK_S:
                    asked_s = time.monotonic()
                    if why := refusal():
                        self._clients.pop(queue, None)
                        yield _dropped(why)
                        return
                yield event
        finally:
            self._clients.pop(queue, None)

    async def _renew(self) -> None:
        """Follow for as long as there are clients."""
        while self._clients:
            self._follow()
            await asyncio.sleep(FOLLOW_S / 3)
        self._renewing = None

    def _follow(self) -> None:
        if self._clients:
            self._link.tell(FOLLOW, b"")

    def _take(self, batch: bytes) -> None:
        if not self._clients:
            return
        try:
            rows = self._decode(batch)
        except (msgspec.MsgspecError, ValueError) as error:
            log("error", "a batch of records cannot be read", bytes=len(batch), why=error)
            return
        for row in rows:
            if len(row) == len(_NAMES):
                self._give(row)

    def _give(self, row: list[Any]) -> None:
        for place in _FLAGS:  # as the database gives them back
            row[place] = int(row[place])
        record = dict(zip(_NAMES, row, strict=True))
        event: bytes | None = None
        for queue, wanted in list(self._clients.items()):
            if wanted.fits(record):
                event = event or write_event("record", record)
                self._put(queue, event)

    def _miss(self, _: bytes) -> None:
        for queue in list(self._clients):
            self._put(queue, write_event("missed", {"reason": "records were written faster than they could be sent"}))

    def _put(self, queue: asyncio.Queue[bytes | _End], event: bytes) -> None:
        if queue.qsize() >= self._queued_max:
            self._end(queue, "the client reads too slowly")
        else:
            queue.put_nowait(event)

    def _end(self, queue: asyncio.Queue[bytes | _End], reason: str) -> None:
        self._clients.pop(queue, None)
        queue.put_nowait(_End(_dropped(reason)))


def _dropped(reason: str) -> bytes:
    return write_event("dropped", {"reason": reason})


def write_event(name: str, data: Mapping[str, object]) -> bytes:
    """One server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
