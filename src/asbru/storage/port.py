"""What a store needs of a database, whichever it is. Statements are written for all engines: `?` marks a value.

with database.transaction():
    database.run_many("INSERT INTO requests VALUES (?, ?) ON CONFLICT (id) DO NOTHING", rows)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

Engine: TypeAlias = Literal["sqlite", "postgresql"]

Value: TypeAlias = str | int | float | bytes | None


class StorageError(Exception):
    """Anything the database may answer with: full, locked, unreadable, away. It may pass."""


class DamagedError(StorageError):
    """The file is not, or no longer, a sound database. It will not pass."""


class RowError(StorageError):
    """What the values of a row are to blame for: it will never be written."""


class NewerSchema(Exception):
    """The database was made by a newer Asbru."""


class Database(Protocol):
    """A connection that belongs to one thread. All but `close` raise StorageError, and RowError for bad values."""

    @property
    def engine(self) -> Engine:
        """Whose SQL it takes."""
        ...

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Value, ...]]:
        """Run a statement, or several without values; returns its rows."""
        ...

    def run_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement that returns nothing once for each row of values. Of one that fails the rows before it
        stay, as far as the transaction goes."""
        ...

    @property
    def total_changes(self) -> int:
        """Rows changed since the connection was opened."""
        ...

    @property
    def used_bytes(self) -> int:
        """The size of what the database holds, without the room that deleted rows have left."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at the end of the block and rolls back when it raises. There is one at a time: it waits for its
        turn, shortly, before the block begins."""
        ...

    def schema_version(self) -> int:
        """The number of the last migration applied; 0 for a new database."""
        ...

    def set_schema_version(self, number: int) -> None:
        """Note it, in the transaction of the migration."""
        ...

    def close(self) -> None:
        """Roll back what is open and close; never raises."""
        ...
