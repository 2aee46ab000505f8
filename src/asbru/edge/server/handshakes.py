"""TLS connections from the moment they are accepted: the loop's own server counts none before its handshake is over.

    accept --(there is room)--> handshake, HANDSHAKE_S at most --> a connection of the server
           --(there is none)--> closed

It refuses to know who is connected; the server says whether there is room.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from asbru.telemetry import log

HANDSHAKE_S = 10.0
ACCEPTED_AT_ONCE = 64
"""Connections accepted in one turn of the loop."""
PAUSE_S = 1.0
"""No descriptor is left: nothing is accepted for so long."""


class TlsListener:
    """Accepts on a bound socket. `shake(sock)` is called for each connection, which it takes over."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        shake: Callable[[socket.socket], None],
        backlog: int,
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._shake = shake
        self._pause: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        sock.listen(backlog)
        self._resume()

    def close(self) -> None:
        """Accept nothing any more."""
        if self._sock.fileno() < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log("error", "connections cannot be accepted; trying again in 1 s", why=error)
                self._loop.remove_reader(self._sock)
                self._pause = self._loop.call_later(PAUSE_S, self._resume)
                return
            sock.setblocking(False)
            self._shake(sock)


async def shake_hands(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, tls: ssl.SSLContext, protocol: asyncio.Protocol
) -> None:
    """Make an accepted socket a connection; what goes wrong is the caller's, who has gone."""
    try:
        await loop.connect_accepted_socket(lambda: protocol, sock, ssl=tls, ssl_handshake_timeout=HANDSHAKE_S)
    except (OSError, asyncio.CancelledError):  # ssl.SSLError is one
        sock.close()
