"""The streams of a server that is `per_user` on which it speaks outside of calls: the GET of each user's session, open
as long as the session is known.

    opened -> heard -> cut: opened again after AGAIN_S
                    -> the session is not known any more, or another has taken its place: over
                    -> refused: the server has no such streams; not tried again for this session

What is heard belongs to the one user whose session it is. Not here: who is asked (`outside`), and what updates of
resources mean (`updates`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from asbru.app.tools.envelope import Envelope
from asbru.app.tools.http_peer import HttpPeer
from asbru.app.tools.peers import Broken, Refused, SessionEnded, Unauthorized, Unreachable
from asbru.telemetry import log

STREAMS_MAX: Final = 1000
"""Of one server; the one that has been open longest is closed for one more."""
AGAIN_S: Final = 5.0
LOGS_MAX: Final = 100
"""Log messages of one server that are passed on in one second; more are dropped."""
LOG_BYTES_MAX: Final = 64 * 1024


class UserStreams:
    """See the module. `on_notification(user, notification)`; `on_over(user, session, error)`: a stream has ended for
    good, because its session has (no error) or because the server has no such streams."""

    def __init__(
        self,
        on_notification: Callable[[str, Envelope], None],
        on_over: Callable[[str, str, Exception | None], None],
    ) -> None:
        self._on_notification = on_notification
        self._on_over = on_over
        self._open: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def open(self, user: str, peer: HttpPeer) -> None:
        """Hear what the server says in the session of a user; harmless for one that is heard, or was refused."""
        known = self._open.get(user)
        if not peer.session or (known is not None and known[0] == peer.session):
            return
        self.close(user)
        if len(self._open) >= STREAMS_MAX:
            self.close(next(iter(self._open)))
        self._open[user] = peer.session, asyncio.create_task(self._hear(user, peer, peer.session))

    def close(self, user: str) -> None:
        """Hear no more of a user."""
        known = self._open.pop(user, None)
        if known is not None:
            known[1].cancel()

    def end(self) -> None:
        """Hear no more of anybody."""
        for user in tuple(self._open):
            self.close(user)

    async def _hear(self, user: str, peer: HttpPeer, session: str) -> None:
        def heard(notification: Envelope) -> None:
            self._on_notification(user, notification)

        try:
            while True:
                with contextlib.suppress(Unreachable, Unauthorized):
                    await peer.watch(None, heard)
                await asyncio.sleep(AGAIN_S)
        except SessionEnded:
            if self._open.get(user, ("",))[0] == session:
                del self._open[user]
            self._on_over(user, session, None)
        except (Refused, Broken) as error:
            self._on_over(user, session, error)


class LogGate:
    """How many log messages of a server pass: what is more in one second is dropped, and said once."""

    def __init__(self, server: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._second = 0
        self._passed = 0
        self._told = False

    def passes(self, message: bytes) -> bool:
        """Whether this one does."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._passed = second, 0
        self._passed += 1
        fits = self._passed <= LOGS_MAX and len(message) <= LOG_BYTES_MAX
        if not fits and not self._told:
            self._told = True
            log("warning", "an MCP server logs too much; what is too much is dropped", server=self._server)
        return fits
