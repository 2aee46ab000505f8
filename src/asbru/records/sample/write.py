"""Writes and removes the sample day in steps: each a short transaction with the sums that it changes.

A day that is half written or half removed can be removed, also after a restart: its records are found by their ids, in
the days for which the sums of spend know of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from asbru.records.bodies.store import add
from asbru.records.rollups import facts
from asbru.records.row import COLUMNS, ROW_WIDTH
from asbru.records.sample.day import TAGS, TEAMS, Sampled, sample_day
from asbru.records.sample.mark import MARK
from asbru.records.sessions import add as sessions
from asbru.records.steps import take_step
from asbru.records.sums import OTHERS, SpendAdder, Sums, sums_of
from asbru.storage import Database, open_database, open_reader

STEP_ROWS: Final = 250
_RETRY_S: Final = 0.05
SCANNED_ROWS: Final = 5_000
"""Records that are looked at in one step of removing."""
_DAY_MS: Final = 86_400_000
_INSERT: Final = f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 -- only marks
_NAMES: Final = ", ".join(column.name for column in COLUMNS)
# The tag alone does not say it: callers may give it to their calls, too.
_MARKED: Final = f"substr(id, {len('req_') + 11 + 1}, {len(MARK)}) = '{MARK}'"
_CALLERS: Final = tuple(key for team in TEAMS for key in team.keys)
_KNOWN: Final = (
    "SELECT COALESCE(SUM(calls), 0), MIN(day), MAX(day) FROM spend"  # noqa: S608 -- only marks
    f" WHERE tags IN (?, ?) AND calls > 0 AND caller IN ({', '.join('?' * len(_CALLERS))})"
)


def count_sampled(url: str) -> int:
    """Records of the sample day that there are, by the sums of spend."""
    database = open_reader(url)
    if database is None:
        return 0
    try:
        return int(str(database.run(_KNOWN, (TAGS, OTHERS, *_CALLERS))[0][0]))
    finally:
        database.close()


class SampleSteps:
    """The steps of writing or of removing, each to be done in a transaction of its own, again where that failed."""

    def __init__(self, end_ms: int) -> None:
        self._calls = sample_day(end_ms)
        self._ready: list[Sampled] = []
        self._after: str | None = None
        self._next: str | None = None

    def write(self, database: Database) -> bool:
        """Write some calls. False: the day is written."""
        if not self._ready:
            self._ready = list(islice(self._calls, STEP_ROWS))
        rows = [one.row for one in self._ready]
        database.run_many(_INSERT, rows)
        _change_sums(database, rows, times=1)
        add(database, [one.bodies for one in self._ready if one.bodies is not None])
        return bool(rows)

    def written(self) -> None:
        """The transaction of the last step is committed."""
        self._ready = []

    def remove(self, database: Database) -> bool:
        """Remove some calls. False: there are none left."""
        ((_, first, last),) = database.run(_KNOWN, (TAGS, OTHERS, *_CALLERS))
        if first is None or last is None:
            return False
        begin = self._after or f"req_{int(str(first)) * _DAY_MS:011x}"
        end = f"req_{(int(str(last)) + 1) * _DAY_MS:011x}"
        scanned = database.run(
            f"SELECT {_NAMES}, {_MARKED} FROM requests WHERE id > ? AND id < ? ORDER BY id LIMIT ?",  # noqa: S608 -- our own names
            (begin, end, SCANNED_ROWS),
        )
        found = [row[:-1] for row in scanned if row[-1]][:STEP_ROWS]
        ids = [(row[0],) for row in found]
        database.run_many("DELETE FROM requests WHERE id = ?", ids)
        database.run_many("DELETE FROM bodies WHERE id = ?", ids)
        _change_sums(database, found, times=-1)
        self._next = str(found[-1][0] if len(found) == STEP_ROWS else scanned[-1][0]) if scanned else None
        return bool(scanned)

    def removed(self) -> None:
        """The transaction of the last step is committed."""
        self._after = self._next


def perform(url: str, step: Callable[[Database], bool]) -> bool:
    """One step, in a transaction; a database that is locked is tried again."""
    database = open_database(url)
    try:
        return take_step(database, step, partial(time.sleep, _RETRY_S))
    finally:
        database.close()


def _change_sums(database: Database, rows: Sequence[Sequence[Any]], *, times: int) -> None:
    spend = SpendAdder()
    for row in rows:
        spend.change(database, row, Sums(*(times * one for one in sums_of(row))))
    spend.save(database)
    facts.add(database, [facts.fact_of(row, times=times) for row in rows])
    (sessions.add_records if times == 1 else sessions.take_records)(database, rows)
