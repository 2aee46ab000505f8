"""The bookkeeper's table of entries: written with the other stores, bounded in bytes, the oldest deleted first.

Entries are help and not accounts: what the disk refuses is given up, and while the database cannot be read nothing is
found. Its database is opened by the first use, and again after one that failed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import msgspec

from asbru.cache.entry import Clearing
from asbru.cache.sql.questions import CLEARED, Cleared, Find, Put
from asbru.storage import Database, NewerSchema, RowError, StorageError, open_database, open_reader
from asbru.telemetry import log

if TYPE_CHECKING:
    from asbru.link.peers import Question

HELD_BYTES_MAX: Final = 32 * 1024 * 1024
SWEPT_EVERY: Final = 200
"""Entries between two deletions of what has expired."""
ROOM_SHARE: Final = 0.95
"""When the table is full it is emptied down to this share, so that not every entry has to make room."""
_DELETED_AT_ONCE: Final = 100

_PUT: Final = """
INSERT INTO cache_entries (key, tags, size_bytes, made_ms, expires_ms, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET tags = excluded.tags, size_bytes = excluded.size_bytes, made_ms = excluded.made_ms,
    expires_ms = excluded.expires_ms, body = excluded.body
"""
_SIZE: Final = "SELECT COUNT(*), COALESCE(SUM(size_bytes), 0) FROM cache_entries"
_FAILURES: Final = (StorageError, OSError, MemoryError, NewerSchema)


class Size(NamedTuple):
    """How much there is."""

    entries: int
    bytes: int


def read_size(url: str) -> Size:
    """How much the database holds. Raises StorageError."""
    database = open_reader(url)
    if database is None:
        return Size(0, 0)
    try:
        return _size(database)
    finally:
        database.close()


class CacheTable:
    """See the module. A store of the link's host; `find`, `clear` and `tell_generation` are handlers of it. `broadcast`
    pushes to all workers. `dropped` counts since the start."""

    def __init__(self, url: str, broadcast: Callable[[str, bytes], None]) -> None:
        self.dropped = 0
        self.retry_at_s: float | None = None
        self._url = url
        self._broadcast = broadcast
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._read_put = msgspec.msgpack.Decoder(Put).decode
        self._read_find = msgspec.msgpack.Decoder(Find).decode
        self._read_clearing = msgspec.msgpack.Decoder(Clearing).decode
        self._database: Database | None = None
        self._bytes = 0
        """The size of all entries, as far as this process has seen."""
        self._puts = 0
        self._failing = False
        self._life = os.urandom(8)
        self._clearings = 0

    # A store of the host

    def open(self) -> None:
        """Nothing: the first use opens the database."""

    def keep(self, batch: bytes) -> None:
        """Hold a packed `Put` until the next commit."""
        if self._held_bytes + len(batch) > HELD_BYTES_MAX:
            self.dropped += 1
            return
        self._held.append(batch)
        self._held_bytes += len(batch)

    def commit(self, now_s: float) -> bool:
        """Write all that is held, in one transaction; what cannot be written is given up."""
        del now_s
        held, self._held, self._held_bytes = self._held, deque(), 0
        if held:
            try:
                puts = [self._read_put(batch) for batch in held]
                database = self._open()
                with database.transaction():
                    for put in puts:
                        self._put(database, put)
                self._failing = False
            except (msgspec.MsgspecError, ValueError, RowError, *_FAILURES) as error:
                self.dropped += len(held)
                self._fail(error)
        return True

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    # Handlers

    def find(self, question: Question) -> bytes:
        """A worker's FIND."""
        return self.look_up(self._read_find(question.payload))

    def look_up(self, find: Find) -> bytes:
        """The entry, b"" for none."""
        try:
            rows = self._open().run(
                "SELECT body FROM cache_entries WHERE key = ? AND expires_ms > ?", (find.key, find.now_ms)
            )
        except _FAILURES as error:
            self._fail(error)
            return b""
        return cast("bytes", rows[0][0]) if rows else b""

    def clear(self, question: Question) -> bytes:
        """CLEAR: the database first, then the memory of all workers. Raises StorageError: then nothing was cleared."""
        clearing = self._read_clearing(question.payload)
        self.forget(clearing)
        self._broadcast(CLEARED, msgspec.msgpack.encode(Cleared(self.generation, clearing)))
        return b"1"

    def forget(self, clearing: Clearing) -> None:
        """Delete entries. Raises StorageError."""
        conditions, values = ["1 = 1"], list[object]()
        if clearing.key:
            conditions.append("key = ?")
            values.append(clearing.key)
        if clearing.prefix:
            conditions.append("substr(key, 1, ?) = ?")
            values += [len(clearing.prefix), clearing.prefix]
        if clearing.tag:
            conditions.append("instr(tags, ?) > 0")
            values.append(f",{clearing.tag},")
        try:
            database = self._open()
            with database.transaction():
                database.run(f"DELETE FROM cache_entries WHERE {' AND '.join(conditions)}", values)  # noqa: S608 -- our own words
                self._bytes = _size(database).bytes
        except _FAILURES as error:
            self._fail(error)
            raise
        self._clearings += 1

    def tell_generation(self, question: Question) -> bytes:
        """A worker's GENERATION."""
        del question
        return self.generation

    @property
    def generation(self) -> bytes:
        """See `questions`."""
        return b"%b-%d" % (self._life.hex().encode(), self._clearings)

    # The rest

    def _open(self) -> Database:
        if self._database is None:
            database = open_database(self._url)
            self._bytes = _size(database).bytes
            self._database = database
        return self._database

    def _put(self, database: Database, put: Put) -> None:
        size = len(put.entry)
        if size > put.bytes_max:
            return
        if self._puts % SWEPT_EVERY == 0:
            database.run("DELETE FROM cache_entries WHERE expires_ms <= ?", (put.made_ms,))
            self._bytes = _size(database).bytes
        self._puts += 1
        before = database.run("SELECT size_bytes FROM cache_entries WHERE key = ?", (put.key,))
        self._bytes += size - sum(cast("int", known) for (known,) in before)
        tags = f",{','.join(put.tags)}," if put.tags else ""
        database.run(_PUT, (put.key, tags, size, put.made_ms, put.expires_ms, put.entry))
        if self._bytes > put.bytes_max:
            self._make_room(database, int(put.bytes_max * ROOM_SHARE), put.key)

    def _make_room(self, database: Database, bytes_max: int, but: str) -> None:
        while self._bytes > bytes_max:
            oldest = database.run(
                "SELECT key, size_bytes FROM cache_entries WHERE key <> ? ORDER BY made_ms LIMIT ?",
                (but, _DELETED_AT_ONCE),
            )
            if not oldest:
                return
            for key, size in oldest:
                if self._bytes <= bytes_max:
                    return
                database.run("DELETE FROM cache_entries WHERE key = ?", (key,))
                self._bytes -= cast("int", size)

    def _fail(self, error: Exception) -> None:
        self.close()
        if not self._failing:
            self._failing = True
            log("error", "the cache cannot use the database", why=f"{type(error).__name__}: {error}")


def _size(database: Database) -> Size:
    ((entries, size),) = database.run(_SIZE)
    return Size(cast("int", entries), cast("int", size))
