"""Sessions of one streamable HTTP server of the older era: the one in which its lists are read, which all callers
share, and one for each user of a server that is `per_user`.

A server of the stateless era may have sessions as well, for callers that have one: only in one can it ask them anything
while it works, or tell them its log. It is begun when the first of them calls; a server that has none refuses.

A session is begun anew when somebody says that the server does not know it any more, once, however many say so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from asbru.app.tools.connecting import Connection
from asbru.app.tools.envelope import Envelope
from asbru.app.tools.http import Http, reach_of
from asbru.app.tools.http_peer import Credentials, HttpPeer
from asbru.app.tools.negotiate import initialize, negotiate
from asbru.app.tools.peers import Broken, Refused, SessionEnded, Unauthorized, Unreachable
from asbru.mcp.servers import Server, SessionGiven

SESSION_S: Final = 10.0
"""How long a server that speaks the stateless era may take to begin a session."""
SESSIONS_MAX: Final = 10_000
"""Of users; the oldest is forgotten for one more, and begun anew when it is needed."""
AskCallers = Callable[[str, str, Envelope], Awaitable[bool]]
"""See `http_peer.AskCallers`; the first is the user whose session it is, "" for all."""
_FAILURES = (Unreachable, Unauthorized, Broken, Refused, SessionEnded)


class Sessions:
    """See the module."""

    def __init__(
        self, server: Server, http: Http, credentials: Callable[[Server, str], Credentials], ask_callers: AskCallers
    ) -> None:
        self._server = server
        self._http = http
        self._credentials = credentials
        self._ask_callers = ask_callers
        self._peers: dict[str, HttpPeer] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def shared(self, connection: Connection, peer: HttpPeer, gone: str) -> SessionGiven:
        """The session of the connection, begun anew where it is the one that is `gone`."""
        async with self._turn(""):
            try:
                if connection.greeting.era == "stateless":
                    peer = await self._older(connection, gone)
                elif gone and peer.session == gone:
                    peer.session = ""
                    connection.greeting = await negotiate(peer)
            except _FAILURES as error:
                return SessionGiven(error=str(error))
        return SessionGiven(id=peer.session, version=peer.version)

    async def _older(self, connection: Connection, gone: str) -> HttpPeer:
        """The session of a server of the stateless era; `session` is "" where it has none."""
        peer = connection.older
        if peer is None or (gone and peer.session == gone):
            peer = self._peer("")
            await _begin(peer)
            connection.older = peer
        return peer

    async def of_user(self, connection: Connection, user: str, gone: str) -> SessionGiven:
        """The session of a user."""
        try:
            peer = await self.peer_of(connection, user, gone)
        except _FAILURES as error:
            return SessionGiven(error=str(error))
        return SessionGiven(id=peer.session, version=peer.version)

    @property
    def users(self) -> list[str]:
        """Those that have sessions, the newest last."""
        return list(self._peers)

    def known(self, user: str) -> HttpPeer | None:
        """The session of a user; None where it has none."""
        return self._peers.get(user)

    async def peer_of(self, connection: Connection, user: str, gone: str) -> HttpPeer:
        """The session of a user, begun with the credential of that user. Raises what asking the server does."""
        async with self._turn(user):
            peer = self._peers.get(user)
            if peer is None or (gone and peer.session == gone):
                peer = self._peer(user)
                await (_begin(peer) if connection.greeting.era == "stateless" else negotiate(peer))
                if len(self._peers) >= SESSIONS_MAX:
                    del self._peers[next(iter(self._peers))]
                self._peers[user] = peer
        return peer

    def stateless_peer(self, connection: Connection, user: str) -> HttpPeer:
        """A server of the stateless era as it is asked for a user."""
        peer = self._peer(user)
        peer.version, peer.is_stateless = connection.greeting.version, True
        return peer

    def _peer(self, user: str) -> HttpPeer:
        server = self._server
        peer = HttpPeer(self._http, reach_of(server), server.url or "", self._credentials(server, user))
        peer.ask_callers, peer.is_of_user = partial(self._ask_callers, user), bool(user)
        return peer

    def _turn(self, user: str) -> asyncio.Lock:
        """One greeting at a time for each user: none waits for that of another."""
        if len(self._turns) > SESSIONS_MAX:
            self._turns = {whose: lock for whose, lock in self._turns.items() if lock.locked()}
        return self._turns.setdefault(user, asyncio.Lock())


async def _begin(peer: HttpPeer) -> None:
    """Begin a session, if the server has any. Raises `Unauthorized`, `Unreachable`."""
    with contextlib.suppress(Broken, Refused, SessionEnded):
        await initialize(peer, SESSION_S)
