"""Books in a database (`storage`): what SQLite and PostgreSQL share, in three tables.

The ledger reads and writes within one transaction. SQLite lets one in at a time; where several may be at work, the
statement of `hold` compares and changes at once, and the ledger tries again what raced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
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
_HOLD_SLICE = """
INSERT INTO ledger_slices (holder, limit_key, start_ms, held) VALUES (?, ?, ?, ?)
ON CONFLICT (limit_key, start_ms, holder) DO UPDATE SET held = ledger_slices.held + excluded.held
"""
_SLICE = "SELECT held FROM ledger_slices WHERE holder = ? AND limit_key = ? AND start_ms = ?"
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
_LET_GO = "UPDATE ledger_slices SET held = held - ? WHERE holder = ? AND limit_key = ? AND start_ms = ?"
_BOOK = "UPDATE ledger_counts SET spent = spent + ?, held = held - ? WHERE limit_key = ? AND start_ms = ?"
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

    def transaction(self) -> AbstractContextManager[None]:
        return self._connect().transaction()

    def counted(self, key: str, now_ms: int) -> list[Counted]:
        rows = self._connect().run(_COUNTED, (key, now_ms))
        return [Counted(*row) for row in cast("list[tuple[int, int, int]]", rows)]

    def total(self, key: str, now_ms: int) -> Counted | None:
        ((start_ms, ends_ms, used),) = self._connect().run(_TOTAL, (key, now_ms))
        return None if start_ms is None else Counted(*cast("tuple[int, int, int]", (start_ms, ends_ms, used)))

    def hold(self, holder: str, key: str, window: Window, *, amount: int, limit: int, now_ms: int) -> bool:
        database = self._connect()
        values = (key, window.start_ms, window.ends_ms, amount, key, now_ms, amount, limit)
        if not database.run(_HOLD, values):
            return False
        database.run(_HOLD_SLICE, (holder, key, window.start_ms, amount))
        return True

    def book(self, holder: str, reports: Sequence[Report]) -> None:
        database = self._connect()
        booked: list[tuple[int, int, str, int]] = []
        let_go: list[tuple[int, str, str, int]] = []
        held: dict[tuple[str, int], int] = {}
        for one in reports:
            at = (one.key, one.start_ms)
            if at not in held:
                rows = cast("list[tuple[int]]", database.run(_SLICE, (holder, *at)))
                held[at] = rows[0][0] if rows else 0
            freed = min(held[at], one.spent + one.released)
            booked.append((one.spent, freed, *at))
            if freed:
                held[at] -= freed
                let_go.append((freed, holder, *at))
        database.run_many(_LET_GO, let_go)
        database.run_many(_BOOK, booked)

    def spend(self, key: str, window: Window, spent: int) -> None:
        self._connect().run(_SPEND, (key, window.start_ms, window.ends_ms, spent))

    def holding(self, key: str, now_ms: int) -> Sequence[str]:
        return [cast("str", row[0]) for row in self._connect().run(_HOLDING, (key, now_ms))]

    def runs(self, limit_id: str) -> int:
        return cast("int", self._connect().run(_RUNS, _run_keys(limit_id))[0][0])

    def drop_idle_runs(self, limit_id: str, most: int) -> int:
        rows = self._connect().run(_DROP_IDLE_RUNS, (*_run_keys(limit_id), most))
        return len({row[0] for row in rows})

    def newest_ms(self) -> int:
        return cast("int", self._connect().run("SELECT COALESCE(MAX(start_ms), 0) FROM ledger_counts")[0][0])

    def holder(self, name: str) -> Holder | None:
        rows = self._connect().run("SELECT number, buried FROM ledger_holders WHERE holder = ?", (name,))
        return Holder(cast("int", rows[0][0]), bool(rows[0][1])) if rows else None

    def note_holder(self, name: str, number: int, now_ms: int) -> None:
        known = self.holder(name)
        database = self._connect()
        if known is not None and known.buried:
            database.run(_TO_HELD, (name,))
        database.run(_NOTE, (name, number, now_ms))

    def slices(self, name: str) -> Sequence[tuple[str, int, int]]:
        rows = self._connect().run("SELECT limit_key, start_ms, held FROM ledger_slices WHERE holder = ?", (name,))
        return cast("list[tuple[str, int, int]]", rows)

    def bury(self, name: str) -> None:
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
        database = self._connect()
        database.run(_FORGET_COUNTS, (ended_ms,))
        database.run(_FORGET_SLICES)
        database.run(_FORGET_HOLDERS, (unseen_since_ms,))


def _run_keys(limit_id: str) -> tuple[str, str]:
    """Between which two lie the keys of a limit's named runs: `$` follows `#`."""
    return f"{limit_id}#", f"{limit_id}$"
