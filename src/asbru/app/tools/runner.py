"""One server, kept connected and synchronised.

    connecting -> ready -> (list_changed, the interval, the API) -> lists read anew -> ready
               -> unreachable | unauthorized | failed -> (a pause that doubles, the API) -> connecting
    ready      -> lost: the program exited, the stream ended, the session is not known -> connecting

What was listed last stays published while the server cannot be asked. A server that hangs or floods delays no other:
each has a task of its own, a deadline on each question, and lists that are read at most once in SPACING_S.

A changed server is connected to beside the old connection; the old one serves until the new one is ready, and then
until its calls have ended (`retire`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from asbru.app.restarts import Restarts
from asbru.app.tools.catalogue import Catalogue
from asbru.app.tools.connecting import Connection, connect
from asbru.app.tools.envelope import LOGGED, Envelope, write_envelope
from asbru.app.tools.http import Http
from asbru.app.tools.http_peer import Credentials, HttpPeer
from asbru.app.tools.listing import Offered, list_all
from asbru.app.tools.negotiate import request_params
from asbru.app.tools.outside import Outside
from asbru.app.tools.peers import Broken, Peer, Refused, SessionEnded, Unauthorized, Unreachable
from asbru.app.tools.pins import Pins
from asbru.app.tools.presented import Presented
from asbru.app.tools.sessions import Sessions
from asbru.app.tools.stdio import CannotStart
from asbru.app.tools.subscribers import Subscribers
from asbru.app.tools.suspicion import Suspicions
from asbru.app.tools.updates import Updates
from asbru.app.tools.user_streams import STREAMS_MAX, LogGate, UserStreams
from asbru.mcp.catalogue import ServerEntry, State
from asbru.mcp.servers import Server, SessionGiven
from asbru.storage import StorageError
from asbru.telemetry import log

SPACING_S: Final = 1.0
"""Between two readings of the lists, however often a server says that they have changed."""
WATCH_AGAIN_S: Final = 5.0
RETIRE_S: Final = 30.0
"""How long calls of an old connection may go on."""
FAILURES_MAX: Final = 3
"""Lists that a running program does not give, one after the other, before it is started anew."""
REASON_CHARS_MAX: Final = 500
_LIST_CHANGED = "/list_changed"

_FAILURES = (Unauthorized, Unreachable, CannotStart, Broken, Refused)


class Shared:
    """What all runners have in common. `credentials(server, user)` makes what authenticates requests."""

    def __init__(
        self,
        http: Http,
        catalogue: Catalogue,
        pins: Pins,
        *,
        credentials: Callable[[Server, str], Credentials],
        subscribers: Subscribers,
        outside: Outside,
        now_ms: Callable[[], int],
    ) -> None:
        self.http = http
        self.catalogue = catalogue
        self.pins = pins
        self.credentials = credentials
        self.subscribers = subscribers
        self.outside = outside
        self.now_ms = now_ms
        self.suspicions = Suspicions()


class Runner:
    """See the module. `presented`: where the server is presented, if it is; `sync_s`: how often its lists are read."""

    def __init__(self, server: Server, ours: Shared, presented: Presented | None, *, sync_s: float, run: str) -> None:
        self.server = server
        self.presented = presented
        self.before: Runner | None = None
        """Which this one is to take over from."""
        self.synchronised_ms = 0
        """When the lists were last read; 0: not yet."""
        self._ours = ours
        self.sync_s = sync_s
        self._run_name = run
        self._runs = 0
        self._connection: Connection | None = None
        name = server.name
        self._sessions = Sessions(server, ours.http, ours.credentials, self._ask_callers)
        self._streams = UserStreams(self._on_user_notification, self._on_stream_over)
        self._log_gate = LogGate(name)
        self.updates = Updates(
            name,
            partial(ours.subscribers.wanted, name),
            partial(ours.subscribers.updated, name),
            hear=self._streams.open,
        )
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._muted = False
        self._old: Runner | None = None
        self._retiring: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and go on until `stop`."""
        if self.before is None:
            self._publish_state("connecting", "")
        self._task = asyncio.create_task(self._run())

    def sync_soon(self) -> None:
        """Read the lists anew, or connect anew, without waiting for the moment that is due."""
        self._wanted.set()

    async def stop(self) -> None:
        """End everything at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self._retiring is not None:
            self._retiring.cancel()
            await asyncio.wait((self._retiring,))
        for other in (self.before, self._old):
            if other is not None:
                await other.stop()
        await self._disconnect()

    async def retire(self) -> None:
        """Another has taken over: publish nothing more, and end when the calls under way have."""
        self._muted = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self.before is not None:
            await self.before.retire()
        running = None if self._connection is None else self._connection.running
        if running is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETIRE_S):
                    await running.shared.idle()
        await self._disconnect()
        self.before = self._old = None

    async def session(self, user: str, gone: str) -> SessionGiven:
        """A session to call the server in; `gone`: one that it does not know any more."""
        connection = self._connection
        if connection is None:
            entry = self._ours.catalogue.entry(self.server.name)
            return SessionGiven(error=(entry.reason if entry else "") or "the server is being connected to")
        if not isinstance(connection.peer, HttpPeer):
            assert connection.running is not None
            return SessionGiven(id=connection.running.session, version=connection.greeting.version)
        if user and self.server.per_user:
            given = await self._sessions.of_user(connection, user, gone)
            self._hear(user)
        else:
            user, given = "", await self._sessions.shared(connection, connection.peer, gone)
        if gone and given.id != gone and connection.greeting.era == "sessions":
            self.updates.renew(user)
        return given

    async def _peer_of(self, user: str, gone: str) -> Peer:
        """See `updates.PeerOf`."""
        connection = self._connection
        if connection is None:
            raise Unreachable("the server is being connected to")
        if not user:
            return connection.peer
        if connection.greeting.era == "stateless":
            return self._sessions.stateless_peer(connection, user)
        return await self._sessions.peer_of(connection, user, gone)

    # ---- its life

    async def _run(self) -> None:
        restarts = Restarts()
        while True:
            began_s = time.monotonic()
            self._wanted.clear()
            try:
                await self._once()
            except SessionEnded:
                pass  # another begins at once
            except _FAILURES as error:
                self._publish_state(_state_of(error), str(error))
            except Exception as error:  # noqa: BLE001 -- the root of this task: its state says that it failed, the log why
                log("error", "a bug, please report it", server=self.server.name, why=repr(error))
                self._publish_state("failed", "an internal error occurred in the gateway")
            await self._disconnect()
            pause_s = restarts.pause_s(time.monotonic() - began_s)
            # Not `wait_for`, which in Python 3.11 loses a cancellation that comes together with the result.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()

    async def _once(self) -> None:
        """Connect, and keep synchronised until the connection is lost."""
        self._runs += 1
        server = self.server
        run = f"{self._run_name}-{self._runs}"
        credentials = self._ours.credentials(server, "")
        connection = await connect(
            server, self._ours.http, credentials, run=run, on_notification=self._on_notification
        )
        if isinstance(connection.peer, HttpPeer):
            connection.peer.ask_callers = partial(self._ask_callers, "")
        self._connection = connection
        self._hear(*self._sessions.users[-STREAMS_MAX:])
        offered = await list_all(server.name, connection.peer, connection.greeting)
        if self.presented is not None and connection.running is not None:
            await self.presented.open()
            self.presented.run_by(connection.running)
        self._publish(connection, offered)
        if self.before is not None:
            self._old, self.before = self.before, None
            self._retiring = asyncio.create_task(self._old.retire())
        self.updates.begin(self._peer_of)
        watching = asyncio.create_task(self._watch(connection))
        try:
            await self._keep(connection)
        finally:
            watching.cancel()
            await asyncio.wait((watching,))

    async def _keep(self, connection: Connection) -> None:
        failures = 0
        while True:
            await asyncio.wait((connection.lost,), timeout=SPACING_S)
            wanted = asyncio.ensure_future(self._wanted.wait())
            await asyncio.wait((wanted, connection.lost), timeout=self.sync_s, return_when=asyncio.FIRST_COMPLETED)
            wanted.cancel()
            if connection.lost.done():
                raise Unreachable(connection.lost.result())
            self._wanted.clear()
            try:
                offered = await list_all(self.server.name, connection.peer, connection.greeting)
            except Unreachable as error:
                failures += 1
                if connection.running is None or failures >= FAILURES_MAX or connection.lost.done():
                    raise
                self._publish_state("unreachable", str(error))
                self._wanted.set()
            else:
                failures = 0
                self._publish(connection, offered)

    async def _watch(self, connection: Connection) -> None:
        """Have the server say when its lists change, as long as it does so at all."""
        peer = connection.peer
        if peer.is_stateless:
            asked = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
            params = request_params(peer, {"notifications": asked})
        else:
            params = None
            if isinstance(peer, HttpPeer) and not peer.session:
                return
        while True:
            try:
                await peer.watch(params, self._on_notification)
            except (Refused, Broken):
                return  # the interval remains
            except SessionEnded:
                self._wanted.set()  # either it was begun anew, or the lists find out
            except (Unreachable, Unauthorized):
                pass
            if not isinstance(peer, HttpPeer):
                return
            await asyncio.sleep(WATCH_AGAIN_S)

    def _on_notification(self, notification: Envelope) -> None:
        if str(notification.method).endswith(_LIST_CHANGED):
            self._wanted.set()
        else:
            self.updates.take("", notification)

    # ---- sessions of users

    def _hear(self, *users: str) -> None:
        for user in users:
            peer = self._sessions.known(user)
            if peer is not None:
                self._streams.open(user, peer)

    async def _ask_callers(self, user: str, session: str, request: Envelope) -> bool:
        asks = str(request.method).partition("/")[0]
        message = write_envelope(request)
        return await self._ours.outside.give(self.server.name, user, session, message, asks=asks)

    def _on_user_notification(self, user: str, notification: Envelope) -> None:
        if str(notification.method).endswith(_LIST_CHANGED):
            self._wanted.set()
        elif notification.method == LOGGED:
            message = write_envelope(notification)
            if self._log_gate.passes(message):
                self._ours.outside.log(self.server.name, user, message)
        else:
            self.updates.take(user, notification)

    def _on_stream_over(self, user: str, session: str, error: Exception | None) -> None:
        self.updates.lost(user, session, error)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self.updates.end()
        self._streams.end()
        if connection is None:
            return
        entry = self._ours.catalogue.entry(self.server.name)
        if self.presented is not None and not self._muted:
            self.presented.run_by(None, (entry.reason if entry else "") or "the server is being started")
        with contextlib.suppress(Unreachable, Unauthorized, Broken):
            await connection.stop()
            if connection.older is not None:
                await connection.older.end_session()

    # ---- what is published

    def _publish(self, connection: Connection, offered: Offered) -> None:
        try:
            checked = self._ours.pins.check(
                self.server.name,
                offered,
                self._ours.now_ms(),
                trusted=self.server.trusted,
                suspicion=self._ours.suspicions.of(self.server),
                quarantines=self.server.injections == "quarantine",
            )
        except StorageError as error:
            # Nothing can be said to be unchanged: what was published before stays.
            self._publish_state("failed", f"what it offers cannot be checked against what was approved: {error}")
            return
        self.synchronised_ms = self._ours.now_ms()
        entry = connection.greeting.entry(self.server.name)
        self._put(
            msgspec.structs.replace(
                entry,
                tools=checked.tools,
                resources=checked.resources,
                resource_templates=checked.templates,
                prompts=checked.prompts,
                ttl_ms=checked.ttl_ms,
                scope=checked.scope,
                endpoint=self._endpoint(presents=connection.running is not None),
            )
        )

    def _publish_state(self, state: State, reason: str) -> None:
        known = self._ours.catalogue.entry(self.server.name) or ServerEntry(name=self.server.name)
        # The path of the socket is another one in each life of the gateway.
        endpoint = self._endpoint(presents=known.endpoint.startswith("/") or self.server.transport == "sse")
        if not self._muted and self.before is None and reason and (known.state, known.reason) != (state, reason):
            log("warning", "an MCP server is not available", server=self.server.name, state=state, why=reason)
        self._put(msgspec.structs.replace(known, state=state, reason=reason[:REASON_CHARS_MAX], endpoint=endpoint))

    def _put(self, entry: ServerEntry) -> None:
        # While another serves, what fails here concerns nobody but the log.
        if not self._muted and (self.before is None or entry.state == "ready"):
            self._ours.catalogue.publish(entry)
        elif not self._muted and entry.reason:
            log("warning", "a changed MCP server is not available", server=entry.name, why=entry.reason)

    def _endpoint(self, *, presents: bool) -> str:
        if self.presented is not None and (presents or self.server.argv):
            return str(self.presented.path)
        return self.server.url or ""


def _state_of(error: Exception) -> State:
    if isinstance(error, Unauthorized):
        return "unauthorized"
    return "unreachable" if isinstance(error, Unreachable) else "failed"
