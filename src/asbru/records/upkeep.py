"""What the bookkeeper does beside writing: folds what was written into the sums by time, and deletes what is too old.

    written -> FOLD_S -> fold -> (more waits) fold ...
                      -> SWEEP_S -> one step of deleting (`retention`)

A turn of the host is held up by one short transaction at most. A database that refuses is tried again later; what
waits is kept there. No socket, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from asbru.records.rollups.fold import Folder
from asbru.storage import Database, NewerSchema, StorageError, open_database
from asbru.telemetry import log

NAME = "upkeep"
"""Among the stores of the link's host."""
FOLD_S = 1.0
"""How long a record is written and not yet in the sums."""
LOOK_S = 10.0
"""How often it is looked whether another process has left something to fold."""
RETRY_S = 5.0


class Upkeep:
    """A store of the link's host that takes no batches. `failures` count since the start."""

    def __init__(self, url: str) -> None:
        self.failures = 0
        self.retry_at_s: float | None = 0.0
        """When `commit` wants to be called."""
        self._url = url
        self._database: Database | None = None
        self._folder = Folder()
        self._written = False
        self._failing = False

    def tell_written(self) -> None:
        """Records were written."""
        self._written = True

    def open(self) -> None:
        """Nothing: the first turn opens the database."""

    def keep(self, batch: bytes) -> None:
        """Nobody sends any."""

    def commit(self, now_s: float) -> bool:
        """Do what is due; one step of it."""
        if self._written and not self._failing:
            self._written = False
            if self.retry_at_s is None or self.retry_at_s > now_s + FOLD_S:
                self.retry_at_s = now_s + FOLD_S
        if now_s < (self.retry_at_s or 0.0) or now_s == float("inf"):
            return True
        try:
            more = self._step(self._folder.fold)
        except (StorageError, OSError, NewerSchema) as error:
            self._fail(error)
            self.retry_at_s = now_s + RETRY_S
            return True
        self._failing = False
        self.retry_at_s = now_s if more else now_s + LOOK_S
        return True

    def close(self) -> None:
        """Close the database; what waits is folded after the next start."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _step(self, step: Callable[[Database], bool]) -> bool:
        if self._database is None:
            self._database = open_database(self._url)
        with self._database.transaction():
            return step(self._database)

    def _fail(self, error: Exception) -> None:
        self.failures += 1
        self._folder.forget()
        self.close()
        if not self._failing:
            self._failing = True
            log(
                "error",
                "sums of records cannot be written; they follow later",
                why=f"{type(error).__name__}: {error}",
            )
