"""SQLite: connections and migrations. The one file that knows apsw.

WAL, so that readers never wait for the writer; synchronous=NORMAL, so that a commit survives the death of any process
but the last commits before a power cut may be lost (the database stays sound). Migrations are numbered SQL files
(`0001_requests.sql`); `user_version` holds the number of the last one applied, and all that are missing are applied
in one transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias, cast

import apsw

DATABASE_NAME = "asbru.sqlite"

BUSY_TIMEOUT_MS = 100
"""How long one statement waits for another process's lock; the caller tries again later."""
WAL_PAGES_PER_CHECKPOINT = 2000
WAL_BYTES_KEPT_MAX = 64 * 1024 * 1024
CACHE_KIB = 512
"""Pages kept by a connection that writes. Rows go to the right edge of the tree, so SQLite's usual 2 MiB would hold
pages that nobody asks for again."""

Value: TypeAlias = str | int | float | bytes | None

StorageError = apsw.Error
"""Anything the database may answer with: full, locked, unreadable."""

ROW_ERRORS = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    apsw.BindingsError,
    apsw.RangeError,
    TypeError,
    ValueError,
    OverflowError,
)
"""What a row is to blame for; any other StorageError is the state of the disk or the database, and may pass."""

_MIGRATIONS = Path(__file__).with_name("migrations")


class NewerSchema(Exception):
    """The database was made by a newer Asbru."""


class Database:
    """A connection; apsw's own, behind types that a checker can follow."""

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Value, ...]]:
        """Run a statement, or several without values; returns its rows."""
        cursor = self._connection.execute(statement, values)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] -- a value of another type raises TypeError, one of ROW_ERRORS
        return cast("list[tuple[Value, ...]]", list(cursor))

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement that returns nothing once for each row of values."""
        self._connection.executemany(statement, rows)  # pyright: ignore[reportArgumentType, reportUnknownMemberType] -- as in `run`

    @property
    def total_changes(self) -> int:
        """Rows changed since the connection was opened."""
        return self._connection.total_changes()

    def rollback(self) -> None:
        """End the transaction, if SQLite has not done so by itself (it does when the disk is full)."""
        if self._connection.in_transaction:
            self.run("ROLLBACK")

    def close(self) -> None:
        """Roll back what is open and close; never raises."""
        with contextlib.suppress(apsw.Error):
            self.rollback()
        with contextlib.suppress(apsw.Error):
            self._connection.close()


def open_database(path: Path) -> Database:
    """A connection that writes, its schema up to date. Raises NewerSchema, StorageError."""
    database = Database(apsw.Connection(str(path)))
    try:
        database.run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        database.run("PRAGMA journal_mode = WAL")
        database.run("PRAGMA synchronous = NORMAL")
        database.run(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.run(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_PER_CHECKPOINT}")
        database.run(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT_MAX}")
        migrate(database, path)
    except BaseException:
        database.close()
        raise
    return database


def open_reader(path: Path) -> Database | None:
    """A connection that only reads; None when there is no database."""
    if not path.exists():
        return None
    database = Database(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY))
    database.run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return database


def schema_version(database: Database) -> int:
    """The number of the last migration applied; 0 for a new database."""
    return cast("int", database.run("PRAGMA user_version")[0][0])


def migrate(database: Database, path: Path, folder: Path = _MIGRATIONS) -> int:
    """Apply what is missing; returns the schema's version. `path` is for the message of NewerSchema."""
    steps = migrations(folder)
    newest = steps[-1][0]
    if schema_version(database) == newest:
        return newest
    # IMMEDIATE, and the version read again inside: two processes may find the same gap.
    database.run("BEGIN IMMEDIATE")
    try:
        found = schema_version(database)
        if found > newest:
            raise NewerSchema(
                f"{path} has schema version {found}, this Asbru knows versions up to {newest}: "
                "start the newer Asbru again, or restore a backup from before the upgrade"
            )
        for number, file in steps:
            if number > found:
                database.run(file.read_text(encoding="utf-8"))
                database.run(f"PRAGMA user_version = {number}")
        database.run("COMMIT")
    except BaseException:
        database.rollback()
        raise
    return newest


def migrations(folder: Path = _MIGRATIONS) -> list[tuple[int, Path]]:
    """Numbers and files, in order; raises ValueError when they are not 1, 2, 3 ..."""
    steps = sorted((int(file.name.split("_", 1)[0]), file) for file in folder.glob("*.sql"))
    numbers = [number for number, _ in steps]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations in {folder} must be numbered 1, 2, 3 ...; found {numbers}")
    return steps
