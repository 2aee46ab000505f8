"""Updates of the resources of one server, for as long as callers are subscribed: how the server is asked for them.

    era of sessions   resources/subscribe in the session that callers share, or in that of the user; updates come where
                      all its notifications come
    stateless era     subscriptions/listen with all that is wanted, anew where that changes: the stream before it is
                      ended once the server has acknowledged the new one

Updates that come fast are told once in SPACING_S: they say only that something has changed. Not here: who is subscribed
(`subscribers`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from asbru.app.tools.envelope import SUBSCRIPTION_ID, UPDATED, Envelope, members, without_meta
from asbru.app.tools.http_peer import HttpPeer
from asbru.app.tools.negotiate import request_params
from asbru.app.tools.peers import Broken, Peer, Refused, SessionEnded, Unauthorized, Unreachable
from asbru.telemetry import log

SUBSCRIBE_S: Final = 20.0
SPACING_S: Final = 0.05
UPDATES_MAX: Final = 10_000
"""Resources that are told of at once; a server that says more is not listened to for that moment."""
AGAIN_S: Final = 5.0
_URI_CHARS_MAX: Final = 4096
FAILURES = (Unreachable, Unauthorized, Broken, Refused, SessionEnded)

PeerOf = Callable[[str, str], Awaitable[Peer]]
"""The connection to ask in for a user ("": for all), and the session of it that is gone. Raises `Unreachable` where
there is none."""


class Updates:
    """See the module. `wanted` says which resources, by user; `on_updated(user, uri, params)` is told of each; `hear`
    opens the stream of a session of a user."""

    def __init__(
        self,
        server: str,
        wanted: Callable[[], Mapping[str, set[str]]],
        on_updated: Callable[[str, str, bytes], None],
        *,
        hear: Callable[[str, HttpPeer], None],
    ) -> None:
        self._hear = hear
        self._server = server
        self._wanted = wanted
        self._on_updated = on_updated
        self._peer_of: PeerOf | None = None
        self._asked: dict[str, set[str]] = {}
        """What the server was asked for, in the present sessions."""
        self._gone: dict[str, str] = {}
        self._had_begun = False
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._updated: dict[tuple[str, str], bytes] = {}
        self._telling: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, peer_of: PeerOf) -> None:
        """The server is connected to: it is asked for all that is wanted. What changed while it was not, nobody can
        say: so everybody looks again."""
        self._peer_of = peer_of
        self._asked.clear()
        wanted = self._wanted()
        self.bring_soon(*wanted)
        if self._had_begun:
            for user, uri in ((user, uri) for user, uris in wanted.items() for uri in uris):
                self._on_updated(user, uri, msgspec.json.encode({"uri": uri}))
        self._had_begun = True

    def end(self) -> None:
        """The connection is gone."""
        self._peer_of = None
        for task in (*self._watching.values(), *self._tasks):
            task.cancel()
        self._watching.clear()

    def renew(self, user: str) -> None:
        """Another session has taken the place of the one of a user."""
        self._asked.pop(user, None)
        self._stop_watching(user)
        self.bring_soon(user)

    def bring_soon(self, *users: str) -> None:
        """Ask the server for what is wanted now; what fails is in the log."""
        for user in users:
            task = asyncio.create_task(self._bring_quietly(user))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _bring_quietly(self, user: str) -> None:
        try:
            await self.bring(user)
        except FAILURES as error:
            log("warning", "an MCP server does not report updates of resources", server=self._server, why=error)

    def lost(self, user: str, session: str, error: Exception | None) -> None:
        """The stream of a session of a user is over: the session is, or, for an error, the server has no streams."""
        if error is None:
            self._gone[user] = session
            self.renew(user)
        elif self._wanted().get(user):
            log("warning", "an MCP server does not report updates of resources", server=self._server, why=error)

    async def bring(self, user: str, asked_for: str = "") -> None:
        """Ask the server for what is wanted now. Raises where it cannot be asked, or refuses `asked_for`."""
        async with self._turn:
            wanted = self._wanted().get(user, set())
            asked = self._asked.setdefault(user, set())
            if wanted == asked or self._peer_of is None:
                return
            peer = await self._peer_of(user, self._gone.pop(user, ""))
            if peer.is_stateless:
                self._listen(user, peer, wanted)
                self._asked[user] = set(wanted)
                return
            if user and isinstance(peer, HttpPeer):
                self._hear(user, peer)
            for uri in asked - wanted:
                asked.discard(uri)
                with contextlib.suppress(Broken, Refused):  # what it still tells concerns nobody
                    await peer.ask("resources/unsubscribe", msgspec.json.encode({"uri": uri}), SUBSCRIBE_S)
            for uri in wanted - asked:
                try:
                    await peer.ask("resources/subscribe", msgspec.json.encode({"uri": uri}), SUBSCRIBE_S)
                    asked.add(uri)
                except (Broken, Refused):
                    if uri == asked_for:
                        raise

    def take(self, user: str, notification: Envelope) -> None:
        """A notification of the server; those that are about no resource are passed over."""
        if notification.method != UPDATED:
            return
        try:
            uri = msgspec.json.decode(members(notification.params).get("uri", b""), type=str)
        except ValueError:
            return
        if len(uri) > _URI_CHARS_MAX or notification.params is UNSET or len(self._updated) >= UPDATES_MAX:
            return
        self._updated[user, uri] = bytes(without_meta(notification.params, SUBSCRIPTION_ID))
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(SPACING_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        updated, self._updated = self._updated, {}
        for (user, uri), params in updated.items():
            self._on_updated(user, uri, params)

    def _listen(self, user: str, peer: Peer, wanted: set[str]) -> None:
        before = self._watching.pop(user, None)
        if not wanted:
            if before is not None:
                before.cancel()
            return
        params = request_params(peer, {"notifications": {"resourceSubscriptions": sorted(wanted)}})
        self._watching[user] = asyncio.create_task(self._watch(user, peer, params, before))

    async def _watch(
        self, user: str, peer: Peer, params: bytes | None, before: asyncio.Task[None] | None = None
    ) -> None:
        """Hear what the server says outside of calls; until another one does, `before` does so too."""
        if before is not None and not isinstance(peer, HttpPeer):
            before.cancel()  # on a connection that is shared all is heard at another place

        def heard(notification: Envelope) -> None:
            if before is not None:
                before.cancel()
            self.take(user, notification)

        try:
            while True:
                with contextlib.suppress(Unreachable, Unauthorized):
                    await peer.watch(params, heard)
                if not isinstance(peer, HttpPeer):
                    return
                await asyncio.sleep(AGAIN_S)
        except (SessionEnded, Refused, Broken) as error:
            log("warning", "an MCP server does not report updates of resources", server=self._server, why=error)
        finally:
            if before is not None:
                before.cancel()

    def _stop_watching(self, user: str) -> None:
        task = self._watching.pop(user, None)
        if task is not None:
            task.cancel()
