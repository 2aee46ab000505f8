"""The bookkeeper's part in messages for streams of other workers: it passes each on to the one worker that has the
stream, and what that worker says of it back to who asked.

    the worker is connected                  it is asked, and answers
    it is not, or goes before it answers     the stream is gone: a worker that comes back is another incarnation

Workers that the bookkeeper has not met in its first SETTLING_S may be on their way to it: then nothing is said.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from asbru.app.lean import msgspec
from asbru.link.frames import PUSH, write_frame
from asbru.mcp.servers.delivery import DELIVERED_SUBJECT, Deliver, Delivered, Delivery, Taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from asbru.link.peers import Peer, Question

WAITING_MAX: Final = 10_000
SETTLING_S: Final = 5.0
"""After a start of the bookkeeper; more than workers wait before they connect again."""


class Deliveries:
    """See the module. `peer_of` finds the connection of a worker by its incarnation."""

    def __init__(self, peer_of: Callable[[str], Peer | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._peer_of = peer_of
        self._clock = clock
        self._began_s = clock()
        self._number = 0
        self._waiting: dict[int, tuple[str, Question]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._read = msgspec.msgpack.Decoder(Deliver).decode
        self._read_taken = msgspec.msgpack.Decoder(Taken).decode

    def ask(self, question: Question) -> bytes | None:
        """Pass a message on; what came of it is replied later. Raises ValueError for what cannot be read."""
        message = self._read(question.payload)
        peer = self._peer_of(message.worker)
        if peer is None:
            known = self._clock() - self._began_s >= SETTLING_S
            return (Delivery.GONE if known else Delivery.AWAY).value
        if len(self._waiting) >= WAITING_MAX:
            return Delivery.AWAY.value
        self._number += 1
        self._waiting[self._number] = message.worker, question
        told = Delivered(self._number, message.token, message.data, message.until_s)
        peer.send(write_frame(PUSH, 0, DELIVERED_SUBJECT, self._encode(told)))
        return None

    def take_taken(self, _: Peer, payload: bytes) -> None:
        """What a worker says of a message. Raises ValueError for what cannot be read."""
        taken = self._read_taken(payload)
        waiting = self._waiting.pop(taken.number, None)
        if waiting is not None:
            waiting[1].reply(taken.result)

    def part(self, incarnation: str) -> None:
        """A worker is gone, with its streams and its questions."""
        for number, (worker, question) in tuple(self._waiting.items()):
            if worker == incarnation:
                question.reply(Delivery.GONE.value)
            if incarnation in (worker, question.peer.incarnation):
                del self._waiting[number]
