"""The bookkeeper's side of the live tail: who follows, and what they are sent. Without followers it costs nothing.

It knows neither filters nor clients: a follower is a process, and is sent every batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from asbru.link.frames import PUSH, write_frame
from asbru.link.peers import Peer

FOLLOW: Final = "records.follow"
"""The message of a process that wants what is written for FOLLOW_S from now on."""
WRITTEN: Final = "records.written"
"""Pushed: a batch of records, as it was committed. After a resend, some may have been pushed before."""
MISSED: Final = "records.missed"
"""Pushed before the next batch where some were left out."""
FOLLOW_S: Final = 15.0
WAITING_BYTES_MAX: Final = 4 * 1024 * 1024
"""What may wait for a follower; batches beyond it are left out."""


class Followers:
    """See the module."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until_s: dict[Peer, float] = {}
        self._missed: set[Peer] = set()

    def follow(self, peer: Peer, _: bytes) -> None:
        """Listens to FOLLOW."""
        self._until_s[peer] = self._clock() + FOLLOW_S

    def part(self, incarnation: str) -> None:
        """A process is gone."""
        for peer in [peer for peer in self._until_s if peer.incarnation == incarnation]:
            self._leave(peer)

    def tell(self, batches: Sequence[bytes]) -> None:
        """Batches that were committed."""
        if not self._until_s:
            return
        now_s = self._clock()
        for peer, until_s in list(self._until_s.items()):
            if until_s < now_s or peer.connection.fileno() < 0:
                self._leave(peer)
                continue
            for batch in batches:
                self._send(peer, batch)

    def _send(self, peer: Peer, batch: bytes) -> None:
        if peer.waiting_bytes + len(batch) > WAITING_BYTES_MAX:
            self._missed.add(peer)
            return
        if peer in self._missed:
            self._missed.discard(peer)
            peer.send(write_frame(PUSH, 0, MISSED))
        peer.send(write_frame(PUSH, 0, WRITTEN, batch))

    def _leave(self, peer: Peer) -> None:
        self._until_s.pop(peer, None)
        self._missed.discard(peer)
