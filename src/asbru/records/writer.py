"""The worker's side of records: a bounded queue, packed every 10 ms and handed to the link.

    add -> rows --(timer, 10 ms)--> packed --> the link's batches, until the bookkeeper has committed them

A row is unique by its id and the bookkeeper ignores what it has; with the link's promise that makes each row written
exactly once. What can be lost is what the death of this process (kill -9) takes along: rows younger than one flush,
since older ones are in the kernel's hands or, while the bookkeeper is away, in the backlog of the link. The timer runs
only while rows wait. No thread, no Task, one write per flush.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asbru.link.batches import BACKLOG_BYTES_MAX
from asbru.records.row import TABLE, Row
from asbru.telemetry import Meter, log, names

if TYPE_CHECKING:
    import asyncio

    from asbru.link.link import Link

ROWS_MAX = 100_000
FLUSH_S = 0.01
"""How long a row waits. Short for the callers' sake: while the bookkeeper writes what came at once, it has a core that
calls would use, and 50 ms of rows were a third of their p99 at 5,000 a second."""
FLUSH_AGAIN_S = 0.005
BATCH_ROWS_MAX = 250
FLUSH_BATCHES_MAX = 4


class RecordWriter:
    """See the module. Connecting, and waiting for the last rows to be written, is the link's business."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        link: Link,
        *,
        meter: Meter | None = None,
        rows_max: int = ROWS_MAX,
        backlog_bytes_max: int = BACKLOG_BYTES_MAX,
    ) -> None:
        self.shed = 0
        """Rows given up: the queue was full, or they could not be packed."""
        self._call_later = loop.call_later
        self._batches = link.batches(TABLE, self._count_room, backlog_bytes_max=backlog_bytes_max)
        self._rows_max = rows_max
        self._encode = msgspec.msgpack.Encoder().encode
        # Rows, and how many of them there may be now.
        self._rows: list[Row] = []
        self._room = rows_max
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        if meter is not None:
            meter.gauge(names.RECORDS_QUEUED, lambda: self.queued)
            meter.count_by(names.RECORDS_SHED, lambda: self.shed)

    def add(self, row: Row) -> None:
        """Queue a row (`records.row`). Never waits and never raises; a full queue sheds it, counted in `shed`."""
        rows = self._rows
        if len(rows) >= self._room:
            self.shed += 1
            return
        rows.append(row)
        if self._timer is None:
            self._timer = self._call_later(FLUSH_S, self._flush)

    def close(self) -> None:
        """Pack what is queued; rows added from now on are shed. To be called before the link is closed."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._flush(batches_max=1 + len(self._rows) // BATCH_ROWS_MAX)

    @property
    def queued(self) -> int:
        """Rows that are not known to be written."""
        return len(self._rows) + self._batches.rows

    def _flush(self, batches_max: int = FLUSH_BATCHES_MAX) -> None:
        self._timer = None
        rows = self._rows
        for _ in range(batches_max):
            if not rows:
                break
            self._pack(rows[:BATCH_ROWS_MAX])
            del rows[:BATCH_ROWS_MAX]
        if rows:
            self._timer = self._call_later(FLUSH_AGAIN_S, self._flush)
        self._count_room()
        self._batches.flush()

    def _pack(self, rows: list[Row]) -> None:
        try:
            payload = self._encode(rows)
        except (TypeError, ValueError, OverflowError):
            rows = [row for row in rows if self._is_sound(row)]
            payload = self._encode(rows)
        if not rows:
            return
        if not self._batches.add(payload, len(rows)):
            self.shed += len(rows)

    def _is_sound(self, row: Row) -> bool:
        """Whether the row can be packed at all: one with a lone surrogate must not take 249 others along."""
        try:
            self._encode(row)
        except (TypeError, ValueError, OverflowError) as error:
            self.shed += 1
            log("error", "a record cannot be encoded and is lost", id=row[0] if row else "", why=error)
            return False
        return True

    def _count_room(self) -> None:
        self._room = 0 if self._closed else self._rows_max - self._batches.rows
