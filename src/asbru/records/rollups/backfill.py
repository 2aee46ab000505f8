"""Adds to the sums by time what was recorded before there were any, in steps of one short transaction each.

    migration: a bound --> the newest records before it, as facts --> the bound moves back --> none left: it is deleted

The table `rollup_backfill` says how far it has come, so a step counts each record once, also after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from asbru.records.rollups import facts
from asbru.records.row import COLUMNS
from asbru.storage import Database

STEP_ROWS: Final = 500
_NAMES: Final = ", ".join(column.name for column in COLUMNS)
_ROWS: Final = f"SELECT {_NAMES} FROM requests WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608 -- our own names


def load_bound(database: Database) -> str:
    """The id before which records are not in the sums yet; "" if all are."""
    found = database.run("SELECT before_ms, before_id FROM rollup_backfill")
    return next((str(before_id) or f"req_{int(str(before_ms)):011x}" for before_ms, before_id in found), "")


def step(database: Database, mark: str) -> bool:
    """Note the facts of some records, in the transaction that is open. False: there are none left. `mark`: what follows
    the time in the ids of sample records, which are in the sums from the start."""
    bound = load_bound(database)
    if not bound:
        return False
    rows = cast("list[Sequence[Any]]", database.run(_ROWS, (bound, STEP_ROWS)))
    older = (row for row in rows if not str(row[0]).startswith(mark, len("req_") + 11))
    facts.add_records(database, older, in_spend=True)
    if rows:
        database.run("UPDATE rollup_backfill SET before_id = ?", (rows[-1][0],))
    else:
        database.run("DELETE FROM rollup_backfill")
    return bool(rows)
