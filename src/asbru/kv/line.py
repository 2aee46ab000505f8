"""One connection to Redis or Valkey: commands do not wait for each other, and replies come in the same order.

    opening  redis-py connects, authenticates and chooses the database; commands wait for it
    open     commands go out as they come; hiredis reads the replies
    over     the connection was lost or given up: whoever waited is told, and so is the owner

redis-py's own reading takes a task and several timers for each command, which is ten times the CPU of the rest. What is
waited for is therefore a `Future`, and one timer for each connection replaces those for each command. Commands are not
held back where the server reads slowly: who writes much waits for each reply.

Not here: which connection a command takes, and whether it is sent again (`redis`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from asbru.core.errors import GatewayError
from asbru.core.future import Future

WHY_CHARS_MAX: Final = 300


class RedisAway(GatewayError):
    """The server cannot be reached, or does not answer in time. `lost`: it ended a connection that had served."""

    lost = False


class RedisRefused(GatewayError):
    """The server answered with an error; the message is its own."""


class Line(asyncio.Protocol):
    """See the module. `connection`: redis-py's, not connected yet; `reader`: hiredis's, which returns errors as
    `RedisRefused`; `failures`: what connecting raises. `over` is called once with a line that is of no more use."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Any,
        reader: Any,
        *,
        timeout_s: float,
        failures: tuple[type[BaseException], ...],
        over: Callable[[Line], None],
        ends_when_idle: bool = False,
    ) -> None:
        self.is_over = False
        self._loop = loop
        self._connection = connection
        self._reader = reader
        self._timeout_s = timeout_s
        self._over = over
        self._transport: asyncio.WriteTransport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._ends_when_idle = ends_when_idle
        self._has_served = False
        self._opening: asyncio.Task[None] | None = loop.create_task(self._open(failures))

    @property
    def waiting(self) -> int:
        """Commands without a reply."""
        return len(self._waiting)

    def send(self, packed: bytes) -> Future[Any]:
        """The reply to a command. It fails with `RedisAway` and `RedisRefused`."""
        reply: Future[Any] = Future()
        now_s = self._loop.time()
        self._waiting.append((now_s, reply))
        if self._timer is None:
            self._timer = self._loop.call_at(now_s + self._timeout_s, self._look_at_oldest)
        if not self._unsent and self._transport is not None:
            self._loop.call_soon(self._write)
        self._unsent.append(packed)
        return reply

    def end_when_idle(self) -> None:
        """Close once every command has its reply."""
        self._ends_when_idle = True
        if not self._waiting:
            self.end(RedisAway("the connection to the server was closed"))

    def end(self, error: RedisAway) -> None:
        """Close at once, and fail what waits."""
        if self.is_over:
            return
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._opening is not None:
            self._opening.cancel()
        elif self._transport is not None:
            self._transport.close()
            self._loop.create_task(self._connection.disconnect(nowait=True))
        self._over(self)
        while self._waiting:
            _, reply = self._waiting.popleft()
            reply.fail(error)

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._reader.feed(data)
        while not self.is_over:
            try:
                reply = self._reader.gets()
            except RedisAway as error:  # it breaks the protocol
                self.end(error)
                return
            if reply is False:
                return
            if not self._waiting:
                self.end(RedisAway("the server sent an unexpected reply"))
                return
            self._has_served = True
            _, waiting = self._waiting.popleft()
            if isinstance(reply, RedisRefused):
                waiting.fail(reply)
            else:
                waiting.resolve(reply)
            if self._ends_when_idle and not self._waiting:
                self.end_when_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        error = RedisAway("the server closed the connection" if exc is None else _why(exc))
        error.lost = self._has_served
        self.end(error)

    def _look_at_oldest(self) -> None:
        """The timer of the command that waits longest, or of one that has its reply: then that of the next."""
        self._timer = None
        if not self._waiting:
            return
        ends_s = self._waiting[0][0] + self._timeout_s
        if ends_s <= self._loop.time():
            self.end(RedisAway(f"no response within {self._timeout_s:g} s"))
        else:
            self._timer = self._loop.call_at(ends_s, self._look_at_oldest)

    async def _open(self, failures: tuple[type[BaseException], ...]) -> None:
        connection, transport = self._connection, None
        try:
            await connection.connect()
            # redis-py has no public name for it, and closes it when the connection goes, which is why that is kept.
            transport = self._transport = connection._writer.transport
            transport.set_protocol(self)
        except failures as error:
            self._opening = None
            self.end(RedisAway(_why(error)))
            return
        finally:
            if transport is None:  # given up, perhaps in the middle
                await connection.disconnect(nowait=True)
        self._opening = None
        self._write()
        if self._ends_when_idle and not self._waiting:
            self.end_when_idle()

    def _write(self) -> None:
        """All commands of a turn of the event loop at once."""
        if self._unsent and not self.is_over and self._transport is not None:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:WHY_CHARS_MAX]
