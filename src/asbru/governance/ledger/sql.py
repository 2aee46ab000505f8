"""Books in a database (`storage`): what SQLite and PostgreSQL share, in three tables.

The ledger reads and writes within one transaction. SQLite lets one in at a time, so that a total that was read there
stays true until it ends: the sixty windows of a rate are added up once for all claims of a question. Where several may
be at work, the statement of `hold` compares and changes at once, and the ledger tries again what raced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import cast

from asbru.governance.ledger.claims import Report
from asbru.governance.ledger.port import Counted, Holder
from asbru.governance.windows import Window
from asbru.storage import Database

_COUNTED = (
    "SELECT start_ms, ends_ms, spent + held FROM ledger_counts WHERE limit_key = ? AND ends_ms > ? ORDER BY start_ms"
)
_TOTAL = (
    "SELECT MAX(start_ms), MAX(ends_ms), SUM(spent + held) FROM ledger_counts WHERE limit_key = ? AND ends_ms > ?"
)
_HOLD = """
INSERT INTO ledger_counts (limit_key, start_ms, ends_ms, spent, held)
SELECT ?, ?, ?, 0, ?
WHERE (SELECT COALESCE(SUM(spent + held), 0) FROM ledger_counts WHERE limit_key = ? AND ends_ms > ?) + ? <= ?
ON CONFLICT (limit_key, start_ms) DO UPDATE SET held = ledger_counts.held + excluded.held,
    ends_ms = CASE WHEN excluded.ends_ms > ledger_counts.ends_ms THEN excluded.ends_ms ELSE ledger_counts.ends_ms END
RETURNING held
"""
_HOLD_ALONE = """
INSERT INTO ledger_counts (limit_key, start_ms, ends_ms, spent, held) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (limit_key, start_ms) DO UPDATE SET held = ledger_counts.held + excluded.held,
    ends_ms = CASE WHEN excluded.ends_ms > ledger_counts.ends_ms THEN excluded.ends_ms ELSE ledger_counts.ends_ms END
"""
"""The same where nobody comes between."""
_HOLD_SLICE = """
INSERT INTO ledger_slices (holder, limit_key, start_ms, held) VALUES (?, ?, ?, ?)
ON CONFLICT (limit_key, start_ms, holder) DO UPDATE SET held = ledger_slices.held + excluded.held
"""
_HOLDING = """
SELECT DISTINCT ledger_slices.holder FROM ledger_counts
JOIN ledger_slices
    ON ledger_slices.limit_key = ledger_counts.limit_key AND ledger_slices.start_ms = ledger_counts.start_ms
JOIN ledger_holders ON ledger_holders.holder = ledger_slices.holder
WHERE ledger_counts.limit_key = ? AND ledger_counts.ends_ms > ? AND ledger_counts.held > 0
    AND ledger_slices.held > 0 AND ledger_holders.buried = 0
ORDER BY ledger_slices.holder
"""
_RUNS = "SELECT COUNT(DISTINCT limit_key) FROM ledger_counts WHERE limit_key > ? AND limit_key < ?"
_DROP_IDLE_RUNS = """
DELETE FROM ledger_counts WHERE limit_key IN (
    SELECT limit_key FROM ledger_counts WHERE limit_key > ? AND limit_key < ?
    GROUP BY limit_key HAVING SUM(held) = 0 ORDER BY MAX(ends_ms) LIMIT ?)
RETURNING limit_key
"""
_LET_GO = """
UPDATE ledger_slices SET held = CASE WHEN held > ? THEN held - ? ELSE 0 END
WHERE limit_key = ? AND start_ms = ? AND holder = ?
"""
_BOOK = """
UPDATE ledger_counts SET spent = spent + ?, held = held - COALESCE((
    SELECT CASE WHEN mine.held < ? THEN mine.held ELSE ? END FROM ledger_slices AS mine
    WHERE mine.limit_key = ledger_counts.limit_key AND mine.start_ms = ledger_counts.start_ms AND mine.holder = ?), 0)
WHERE limit_key = ? AND start_ms = ?
"""
"""What leaves the count is what the slice has, at most: so before `_LET_GO`."""
_SPEND = """
INSERT INTO ledger_counts (limit_key, start_ms, ends_ms, spent, held) VALUES (?, ?, ?, ?, 0)
ON CONFLICT (limit_key, start_ms) DO UPDATE SET spent = ledger_counts.spent + excluded.spent
"""
_NOTE = """
INSERT INTO ledger_holders (holder, number, buried, seen_ms) VALUES (?, ?, 0, ?)
ON CONFLICT (holder) DO UPDATE SET number = excluded.number, buried = 0, seen_ms = excluded.seen_ms
"""
_TO_HELD = """
UPDATE ledger_counts
SET held = ledger_counts.held + mine.held,
    spent = ledger_counts.spent - CASE WHEN ledger_counts.start_ms = 0 THEN 0 ELSE mine.held END
FROM (SELECT limit_key, start_ms, held FROM ledger_slices WHERE holder = ?) AS mine
WHERE ledger_counts.limit_key = mine.limit_key AND ledger_counts.start_ms = mine.start_ms
"""
_TO_SPENT = """
UPDATE ledger_counts
SET held = ledger_counts.held - mine.held,
    spent = ledger_counts.spent + CASE WHEN ledger_counts.start_ms = 0 THEN 0 ELSE mine.held END
FROM (SELECT limit_key, start_ms, held FROM ledger_slices WHERE holder = ?) AS mine
WHERE ledger_counts.limit_key = mine.limit_key AND ledger_counts.start_ms = mine.start_ms
"""
_FORGET_COUNTS = "DELETE FROM ledger_counts WHERE ends_ms <= ?"
_FORGET_SLICES = """
DELETE FROM ledger_slices WHERE held = 0 OR NOT EXISTS (
    SELECT 1 FROM ledger_counts
    WHERE ledger_counts.limit_key = ledger_slices.limit_key AND ledger_counts.start_ms = ledger_slices.start_ms)
