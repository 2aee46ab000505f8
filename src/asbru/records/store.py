"""The bookkeeper's side of records: batches into the table, whatever the disk says.

    keep(batch) -> held --commit()--> one transaction with all that is held --> the caller acknowledges
                     ^                      |
                     '---- disk full, database locked: held, tried again after a pause (0.25 s doubling to 5 s)

A batch stays packed until it is written, so holding it costs its bytes and no more. What goes over `held_bytes_max`,
and rows that can never be written, are given up, counted and logged; nothing here raises. What rows add to spend and to
the sums by time is noted (`rollups.facts`) in the transaction that writes them, once, however often they come. No
socket, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from asbru.records.rollups import facts
from asbru.records.row import ROW_WIDTH
from asbru.records.sessions import add as sessions
from asbru.storage import DamagedError, Database, NewerSchema, RowError, StorageError, set_aside
from asbru.storage.reopening import Reopened
from asbru.telemetry import log

HELD_BYTES_MAX = 32 * 1024 * 1024
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 5.0
PAUSE_S = 0.02
"""Between two transactions, so that many calls share the cost of one. Workers keep rows until they are written."""

# Short, and columns by their order: apsw looks its text up in a cache once per row, at a sixth of a row's cost.
_INSERT = f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 -- only marks


_Insert: TypeAlias = Callable[[Database, list[list[Any]]], tuple[list[list[Any]], list[list[Any]], str]]
"""The rows that are new, the ids of those that cannot be written, and why the first cannot."""


class _NotAllNew(Exception):
    """Of rows that were inserted together some were there already, or cannot be written: it is not known which."""


class RecordStore:
    """See the module. `written`, `dropped` and `failures` count since the start. `on_written` is told the batches that
    were committed, packed as they came; rows that were there before may be among them. `pause_s`: between two
    transactions."""

    def __init__(
        self,
        url: str,
        *,
        held_bytes_max: int = HELD_BYTES_MAX,
        pause_s: float = 0.0,
        on_written: Callable[[list[bytes]], None] | None = None,
    ) -> None:
        self.written = 0
        self.dropped = 0
        self.failures = 0
        self.held_bytes = 0
        self._url = url
        self._held_bytes_max = held_bytes_max
        self._pause_s = pause_s
        self._next_s = 0.0
        self._held: deque[bytes] = deque()
        # Lists, not tuples: the decoder makes them faster, and SQLite takes either.
        self._decode = msgspec.msgpack.Decoder(list[list[Any]]).decode
        self._database = Reopened(url, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        self._dropping = False
        self._on_written = on_written

    @property
    def retry_at_s(self) -> float | None:
        """When `commit` will write what is held (on the caller's clock); None where nothing is."""
        if self._database.retry_at_s is not None:
            return self._database.retry_at_s
        return self._next_s if self._held else None

    def open(self) -> None:
        """Open the database if it can be opened now. Raises NewerSchema: nothing will mend that."""
        try:
            self._database.connect()
        except (StorageError, OSError) as error:
            log("error", "the database cannot be opened; records are kept in memory", why=_why(error))
            self._database.close()

    def close(self) -> None:
        """Close the database; what is still held is given up."""
        while self._held:
            self._give_up(self._held.popleft(), "the disk refuses writes while the bookkeeper stops")
        self.held_bytes = 0
        self._database.close()

    def keep(self, batch: bytes) -> None:
        """Hold a batch (a packed list of rows) until the next commit."""
        if self.held_bytes + len(batch) > self._held_bytes_max:
            self._give_up(batch, "the memory limit for records was reached while the disk refuses writes")
            return
        self._held.append(batch)
        self.held_bytes += len(batch)

    def commit(self, now_s: float) -> bool:
        """Write all that is held, unless it is too early. True when nothing is held any more."""
        if not self._held:
            return True
        if now_s < self._next_s or self._database.waits(now_s):
            return False
        try:
            written, unwritable = self._write()
        except (StorageError, OSError, MemoryError, NewerSchema) as error:
            self._fail(now_s, error)
            return False
        self.written += written
        self.dropped += unwritable
        if self._on_written is not None:
            self._on_written(list(self._held))
        self._held.clear()
        self.held_bytes = 0
        self._next_s = now_s + self._pause_s
        if self._database.succeed():
            log("info", "records can be written again", rows=written)
            self._dropping = False
        return True

    def _write(self) -> tuple[int, int]:
        """One transaction; returns the rows written and the rows that never can be. A row that is there already
        counts as neither."""
        try:
            return self._write_all(_insert_together)
        except _NotAllNew:
            return self._write_all(_insert_one_by_one)

    def _write_all(self, insert: _Insert) -> tuple[int, int]:
        database = self._database.connect()
        written = unwritable = 0
        with database.transaction():
            for batch in self._held:
                new, bad = self._insert(database, batch, insert)
                facts.add_records(database, new)
                sessions.add_records(database, new)
                written += len(new)
                unwritable += bad
        return written, unwritable

    def _insert(self, database: Database, batch: bytes, insert: _Insert) -> tuple[list[list[Any]], int]:
        """Insert a batch; returns its rows that are new, and how many cannot be written."""
        try:
            rows = self._decode(batch)
        except (msgspec.MsgspecError, ValueError) as error:
            log("error", "a batch of records cannot be read", bytes=len(batch), why=error)
            return [], 1
        new, unwritable, why = insert(database, rows)
        if unwritable:
            log("error", "records cannot be written", rows=len(unwritable), first=unwritable[:1], why=why)
        return new, len(unwritable)

    def _fail(self, now_s: float, error: Exception) -> None:
        self.failures += 1
        if self._database.fail(now_s):
            log("error", "records cannot be written; they are kept in memory", why=_why(error))
        self._database.close()
        if isinstance(error, DamagedError):
            self._set_aside()

    def _set_aside(self) -> None:
        try:
            aside = set_aside(self._url)
        except OSError as error:
            log("error", "the damaged database cannot be renamed", why=_why(error))
        else:
            log("error", "the database is damaged; it was renamed, and a new one is used", file=aside)

    def _give_up(self, batch: bytes, why: str) -> None:
        try:
            self.dropped += len(self._decode(batch))
        except (msgspec.MsgspecError, ValueError):
            self.dropped += 1
        if not self._dropping:
            self._dropping = True
            log("error", "records were dropped", why=why)


def _insert_together(database: Database, rows: list[list[Any]]) -> tuple[list[list[Any]], list[list[Any]], str]:
    """The usual way: all rows are new, and can be written. Raises `_NotAllNew` where that is not so."""
    before = database.total_changes
    try:
        database.run_many(_INSERT, rows)
    except RowError as error:
        raise _NotAllNew from error
    if database.total_changes - before != len(rows):
        raise _NotAllNew
    return rows, [], ""


def _insert_one_by_one(database: Database, rows: list[list[Any]]) -> tuple[list[list[Any]], list[list[Any]], str]:
    """Row by row: those that are there already are told apart, so that they are not added to spend again, and those to
    blame are found."""
    new: list[list[Any]] = []
    unwritable: list[list[Any]] = []
    why = ""
    for row in rows:
        before = database.total_changes
        try:
            database.run(_INSERT, row)
        except RowError as error:
            unwritable.append(row[:1])
            why = why or _why(error)
        else:
            if database.total_changes != before:
                new.append(row)
    return new, unwritable, why


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
