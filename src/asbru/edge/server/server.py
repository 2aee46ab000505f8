"""The listening side: binds, counts connections and ends idle ones in time, sweeps deadlines, drains.

Sockets are bound by us with SO_REUSEPORT and IPPROTO_TCP: the first lets equal workers share a port, the second
makes asyncio switch Nagle's delay off, without which every keep-alive response would wait 44 ms.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from traceback import format_exception
from typing import Protocol

from asbru.core.errors import Overloaded
from asbru.edge.limits import ServerLimits
from asbru.edge.server.body import BodyBytes
from asbru.edge.server.capacity import SPARE_MAX, SPARE_S, TURNED_AWAY_MAX, bound_of, idlest
from asbru.edge.server.handshakes import TlsListener, shake_hands
from asbru.edge.server.known_heads import KnownHeads
from asbru.edge.server.protocol import ServerConnection
from asbru.edge.server.request import Head, HeaderPlans, Request
from asbru.telemetry import log
from asbru.wire.outbox import Outbox

SWEEP_S = 0.25
DRAIN_NOTICE_S = 0.3
"""How long a draining server still accepts: calls already in the kernel's queue are served, not reset."""
BUGS_TOLD_MAX = 100
"""Different errors in sweeps that are logged; whatever comes after is likely one of them again."""
CROWD_LOG_S = 10.0
"""How often it is said that idle connections are closed to make room, in seconds."""

BACKLOG = 4096


class Handler(Protocol):
    """Serves one request; answers through `connection.response`."""

    def __call__(self, request: Request, connection: ServerConnection) -> None: ...


Knows = Callable[[Head], bool]
"""Whether whoever sends this head is known, so that a body of its may take room; raises what refuses the request."""


