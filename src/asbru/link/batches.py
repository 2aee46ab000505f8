"""Batches for one table of the bookkeeper: numbered, sent in order, kept until they are acknowledged.

    add -> unsent --(in the window)--> unacknowledged --(ACK after commit)--> forgotten
             ^                               |
             '--------- disconnected --------'

What is not acknowledged is sent again on every new connection, so a batch arrives at least once while this process
lives; a table that recognises what it has makes that exactly once. Each table has numbers and a window of its own: one
whose disk refuses writes holds up no other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from asbru.link.frames import BATCH, write_frame

BACKLOG_BYTES_MAX = 64 * 1024 * 1024
WINDOW_BYTES_MAX = 2 * 1024 * 1024
"""Bytes sent and not acknowledged; what bounds the bookkeeper's memory while its disk refuses writes."""


class _Batch(NamedTuple):
    number: int
    rows: int
    frame: bytes


class Batches:
    """See the module. Made by `Link.batches`; the second half is the link's to call."""

    def __init__(
        self,
        table: str,
        pump: Callable[[], None],
        on_acknowledged: Callable[[], None] | None,
        *,
        backlog_bytes_max: int,
    ) -> None:
        self.table = table
        self.rows = 0
        """Rows that are not acknowledged."""
        self._on_acknowledged = on_acknowledged
        self._pump = pump
        self._backlog_bytes_max = backlog_bytes_max
        # In order, the sent ones first.
        self._unacknowledged: deque[_Batch] = deque()
        self._unsent: deque[_Batch] = deque()
        self._backlog_bytes = 0
        self._window_bytes = 0
        self._number = 0

    def add(self, payload: bytes, rows: int) -> bool:
        """Take a packed batch along; it leaves with the next `flush`, or as soon as it can after that. False when the
        backlog would exceed its bytes: the batch is not taken."""
        if self._backlog_bytes + len(payload) > self._backlog_bytes_max:
            return False
        self._number += 1
        frame = write_frame(BATCH, self._number, self.table, payload)
        self._unsent.append(_Batch(self._number, rows, frame))
        self.rows += rows
        self._backlog_bytes += len(frame)
        return True

    def flush(self) -> None:
        """Send what was added, in one write."""
        self._pump()

    @property
    def room(self) -> int:
        """Bytes that the backlog still takes."""
        return self._backlog_bytes_max - self._backlog_bytes

    # For the link

    def next_frame(self) -> bytes | None:
        """The next frame to send, which now waits for its acknowledgement; None when the window is full or nothing is
        left."""
        if not self._unsent or self._window_bytes >= WINDOW_BYTES_MAX:
            return None
        batch = self._unsent.popleft()
        self._unacknowledged.append(batch)
        self._window_bytes += len(batch.frame)
        return batch.frame

    def acknowledge(self, number: int) -> None:
        """The bookkeeper has committed this batch and all before it."""
        sent = self._unacknowledged
        while sent and sent[0].number <= number:
            batch = sent.popleft()
            self.rows -= batch.rows
            self._backlog_bytes -= len(batch.frame)
            self._window_bytes -= len(batch.frame)
        if self._on_acknowledged is not None:
            self._on_acknowledged()

    def rewind(self) -> None:
        """The connection is gone: send again what it had not confirmed."""
        self._unsent.extendleft(reversed(self._unacknowledged))
        self._unacknowledged.clear()
        self._window_bytes = 0
