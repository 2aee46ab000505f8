"""Sessions of one streamable HTTP server of the older era: the one in which its lists are read, which all callers
share, and one for each user of a server that is `per_user`.

A session is begun anew when somebody says that the server does not know it any more, once, however many say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from asbru.app.tools.connecting import Connection
from asbru.app.tools.http import Http, reach_of
from asbru.app.tools.http_peer import Credentials, HttpPeer
from asbru.app.tools.negotiate import ANSWER_S, initialize, negotiate
from asbru.app.tools.peers import Broken, Refused, SessionEnded, Unauthorized, Unreachable
from asbru.mcp.servers import Server, SessionGiven

SESSIONS_MAX: Final = 10_000
"""Of users; the oldest is forgotten for one more, and begun anew when it is needed."""
_FAILURES = (Unreachable, Unauthorized, Broken, Refused, SessionEnded)


class Sessions:
    """See the module."""

    def __init__(self, server: Server, http: Http, credentials: Callable[[Server, str], Credentials]) -> None:
        self._server = server
        self._http = http
        self._credentials = credentials
        self._peers: dict[str, HttpPeer] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def shared(self, connection: Connection, peer: HttpPeer, gone: str) -> SessionGiven:
        """The session of the connection, begun anew where it is the one that is `gone`."""
        async with self._turn(""):
            if gone and peer.session == gone:
                try:
                    peer.session = ""
                    if peer is connection.older:
                        await initialize(peer, ANSWER_S)
                    else:
                        connection.greeting = await negotiate(peer)
                except _FAILURES as error:
                    return SessionGiven(error=str(error))
        return SessionGiven(id=peer.session, version=peer.version)

    async def of_user(self, connection: Connection, user: str, gone: str) -> SessionGiven:
        """The session of a user, begun with the credential of that user."""
        async with self._turn(user):
            peer = self._peers.get(user)
            if peer is None or (gone and peer.session == gone):
                peer = HttpPeer(
                    self._http, reach_of(self._server), self._server.url or "", self._credentials(self._server, user)
                )
                try:
                    await (negotiate(peer) if connection.older is None else initialize(peer, ANSWER_S))
                except _FAILURES as error:
                    return SessionGiven(error=str(error))
                if len(self._peers) >= SESSIONS_MAX:
                    del self._peers[next(iter(self._peers))]
                self._peers[user] = peer
        return SessionGiven(id=peer.session, version=peer.version)

    def _turn(self, user: str) -> asyncio.Lock:
        """One greeting at a time for each user: none waits for that of another."""
        if len(self._turns) > SESSIONS_MAX:
            self._turns = {whose: lock for whose, lock in self._turns.items() if lock.locked()}
        return self._turns.setdefault(user, asyncio.Lock())
