"""What the bookkeeper does beside writing: folds what was written into the sums by time, and deletes what is too old.

    written -> FOLD_S or BUSY_FOLD_S -> fold -> (more waits) fold ...
            -> (older than the sums) backfill, PAUSE_S -> fold ...
    settings known -> sweep of one step each PAUSE_S (`retention`) -> SWEEP_S -> sweep ...

A turn of the host is held up by one short transaction at most. A database that refuses is tried again later; what
waits is kept there. No socket, no clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from asbru.records.retention import RecordSettings, read_settings
from asbru.records.retention.sweep import Sweeper
from asbru.records.rollups import backfill
from asbru.records.rollups.fold import Folder
from asbru.records.sample.mark import MARK
from asbru.storage import Database, NewerSchema, StorageError, open_database
from asbru.telemetry import log

NAME = "upkeep"
"""Among the stores of the link's host."""
FOLD_S = 1.0
"""How long a record is written and not yet in the sums."""
BUSY_FOLD_S = 3.0
"""The same where the fold before had MANY_FACTS: each fold writes the sums of all who called."""
MANY_FACTS = 2_500
LOOK_S = 3.0
"""How often it is looked whether another process has left something to fold."""
SWEEP_S = 60.0
PAUSE_S = 0.05
"""Between two steps of a sweep, so that what is written meanwhile has its turn."""
RETRY_S = 5.0


class Upkeep:
    """A store of the link's host that takes no batches. `failures` count since the start."""

    def __init__(self, url: str, *, unix_time: Callable[[], float] = time.time) -> None:
        self.failures = 0
        self.retry_at_s: float | None = 0.0
        """When `commit` wants to be called."""
        self._url = url
        self._database: Database | None = None
        self._folder = Folder()
        self._sweeper = Sweeper()
        self._settings: RecordSettings | None = None
        self._unix_time = unix_time
        self._fold_at_s = self._sweep_at_s = 0.0
        self._written = False
        self._failing = False
        self._backfills = True

    def tell_written(self) -> None:
        """Records were written."""
        self._written = True

    def take_settings(self, _: object, payload: bytes) -> None:
        """Listens to SETTINGS. Raises `msgspec.MsgspecError` for others."""
        self._settings = read_settings(payload)

    def open(self) -> None:
        """Nothing: the first turn opens the database."""

    def keep(self, batch: bytes) -> None:
        """Nobody sends any."""

    def commit(self, now_s: float) -> bool:
        """Do what is due; one step of it."""
        if now_s == float("inf"):
            return True
        if self._written:
            self._written = False
            wait_s = BUSY_FOLD_S if self._folder.written_facts >= MANY_FACTS else FOLD_S
            self._fold_at_s = min(self._fold_at_s, now_s + wait_s)
        try:
            self._do(now_s)
            self._failing = False
        except (StorageError, OSError, NewerSchema) as error:
            self._fail(error)
            self._fold_at_s = self._sweep_at_s = now_s + RETRY_S
        self.retry_at_s = min(self._fold_at_s, self._sweep_at_s)
        return True

    def _do(self, now_s: float) -> None:
        """What has been due for longest."""
        if self._fold_at_s <= min(now_s, self._sweep_at_s):
            if self._step(self._folder.fold):
                self._fold_at_s = now_s
            elif self._backfills:
                self._backfills = self._step(lambda database: backfill.step(database, MARK))
                self._fold_at_s = now_s + PAUSE_S
            else:
                self._fold_at_s = now_s + LOOK_S
        elif now_s >= self._sweep_at_s:
            settings = self._settings
            if settings is None:
                self._sweep_at_s = now_s + RETRY_S
                return
            now_ms = int(self._unix_time() * 1000)
            more = self._step(lambda database: self._sweeper.step(database, settings, now_ms))
            self._sweep_at_s = now_s + (PAUSE_S if more else SWEEP_S)
            if self._sweeper.deleted_series:
                self._sweeper.deleted_series = False
                self._folder.forget()

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
        self._sweeper.forget()
        self.close()
        if not self._failing:
            self._failing = True
            log(
                "error",
                "sums of records cannot be written; trying again",
                why=f"{type(error).__name__}: {error}",
            )