class Server:
    """One worker's HTTP server. `handler` is called for each request; `sweep` callbacks run four times a second.
    `knows` is asked about heads whose body has yet to come; by default everybody is.

    `header_prefixes`: headers that begin so are kept for providers, besides those that go to all of them. `probes`:
    paths that are answered when there are too many connections, too. `descriptors`: files that this process may have
    open; 0: as many as it likes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: ServerLimits,
        handler: Handler,
        outbox: Outbox | None = None,
        *,
        header_prefixes: Iterable[bytes] = (),
        knows: Knows = lambda head: True,
        probes: frozenset[bytes] = frozenset(),
        descriptors: int = 0,
    ) -> None:
        self.limits: ServerLimits = limits
        self.bound = bound_of(limits.connections_max, descriptors)
        self.probes = probes
        self.handler = handler
        self.knows = knows
        self.bodies = BodyBytes()
        self.outbox = outbox or Outbox(loop.call_soon)
        self.known_heads = KnownHeads(limits)
        self.header_plans = HeaderPlans(header_prefixes)
        self.draining = False
        self.forward_prefixes: tuple[bytes, ...] = ()
        """Paths whose requests keep all their headers; change it by `forward`."""
        self.connections: set[ServerConnection] = set()
        self.endless: set[ServerConnection] = set()
        """Those of them that a drain closes without waiting for their response to end."""
        self.spare: dict[ServerConnection, None] = {}
        """Those above the bound that have yet to ask for something, the oldest first."""
        self.handshakes: dict[ServerConnection, asyncio.Task[None]] = {}
        """Accepted, and no connection yet; the oldest first."""
        self.now_s = time.monotonic  # finer than the loop's own clock, which counts milliseconds
        self.tick_s = time.monotonic() + SWEEP_S  # the next sweep's time: deadlines set by it are never early
        self.sweeps: list[Callable[[float], None]] = []
        self._lag_s = 0.0
        self._loop = loop
        self._descriptors = descriptors
        self._crowd_swept_s = 0.0
        self._crowd_told_s = -CROWD_LOG_S
        self._crowd_closed = 0
        self._listeners: list[asyncio.Server | TlsListener] = []
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Event = asyncio.Event()
        self._bugs_told: set[str] = set()

    # Lifetime

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Bind every address of `host` and accept; returns the port (chosen by the kernel when 0 was asked for)."""
        infos = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        bound = port
        for family, _, _, _, address in sorted(set(infos)):
            sock = bind(family, str(address[0]), bound)
            bound = sock.getsockname()[1]
            await self.listen_on(sock, tls)
        if self._timer is None:
            self._timer = self._loop.call_later(SWEEP_S, self._sweep)
        return bound

    async def listen_on(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept on a socket that is already bound."""
        if tls is not None:
            self._listeners.append(TlsListener(self._loop, sock, lambda taken: self._shake(taken, tls), BACKLOG))
        else:
            server = await self._loop.create_server(lambda: ServerConnection(self), sock=sock, backlog=BACKLOG)
            self._listeners.append(server)
        if self._timer is None:
            self._timer = self._loop.call_later(SWEEP_S, self._sweep)

    def forward(self, prefixes: tuple[bytes, ...]) -> None:
        """Keep all headers of requests for these prefixes from now on, also of clients that are known."""
        if prefixes != self.forward_prefixes:
            self.forward_prefixes = prefixes
            self.known_heads.clear()

    def watch(self, names: frozenset[bytes], handed: frozenset[bytes] = frozenset()) -> None:
        """Keep these headers from now on, because Asbru decides by them, also of clients that are known; and those that
        are `handed` on to tools."""
        if (names, handed) != (self.header_plans.watched, self.header_plans.handed):
            self.header_plans.watch(names, handed)
            self.known_heads.clear()

    def limit(self, limits: ServerLimits) -> None:
        """Hold these bounds from now on, also for connections that are open."""
        if limits != self.limits:
            self.limits = limits
            self.bound = bound_of(limits.connections_max, self._descriptors)
            self.known_heads = KnownHeads(limits)
            for connection in (*self.connections, *self.handshakes):
                connection.limit(limits)

    async def drain(self, grace_s: float) -> bool:
        """Stop accepting, let calls end, close what is idle; True if all ended within `grace_s`."""
        self.draining = True
        for connection in self.connections:
            if not connection.response.started:
                connection.response.closing = True
        await asyncio.sleep(DRAIN_NOTICE_S)
        for listener in self._listeners:
            listener.close()
        for task in list(self.handshakes.values()):
            task.cancel()
        for connection in list(self.connections):
            _close_quiet(connection)
        for connection in list(self.endless):
            connection.abort()
        if not self.connections:
            return True
        try:
            async with asyncio.timeout(grace_s):
                await self._drained.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Close everything at once."""
        self.draining = True
        for listener in self._listeners:
            listener.close()
        for task in list(self.handshakes.values()):
            task.cancel()
        for connection in list(self.connections):
            connection.close()
        if self._timer is not None:
            self._timer.cancel()

    # What connections call

    def connected(self, connection: ServerConnection) -> None:
        """A caller came."""
        self.connections.add(connection)
        if self.handshakes:
            self.handshakes.pop(connection, None)
        if len(self.connections) + len(self.handshakes) > self.bound.near:
            self._crowd(connection)

    def disconnected(self, connection: ServerConnection) -> None:
        """A caller left."""
        self.connections.discard(connection)
        if self.spare:
            self.spare.pop(connection, None)
        if self.draining and not self.connections:
            self._drained.set()

    def close_soon(self, connection: ServerConnection) -> None:
        """Close a connection whose caller may be about to ask for more; if it does, it is told with the response."""
        self._loop.call_later(DRAIN_NOTICE_S, _close_quiet, connection)

    def later(self, call: Callable[[], None]) -> None:
        """Run `call` in the loop's next turn."""
        self._loop.call_soon(call)

    def take_lag_s(self) -> float:
        """The longest delay of a sweep since this was last asked, seconds."""
        lag_s, self._lag_s = self._lag_s, 0.0
        return lag_s

    # Many connections

    def _shake(self, sock: socket.socket, tls: ssl.SSLContext) -> None:
        """A socket was accepted; its connection counts from now on."""
        handshakes = self.handshakes
        if len(self.connections) + len(handshakes) >= self.bound.near:
            self._make_room()
        if len(self.connections) + len(handshakes) >= self.bound.most + SPARE_MAX:
            sock.close()
            return
        connection = ServerConnection(self)
        connection.wait_for_handshake()
        task = self._loop.create_task(shake_hands(self._loop, sock, tls, connection))
        handshakes[connection] = task
        task.add_done_callback(lambda _: handshakes.pop(connection, None))

    def _crowd(self, connection: ServerConnection) -> None:
        """A caller came, and there are nearly too many."""
        self._make_room()
        above = len(self.connections) + len(self.handshakes) - self.bound.most
        if above <= 0:
            return
        if not self.probes or self.draining:
            self._turn_away(connection, above)
            return
        connection.expect_probe(self._crowd_error())
        self.spare[connection] = None
        if len(self.spare) > SPARE_MAX:
            oldest = next(iter(self.spare))
            del self.spare[oldest]
            self._turn_away(oldest, above)

    def _turn_away(self, connection: ServerConnection, above: int) -> None:
        if above > TURNED_AWAY_MAX:
            connection.abort()
        else:
            connection.turn_away(self._crowd_error())

    def _crowd_error(self) -> Overloaded:
        return Overloaded(f"{self.bound.most} connections are open ({self.bound.reason})", retry_after_s=1)

    def _make_room(self) -> None:
        """End what has been idle longest; at most once between two sweeps."""
        if self._crowd_swept_s == self.tick_s:
            return
        self._crowd_swept_s = self.tick_s
        taken = len(self.connections) + len(self.handshakes)
        idle = [(since_s, one) for one in self.connections if (since_s := one.idle_since_s) is not None]
        idle += [(one.waits_since_s, one) for one in self.handshakes]
        chosen = idlest(idle, self.tick_s, taken - self.bound.roomy)
        for one in chosen:
            task = self.handshakes.pop(one, None)
            if task is not None:
                task.cancel()
            else:
                self.connections.discard(one)  # it has nothing left to send: it is gone with the loop's next turn
                one.abort()
        self._crowd_closed += len(chosen)
        if self._crowd_closed and self.tick_s - self._crowd_told_s >= CROWD_LOG_S:
            self._crowd_told_s = self.tick_s
            log(
                "warning",
                "the limit of connections is nearly reached; closing those that were idle longest",
                open=taken,
                closed=self._crowd_closed,
                most=self.bound.most,
                by=self.bound.reason,
            )
            self._crowd_closed = 0

    def _sweep_spare(self) -> None:
        for connection in tuple(self.spare):
            if self.tick_s - connection.waits_since_s > SPARE_S:
                del self.spare[connection]
                connection.turn_away(self._crowd_error())

    def _sweep(self) -> None:
        now_s = self.now_s()
        self._lag_s = max(self._lag_s, now_s - self.tick_s)
        self.tick_s = now_s + SWEEP_S
        # First: whatever goes wrong below, the deadlines of everybody else hang on the next sweep.
        self._timer = self._loop.call_later(SWEEP_S, self._sweep)
        if self.spare:
            self._sweep_spare()
        for sweep in (*(connection.sweep for connection in self.connections), *self.sweeps):
            try:
                sweep(now_s)
            except Exception as error:  # noqa: BLE001 -- the log is told; the others are swept all the same
                self._tell_bug("".join(format_exception(error)))

    def _tell_bug(self, why: str) -> None:
        """Log a bug in a sweep, once: it would fill the log four times a second."""
        if why not in self._bugs_told and len(self._bugs_told) < BUGS_TOLD_MAX:
            self._bugs_told.add(why)
            log("error", "a bug, please report it", why=why)


def _close_quiet(connection: ServerConnection) -> None:
    if connection.is_quiet:
        connection.close()


def bind(family: int, host: str, port: int) -> socket.socket:
    """A TCP socket bound to one address, ready to be shared between workers."""
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock
