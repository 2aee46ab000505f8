"""The bookkeeper's side of records: batches into the table, whatever the disk says.

    keep(batch) -> held --commit()--> one transaction with all that is held --> the caller acknowledges
                     ^                      |
                     '---- disk full, database locked: held, tried again after a pause (0.25 s doubling to 5 s)

A batch stays packed until it is written, so holding it costs its bytes and no more. What goes over `held_bytes_max`,
and rows that can never be written, are given up, counted and logged; nothing here raises. No socket, no clock of its
own.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from asbru.records.row import ROW_WIDTH
from asbru.storage import Database, NewerSchema, RowError, StorageError, open_database
from asbru.telemetry import log

HELD_BYTES_MAX = 32 * 1024 * 1024
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 5.0

# Short, and columns by their order: apsw looks its text up in a cache once per row, at a sixth of a row's cost.
_INSERT = f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 -- only marks


class RecordStore:
    """See the module. `written`, `dropped` and `failures` count since the start."""

    def __init__(self, url: str, *, held_bytes_max: int = HELD_BYTES_MAX) -> None:
        self.written = 0
        self.dropped = 0
        self.failures = 0
        self.held_bytes = 0
        self.retry_at_s: float | None = None
        """When `commit` will try again (on the caller's clock); None while all is well."""
        self._url = url
        self._held_bytes_max = held_bytes_max
        self._held: deque[bytes] = deque()
        # Lists, not tuples: the decoder makes them faster, and SQLite takes either.
        self._decode = msgspec.msgpack.Decoder(list[list[Any]]).decode
        self._database: Database | None = None
        self._retry_s = RETRY_FIRST_S
        self._dropping = False

    def open(self) -> None:
        """Open the database if it can be opened now. Raises NewerSchema: nothing will mend that."""
        try:
            self._connect()
        except (StorageError, OSError) as error:
            log("error", "the database cannot be opened; records are kept in memory", why=_why(error))
            self._disconnect()

    def close(self) -> None:
        """Close the database; what is still held is given up."""
        while self._held:
            self._give_up(self._held.popleft(), "the disk refuses writes while the bookkeeper stops")
        self.held_bytes = 0
        self._disconnect()

    def keep(self, batch: bytes) -> None:
        """Hold a batch (a packed list of rows) until the next commit."""
        if self.held_bytes + len(batch) > self._held_bytes_max:
            self._give_up(batch, "the memory limit for records was reached while the disk refuses writes")
            return
        self._held.append(batch)
        self.held_bytes += len(batch)

    def commit(self, now_s: float) -> bool:
        """Write all that is held, unless it is too early to try again. True when nothing is held any more."""
        if not self._held:
            return True
        if self.retry_at_s is not None and now_s < self.retry_at_s:
            return False
        try:
            written, unwritable = self._write()
        except (StorageError, OSError, MemoryError, NewerSchema) as error:
            self._fail(now_s, error)
            return False
        self.written += written
        self.dropped += unwritable
        self._held.clear()
        self.held_bytes = 0
        if self.retry_at_s is not None:
            log("info", "records can be written again", rows=written)
            self.retry_at_s = None
            self._retry_s = RETRY_FIRST_S
            self._dropping = False
        return True

    def _write(self) -> tuple[int, int]:
        """One transaction; returns the rows written and the rows that never can be. A row that is there already
        counts as neither."""
        database = self._connect()
        before = database.total_changes
        unwritable = 0
        with database.transaction():
            for batch in self._held:
                unwritable += self._insert(database, batch)
        return database.total_changes - before, unwritable

    def _insert(self, database: Database, batch: bytes) -> int:
        """Insert a batch; returns how many of its rows cannot be written."""
        try:
            rows = self._decode(batch)
        except (msgspec.MsgspecError, ValueError) as error:
            log("error", "a batch of records is unreadable", bytes=len(batch), why=error)
            return 1
        try:
            database.run_many(_INSERT, rows)
            return 0
        except RowError as error:
            why = _why(error)
        # Row by row: those already in are ignored, and the ones to blame are found.
        unwritable = [row[:1] for row in rows if not _insert_one(database, row)]
        log("error", "records cannot be written", rows=len(unwritable), first=unwritable[:1], why=why)
        return len(unwritable)

    def _connect(self) -> Database:
        if self._database is None:
            self._database = open_database(self._url)
        return self._database

    def _disconnect(self) -> None:
        """Close; a new connection is made by the next commit, since a failed disk may leave an old one useless."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _fail(self, now_s: float, error: Exception) -> None:
        self.failures += 1
        if self.retry_at_s is None:
            log("error", "records cannot be written; they are kept in memory", why=_why(error))
        self._disconnect()
        self.retry_at_s = now_s + self._retry_s
        self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)

    def _give_up(self, batch: bytes, why: str) -> None:
        try:
            self.dropped += len(self._decode(batch))
        except (msgspec.MsgspecError, ValueError):
            self.dropped += 1
        if not self._dropping:
            self._dropping = True
            log("error", "records were dropped", why=why)


def _insert_one(database: Database, row: list[Any]) -> bool:
    try:
        database.run(_INSERT, row)
    except RowError:
        return False
    return True


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
