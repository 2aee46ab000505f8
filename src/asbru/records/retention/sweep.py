"""Deletes what is older or too much, in steps of one short transaction each, at constant memory.

    sweep: records by age -> bodies by age -> sums by age, tier by tier -> bodies by size -> records by size
        -> sessions that no record is left of -> done

Ids begin with the time, so what is oldest is a range of ids. Deleted pages are used again; the file does not shrink.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from asbru.records.retention.settings import RecordSettings
from asbru.records.rollups import fold
from asbru.storage import Database
from asbru.telemetry import log

STEP_ROWS: Final = 500
STEP_SERIES: Final = 200
DAY_MS: Final = 86_400_000
WARN_SHARE: Final = 0.9
"""Of a bound of bytes, from where on the log warns."""

_OLDEST: Final = "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT ?)"
_TIERS: Final = ", ".join(map(str, fold.TIERS))
_DEAD_SERIES: Final = f"""
    DELETE FROM rollup_series WHERE id = ?
    AND NOT EXISTS (SELECT 1 FROM rollups WHERE series = rollup_series.id AND tier IN ({_TIERS}))
"""  # noqa: S608 -- our own numbers
_DEAD_SESSIONS: Final = """
    DELETE FROM agent_sessions
    WHERE id IN (SELECT id FROM agent_sessions WHERE last_ms < ? ORDER BY last_ms LIMIT ?)
"""
_FOREVER_MS: Final = 1 << 52
_AFTER_ALL: Final = "~"


class Sweeper:
    """One sweep after the other. `deleted_series`: whether a series has gone, so that what is known of them is not
    true any more."""

    def __init__(self) -> None:
        self.deleted_series = False
        self._steps: Iterator[None] | None = None
        self._warned: set[str] = set()

    def step(self, database: Database, settings: RecordSettings, now_ms: int) -> bool:
        """One step, in the transaction that is open. False: the sweep is over, and the next step begins another."""
        if self._steps is None:
            self._steps = self._sweep(database, settings, now_ms)
        if next(self._steps, self) is None:
            return True
        self._steps = None
        return False

    def forget(self) -> None:
        """After a step that failed: begin anew, with a new database."""
        self._steps = None

    def _sweep(self, database: Database, settings: RecordSettings, now_ms: int) -> Iterator[None]:
        for table, days in (("requests", settings.days), ("bodies", settings.bodies_days)):
            while _delete_oldest(database, table, f"req_{max(0, now_ms - days * DAY_MS):011x}"):
                yield
        days_kept = (settings.minute_sums_days, settings.hour_sums_days, settings.day_sums_days)
        for tier, days in zip(fold.TIERS, days_kept, strict=True):
            yield from self._sweep_sums(database, tier, now_ms // 1000 - days * 86_400)
        yield
        bodies = _bodies_bytes(database)
        while self._is_over("bodies", bodies, settings.bodies_bytes_max):
            _delete_oldest(database, "bodies", _AFTER_ALL)
            bodies = _bodies_bytes(database)
            yield
        while self._is_over("records", database.used_bytes - bodies, settings.bytes_max):
            if not _delete_oldest(database, "requests", _AFTER_ALL):
                break
            yield
        while _delete_sessions(database):
            yield

    def _sweep_sums(self, database: Database, tier: int, before_s: int) -> Iterator[None]:
        after = 0
        while found := database.run(
            "SELECT id FROM rollup_series WHERE id > ? ORDER BY id LIMIT ?", (after, STEP_SERIES)
        ):
            ids = [int(str(one)) for (one,) in found]
            database.run_many(
                "DELETE FROM rollups WHERE tier = ? AND series = ? AND at < ?", [(tier, one, before_s) for one in ids]
            )
            if tier == fold.DAY_S:
                before = database.total_changes
                database.run_many(_DEAD_SERIES, [(one,) for one in ids])
                self.deleted_series |= database.total_changes != before
            after = ids[-1]
            yield

    def _is_over(self, what: str, used: int, bytes_max: int) -> bool:
        if used < WARN_SHARE * bytes_max:
            self._warned.discard(what)
        elif what not in self._warned:
            self._warned.add(what)
            log(
                "warning",
                f"the limit of {what} is near; beyond it the oldest are deleted",
                bytes=used,
                limit=bytes_max,
            )
        return used > bytes_max


def _delete_oldest(database: Database, table: str, before_id: str) -> bool:
    """Delete the oldest rows before an id; whether there were any."""
    before = database.total_changes
    database.run(_OLDEST.format(table=table), (before_id, STEP_ROWS))
    return database.total_changes != before


def _delete_sessions(database: Database) -> bool:
    """Delete some of the sessions that ended before the oldest record began; whether there were any."""
    ((oldest,),) = database.run("SELECT MIN(started_ms) FROM (SELECT started_ms FROM requests ORDER BY id LIMIT 1)")
    before = database.total_changes
    database.run(_DEAD_SESSIONS, (_FOREVER_MS if oldest is None else oldest, STEP_ROWS))
    return database.total_changes != before


def _bodies_bytes(database: Database) -> int:
    ((found,),) = database.run("SELECT COALESCE(SUM(stored_bytes), 0) FROM bodies")
    return int(str(found))
