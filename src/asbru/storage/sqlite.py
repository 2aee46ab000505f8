"""SQLite. The one file that knows apsw.

WAL, so that readers never wait for the writer; synchronous=NORMAL, so that a commit survives the death of any process
but the last commits before a power cut may be lost (the database stays sound). `user_version` holds the number of the
last migration.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Literal, cast

import apsw

from asbru.storage.port import DamagedError, RowError, StorageError, Value
from asbru.storage.schema import migrate

BUSY_TIMEOUT_MS = 100
"""How long one statement waits for another process's lock; the caller tries again later."""
OPEN_TIMEOUT_MS = 5000
"""The same while a database is opened: what holds the lock then is most likely another process that migrates it."""
WAL_RETRY_S = 0.01
WAL_PAGES_PER_CHECKPOINT = 2000
WAL_BYTES_KEPT_MAX = 64 * 1024 * 1024
CACHE_KIB = 512
"""Pages kept by a connection that writes. Rows go to the right edge of the tree, so SQLite's usual 2 MiB would hold
pages that nobody asks for again."""

_ROW_ERRORS = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    apsw.BindingsError,
    apsw.RangeError,
    TypeError,
    ValueError,
    OverflowError,
)


class SqliteDatabase:
    """A `port.Database`; see there."""

    __slots__ = ("_connection", "_file", "_path")

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._path = Path(connection.filename)
        self._file = _identity(self._path)

    @property
    def engine(self) -> Literal["sqlite"]:
        return "sqlite"

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Value, ...]]:
        try:
            cursor = self._connection.execute(statement, values)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] -- a value of another type raises TypeError, one of _ROW_ERRORS
            return cast("list[tuple[Value, ...]]", list(cursor))
        except _ROW_ERRORS as error:
            raise RowError(str(error)) from error
        except apsw.Error as error:
            raise _storage_error(error) from error

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        try:
            self._connection.executemany(statement, rows)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] -- as in `run`
        except _ROW_ERRORS as error:
            raise RowError(str(error)) from error
        except apsw.Error as error:
            raise _storage_error(error) from error

    @property
    def total_changes(self) -> int:
        return self._connection.total_changes()

    @property
    def used_bytes(self) -> int:
        pages, free, size = (
            cast("int", self.run(f"PRAGMA {name}")[0][0]) for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        # SQLite would go on writing to a file that has no name any more.
        if _identity(self._path) != self._file:
            raise StorageError(f"{self._path} was removed or replaced")
        # IMMEDIATE: the lock is had before anything is read, so what is read stays true.
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def schema_version(self) -> int:
        return cast("int", self.run("PRAGMA user_version")[0][0])

    def set_schema_version(self, number: int) -> None:
        self.run(f"PRAGMA user_version = {number}")

    def close(self) -> None:
        self._rollback()
        with contextlib.suppress(apsw.Error):
            self._connection.close()

    def _rollback(self) -> None:
        """End the transaction, if SQLite has not done so by itself (it does when the disk is full)."""
        with contextlib.suppress(apsw.Error, StorageError):
            if self._connection.in_transaction:
                self.run("ROLLBACK")


def open_database(path: Path) -> SqliteDatabase:
    """See `engine.open_database`."""
    _make_private(path)
    database = SqliteDatabase(_connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE))
    try:
        database.run(f"PRAGMA busy_timeout = {OPEN_TIMEOUT_MS}")
        _use_wal(database)
        database.run("PRAGMA synchronous = NORMAL")
        database.run(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.run(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_PER_CHECKPOINT}")
        database.run(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT_MAX}")
        migrate(database, str(path))
        database.run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    except BaseException:
        database.close()
        raise
    return database


def open_reader(path: Path) -> SqliteDatabase | None:
    """See `engine.open_reader`."""
    if not path.exists():
        return None
    database = SqliteDatabase(_connect(path, apsw.SQLITE_OPEN_READONLY))
    database.run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return database


def set_aside(path: Path) -> Path:
    """See `engine.set_aside`."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns() // 1_000_000}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_private(path: Path) -> None:
    """0600 for the file, whatever the umask; SQLite gives what it puts beside it the same mode. A file that is there is
    never opened here: to close it again would drop the locks of every connection that this process has to it (POSIX
    locks belong to the process), and the next process that closes the database would take itself for the last one and
    remove the WAL that those connections go on writing to (sqlite.org/howtocorrupt.html, 2.2)."""
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def _storage_error(error: apsw.Error) -> StorageError:
    kind = DamagedError if isinstance(error, apsw.CorruptError | apsw.NotADBError) else StorageError
    return kind(str(error))


def _use_wal(database: SqliteDatabase) -> None:
    """Switch a new database to WAL. SQLite does not wait for a writer here, whatever the timeout, since two that switch
    at once would wait for each other."""
    ends_s = time.monotonic() + OPEN_TIMEOUT_MS / 1000
    while True:
        try:
            database.run("PRAGMA journal_mode = WAL")
            return
        except StorageError as error:
            if not isinstance(error.__cause__, apsw.BusyError) or time.monotonic() >= ends_s:
                raise
        time.sleep(WAL_RETRY_S)


def _connect(path: Path, flags: int) -> apsw.Connection:
    try:
        return apsw.Connection(str(path), flags=flags)
    except apsw.Error as error:
        raise StorageError(f"{path}: {error}") from error