"""
_FORGET_HOLDERS = """
DELETE FROM ledger_holders WHERE buried = 1 AND seen_ms < ? AND NOT EXISTS (
    SELECT 1 FROM ledger_slices WHERE ledger_slices.holder = ledger_holders.holder)
"""


class SqlBooks:
    """See `port.Books`. `connect` gives the connection; it raises `StorageError`, as everything here does."""

    def __init__(self, connect: Callable[[], Database]) -> None:
        self._connect = connect
        self._inside = False
        """Whether a transaction is open."""
        self._totals: dict[tuple[str, int], Counted] = {}
        """What was read in it, by limit and time, and is still so."""

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        with self._connect().transaction():
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
                self._totals.clear()

    def counted(self, key: str, now_ms: int) -> list[Counted]:
        rows = self._connect().run(_COUNTED, (key, now_ms))
        return [Counted(*row) for row in cast("list[tuple[int, int, int]]", rows)]

    def total(self, key: str, now_ms: int) -> Counted | None:
        found = self._totals.get((key, now_ms))
        if found is not None:
            return found
        ((start_ms, ends_ms, used),) = self._connect().run(_TOTAL, (key, now_ms))
        if start_ms is None:
            return None
        found = Counted(*cast("tuple[int, int, int]", (start_ms, ends_ms, used)))
        if self._inside:
            self._totals[key, now_ms] = found
        return found

    def hold(self, holder: str, key: str, window: Window, *, amount: int, limit: int, now_ms: int) -> bool:
        database = self._connect()
        if database.engine == "sqlite":
            total = self.total(key, now_ms)
            if amount > limit - (0 if total is None else total.used):
                return False
            database.run(_HOLD_ALONE, (key, window.start_ms, window.ends_ms, amount))
        else:
            values = (key, window.start_ms, window.ends_ms, amount, key, now_ms, amount, limit)
            if not database.run(_HOLD, values):
                return False
        self._totals.pop((key, now_ms), None)
        database.run(_HOLD_SLICE, (holder, key, window.start_ms, amount))
        return True

    def book(self, holder: str, reports: Sequence[Report]) -> None:
        together: dict[tuple[str, int], tuple[int, int]] = {}
        for one in reports:
            spent, freed = together.get((one.key, one.start_ms), (0, 0))
            together[one.key, one.start_ms] = (spent + one.spent, freed + one.spent + one.released)
        database = self._connect()
        self._totals.clear()
        database.run_many(_BOOK, [(spent, freed, freed, holder, *at) for at, (spent, freed) in together.items()])
        database.run_many(_LET_GO, [(freed, freed, *at, holder) for at, (_, freed) in together.items() if freed])

    def spend(self, key: str, window: Window, spent: int) -> None:
        self._totals.clear()
        self._connect().run(_SPEND, (key, window.start_ms, window.ends_ms, spent))

    def holding(self, key: str, now_ms: int) -> Sequence[str]:
        return [cast("str", row[0]) for row in self._connect().run(_HOLDING, (key, now_ms))]

    def runs(self, limit_id: str) -> int:
        return cast("int", self._connect().run(_RUNS, _run_keys(limit_id))[0][0])

    def drop_idle_runs(self, limit_id: str, most: int) -> int:
        self._totals.clear()
        rows = self._connect().run(_DROP_IDLE_RUNS, (*_run_keys(limit_id), most))
        return len({row[0] for row in rows})

    def newest_ms(self) -> int:
        return cast("int", self._connect().run("SELECT COALESCE(MAX(start_ms), 0) FROM ledger_counts")[0][0])

    def holder(self, name: str) -> Holder | None:
        rows = self._connect().run("SELECT number, buried, seen_ms FROM ledger_holders WHERE holder = ?", (name,))
        if not rows:
            return None
        number, buried, seen_ms = cast("tuple[int, int, int]", rows[0])
        return Holder(number, bool(buried), seen_ms)

    def note_holder(self, name: str, number: int, now_ms: int) -> None:
        known = self.holder(name)
        database = self._connect()
        if known is not None and known.buried:
            self._totals.clear()
            database.run(_TO_HELD, (name,))
        database.run(_NOTE, (name, number, now_ms))

    def slices(self, name: str) -> Sequence[tuple[str, int, int]]:
        rows = self._connect().run("SELECT limit_key, start_ms, held FROM ledger_slices WHERE holder = ?", (name,))
        return cast("list[tuple[str, int, int]]", rows)

    def bury(self, name: str) -> None:
        self._totals.clear()
        known = self.holder(name)
        if known is None or known.buried:
            return
        database = self._connect()
        database.run(_TO_SPENT, (name,))
        database.run("UPDATE ledger_holders SET buried = 1 WHERE holder = ?", (name,))

    def living(self) -> Sequence[str]:
        rows = self._connect().run("SELECT holder FROM ledger_holders WHERE buried = 0")
        return [cast("str", row[0]) for row in rows]

    def forget(self, ended_ms: int, unseen_since_ms: int) -> None:
        self._totals.clear()
        database = self._connect()
        database.run(_FORGET_COUNTS, (ended_ms,))
        database.run(_FORGET_SLICES)
        database.run(_FORGET_HOLDERS, (unseen_since_ms,))


def _run_keys(limit_id: str) -> tuple[str, str]:
    """Between which two lie the keys of a limit's named runs: `$` follows `#`."""
    return f"{limit_id}#", f"{limit_id}$"
