"""How limits stand in the ledger's database, for the management API: what is booked, and what workers hold.

A limit of a run counts for each run: `read_standing` tells the run that has used most, `read_run` the one that is
named. Reads only; raises StorageError.
"""

from __future__ import annotations

from typing import cast

import msgspec

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger.ledger import is_sliding
from asbru.governance.windows import FOREVER_MS, RUN, fixed_window
from asbru.storage import Database

_COUNTED = """
SELECT COALESCE(SUM(spent), 0), COALESCE(SUM(held), 0), COALESCE(MAX(ends_ms), 0) FROM ledger_counts
WHERE limit_key = ? AND ends_ms > ?
"""
_RUNS = """
SELECT spent, held, ends_ms, count(*) OVER () FROM ledger_counts
WHERE limit_key > ? AND limit_key < ? AND ends_ms > ? ORDER BY spent + held DESC LIMIT 1
"""
_RUN = "SELECT spent, held FROM ledger_counts WHERE limit_key = ? AND ends_ms > ?"


class Parts(msgspec.Struct, frozen=True):
    """What `spent` consists of: what is `booked`, and what workers have `held` for calls under way and the next ones.
    `runs`: how many runs are counted, of a limit of a run."""

    booked: int
    held: int
    runs: int | None = None


class LedgerStanding(msgspec.Struct, frozen=True):
    """A limit as it stands. `amount` and `spent`: nano-dollars for "cost", else a count. `resets_at_ms`: when the
    window ends, Unix milliseconds; null where it slides, has no end, or has not begun."""

    owner: str
    limit_id: str
    metric: str
    window: str
    amount: int
    spent: int
    resets_at_ms: int | None
    parts: Parts


def read_standing(database: Database | None, owner: str, limit: LimitEntry, now_ms: int) -> LedgerStanding:
    """How a limit of an owner stands; without a database nothing is spent."""
    booked, held, ends_ms, runs = (0, 0, 0, 0) if database is None else _count(database, limit, now_ms)
    if limit.aligned and not ends_ms:
        ends_ms = fixed_window(limit.window, now_ms, limit.timezone).ends_ms
    endless = is_sliding(limit) or not ends_ms or ends_ms >= FOREVER_MS
    parts = Parts(booked, held, runs if limit.window == RUN else None)
    return _standing(owner, limit, parts, None if endless else ends_ms)


def read_run(database: Database, owner: str, limit: LimitEntry, *, run: str, now_ms: int) -> LedgerStanding | None:
    """How a limit of a run stands for this run; None if it has counted no such run, or has forgotten it, and for a
    limit that counts all runs together."""
    if limit.window != RUN:
        return None
    rows = cast("list[tuple[int, int]]", database.run(_RUN, (f"{limit.id}#{run}", now_ms)))
    if not rows:
        return None
    booked, held = rows[0]
    return _standing(owner, limit, Parts(booked, held), None)


def _standing(owner: str, limit: LimitEntry, parts: Parts, resets_at_ms: int | None) -> LedgerStanding:
    return LedgerStanding(
        owner=owner,
        limit_id=limit.id,
        metric=limit.metric,
        window=limit.window,
        amount=limit.amount,
        spent=parts.booked + parts.held,
        resets_at_ms=resets_at_ms,
        parts=parts,
    )


def _count(database: Database, limit: LimitEntry, now_ms: int) -> tuple[int, int, int, int]:
    if limit.window == RUN:
        rows = database.run(_RUNS, (f"{limit.id}#", f"{limit.id}$", now_ms))  # `$` follows `#`
        return cast("tuple[int, int, int, int]", rows[0]) if rows else (0, 0, 0, 0)
    booked, held, ends_ms = cast("tuple[int, int, int]", database.run(_COUNTED, (limit.id, now_ms))[0])
    return booked, held, ends_ms, 0
