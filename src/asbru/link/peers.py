"""One connection of the bookkeeper to a worker: frames in, frames out, and what is owed.

A worker that reads nothing is hung up on once OUTBOX_BYTES_MAX wait for it: it will connect again and be told anew,
where one message left out in silence would leave it with a wrong picture.
"""

from __future__ import annotations

import selectors
import socket

from asbru.link.frames import REFUSED, REPLY, Frame, FrameReader, write_frame
from asbru.telemetry import log

RECV_BYTES = 256 * 1024
OUTBOX_BYTES_MAX = 64 * 1024 * 1024


class Peer:
    """`owed` are the tables with batches that are not acknowledged yet, and the newest number of each. `incarnation`
    is "" until the worker has said who it is."""

    __slots__ = ("_outbox", "_reader", "_selector", "connection", "incarnation", "owed")

    def __init__(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        self.connection = connection
        self.incarnation = ""
        self.owed: dict[str, int] = {}
        self._selector = selector
        self._reader = FrameReader()
        self._outbox = bytearray()

    def receive(self) -> list[Frame] | None:
        """The frames that came; None when the worker has hung up. Raises FrameError."""
        try:
            data = self.connection.recv(RECV_BYTES)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            return None
        return self._reader.feed(data) if data else None

    def send(self, frame: bytes) -> None:
        """Send, now or when the worker reads; nothing to one that has hung up."""
        if self.connection.fileno() < 0:
            return
        if len(self._outbox) + len(frame) > OUTBOX_BYTES_MAX:
            log("error", "a worker does not read its connection; closing it", worker=self.incarnation)
            self._hang_up()
            return
        was_empty = not self._outbox
        self._outbox += frame
        if was_empty:
            self.flush()

    @property
    def waiting_bytes(self) -> int:
        """What the worker has not read yet."""
        return len(self._outbox)

    def flush(self) -> None:
        """Write what waits, as much as the socket takes."""
        try:
            sent = self.connection.send(self._outbox)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            # Its end of file is read in the next turn, after what it sent before.
            self._outbox.clear()
            sent = 0
        del self._outbox[:sent]
        self._select()

    def _hang_up(self) -> None:
        """What it sent before is still read, and then an end of file."""
        self._outbox.clear()
        self._select()
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was faster

    def _select(self) -> None:
        key = self._selector.get_key(self.connection)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox else 0)
        if key.events != wanted:
            self._selector.modify(self.connection, wanted, key.data)


class Question:
    """What a worker asks. It is answered by what its handler returns or, where that is None, by `reply` later; a
    worker that has waited for its deadline takes no answer any more."""

    __slots__ = ("_number", "payload", "peer")

    def __init__(self, peer: Peer, number: int, payload: bytes) -> None:
        self.peer = peer
        self.payload = payload
        self._number = number

    def reply(self, answer: bytes) -> None:
        """Answer; once."""
        self.peer.send(write_frame(REPLY, self._number, payload=answer))

    def refuse(self) -> None:
        """Say that there will be no answer."""
        self.peer.send(write_frame(REFUSED, self._number))
