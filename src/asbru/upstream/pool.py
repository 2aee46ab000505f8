"""Connections to one origin: kept alive, bounded, lent last-in first-out.

`begin` finds an idle connection at once, or dials in a Task; above `connections_max` exchanges queue in order, up to a
bound. `sweep` is called a few times a second and is the only timer: deadlines of exchanges, age of idle connections.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from asbru.core.errors import Overloaded, UpstreamError
from asbru.upstream.connection import UpstreamConnection
from asbru.upstream.dial import TlsContexts, dial
from asbru.upstream.exchange import Exchange, ExchangeDeadlines
from asbru.upstream.origin import Origin
from asbru.upstream.response_headers import HeadShapes
from asbru.upstream.spliced import Body
from asbru.wire.outbox import Outbox

IDLE_KEPT_S = 50.0
"""An idle connection older than this is closed: providers close theirs after 60 s or more."""

SWEEP_S = 0.25
"""How often `sweep` is called, in seconds."""

SILENCE_S = 15.0
"""How long a stream may be silent before its caller is shown that it goes on, in seconds."""

QUEUED_MAX = 1000
WAIT_S = 10.0
RETRY_AFTER_S = 1.0
"""Exchanges that wait for a connection, and for how long, unless `Pool.queued_max` and `Pool.wait_s` say otherwise."""
"""Exchanges that may wait for a connection of one origin."""


class Pool:
    """The connections of one origin. `response_bytes_max` bounds a response that is held whole.

    `tick_s` is the clock that deadlines are set by: the time of the next sweep, so that none is early and reading it
    costs nothing. A deadline is noticed at most two sweeps late.
    """

    def __init__(
        self,
        origin: Origin,
        contexts: TlsContexts,
        loop: asyncio.AbstractEventLoop,
        *,
        response_bytes_max: int,
        outbox: Outbox | None = None,
    ) -> None:
        self.origin = origin
        self.heads = HeadShapes()
        self.outbox = outbox or Outbox(loop.call_soon)
        self.response_bytes_max = response_bytes_max
        self._contexts = contexts
        self._loop = loop
        self.tick_s = time.monotonic() + SWEEP_S
        self._idle: list[UpstreamConnection] = []
        self._all: set[UpstreamConnection] = set()
        self._dialling: dict[asyncio.Task[None], Exchange] = {}
        self._queued: deque[Exchange] = deque()
        self._silences: dict[Exchange, tuple[Callable[[], None], float]] = {}
        """What is called while a stream is silent, and when that was done last."""
        self._closed = False
        self.queued_max = QUEUED_MAX
        self.wait_s = WAIT_S

    @property
    def connections(self) -> int:
        """Open connections, idle or not."""
        return len(self._all)

    @property
    def idle_connections(self) -> int:
        """Open connections that carry nothing."""
        return len(self._idle)

    @property
    def busy_connections(self) -> int:
        """Open connections that carry an exchange."""
        return len(self._all) - len(self._idle)

    @property
    def waiting(self) -> int:
        """Exchanges that wait for a connection."""
        return len(self._queued)

    def begin(
        self,
        head: bytes,
        body: Body,
        deadlines: ExchangeDeadlines,
        *,
        streaming_wanted: bool,
        transparent: bool = False,
    ) -> Exchange:
        """Send a request as soon as a connection is there. Raises `Overloaded` when the queue is full."""
        exchange = Exchange(head, body, deadlines, streaming_wanted, self.tick_s)
        if transparent:
            exchange.transparent = True
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.is_closing():
                connection.send(exchange)
                return exchange
        if len(self._all) + len(self._dialling) < self.origin.connections_max:
            self._dial(exchange)
        else:
            self._enqueue(exchange)
        return exchange

    def _enqueue(self, exchange: Exchange) -> None:
        if len(self._queued) >= self.queued_max:
            self._queued = deque(one for one in self._queued if not one.over)  # callers that left do not count
            if len(self._queued) >= self.queued_max:
                waiting = (
                    f" and {self.queued_max} calls wait for one (overload.queued_max)" if self.queued_max else ""
                )
                busy = f"all {self.origin.connections_max} connections to this provider are busy (connections_max)"
                raise self._overloaded(f"{busy}{waiting}")
        exchange.wait_for_connection(self.tick_s + self.wait_s)
        self._queued.append(exchange)

    @staticmethod
    def _overloaded(message: str) -> Overloaded:
        return Overloaded(f"{message}; try again shortly", retry_after_s=RETRY_AFTER_S)

    def _dial(self, exchange: Exchange) -> None:
        task = self._loop.create_task(self._open(exchange))
        self._dialling[task] = exchange
        task.add_done_callback(self._dialled)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        del self._dialling[task]
        self._dial_queued()  # a dial that failed leaves its place

    async def _open(self, exchange: Exchange) -> None:
        left_s = exchange.deadlines.connect_s
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                connection = await dial(self.origin, self._contexts, self._new_connection)
        except TimeoutError:
            exchange.fail(self._late(exchange, "connect_s"))
            return
        except UpstreamError as error:
            exchange.fail(error)
            return
        except Exception as error:  # noqa: BLE001 -- the exchange is told; a dial must never leave it waiting
            failed = UpstreamError(f"could not connect to {self.origin}", kind="network", code="upstream_unreachable")
            failed.detail = f"{failed.message}: {error!r}"
            exchange.fail(failed)
            return
        if connection.is_closing():  # closed as soon as it was open, and perhaps forgotten before it was known
            message = f"{self.origin} closed the connection before it was used"
            exchange.fail(UpstreamError(message, kind="network", code="upstream_unreachable"))
            return
        self._all.add(connection)
        if exchange.over:
            self.release(connection)
        else:
            connection.send(exchange)

    def _new_connection(self) -> UpstreamConnection:
        return UpstreamConnection(self)

    def release(self, connection: UpstreamConnection) -> None:
        """A connection whose response ended well: lend it to who waits longest, or keep it idle."""
        queued = self._queued
        if queued and connection.is_closing():
            return
        while queued:
            exchange = queued.popleft()
            if not exchange.over:
                connection.send(exchange)
                return
        if self._closed or len(self._idle) >= self.origin.idle_connections_max:
            connection.close()
            return
        connection.idle_since_s = self.tick_s
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """A connection is gone; its place may go to who waits."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._dial_queued()

    def _dial_queued(self) -> None:
        while self._queued and len(self._all) + len(self._dialling) < self.origin.connections_max:
            exchange = self._queued.popleft()
            if not exchange.over:
                exchange.wait_for_connection(self.tick_s + exchange.deadlines.connect_s)
                self._dial(exchange)

    def sweep(self, now_s: float) -> None:
        """Fail what is late, close what has been idle too long; `now_s` is monotonic."""
        self.tick_s = now_s + SWEEP_S
        while self._queued and (self._queued[0].over or self._queued[0].deadline_s < now_s):
            late = f"no connection to this provider became free within {self.wait_s:g} s (overload.wait_s)"
            self._queued.popleft().fail(self._overloaded(late))  # does nothing to one that is over
        for exchange in self.under_way():
            if exchange.deadline_s < now_s and (not exchange.paused or exchange.total_deadline_s < now_s):
                self._expire(exchange)
        if self._silences:
            self._break_silences(now_s)
        idle = self._idle
        while idle and now_s - idle[0].idle_since_s > IDLE_KEPT_S:
            idle.pop(0).close()

    def in_silence(self, exchange: Exchange, show: Callable[[], None]) -> None:
        """Call `show` whenever the stream has been silent for a while, until `forget_silence`."""
        self._silences[exchange] = show, self.tick_s

    def forget_silence(self, exchange: Exchange) -> None:
        """The stream has ended."""
        self._silences.pop(exchange, None)

    def _break_silences(self, now_s: float) -> None:
        for exchange, (show, shown_s) in [*self._silences.items()]:
            if not exchange.over and not exchange.paused and now_s - max(exchange.touched_s, shown_s) >= SILENCE_S:
                self._silences[exchange] = show, now_s
                show()

    def under_way(self) -> list[Exchange]:
        """The exchanges that are not over: sent, being dialled for, or waiting."""
        sent = (one.exchange for one in self._all)
        known = (*sent, *self._dialling.values(), *self._queued)
        return [one for one in known if one is not None and not one.over]

    def _expire(self, exchange: Exchange) -> None:
        connection = exchange.connection
        by_total = exchange.paused or exchange.deadline_s >= exchange.total_deadline_s
        what = "total_s" if by_total else exchange.waiting_for
        exchange.fail(self._late(exchange, what))
        if connection is not None:
            connection.abandon()

    def _late(self, exchange: Exchange, what: str) -> UpstreamError:
        limit_s: float = getattr(exchange.deadlines, what)
        doing = {
            "connect_s": "did not accept a connection",
            "first_token_s": "sent no content",
            "idle_s": "sent no further data",
            "total_s": "did not complete its response",
        }[what]
        return UpstreamError(
            f"{self.origin} {doing} within {limit_s:g} s ({what} of this provider)",
            kind="deadline",
            status=504,
            code="upstream_timeout",
        )

    def close(self) -> None:
        """Close idle connections now, and the others when their response ends. Calls that still have the pool may go on
        using it: nothing is kept idle any more."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()
