"""Records priced anew, and the sums of spend, by time and of sessions with them: after a price was wrong, missing or
changed.

A step is one short transaction over STEP_ROWS records, so that the bookkeeper goes on writing between two steps, and a
run that is broken off has left nothing half done; another one changes only what still differs. A cost that is known
never becomes unknown. Left alone are calls of several attempts (a record does not hold what each of them used) and
those that are charged otherwise than at standard prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

import msgspec

from asbru.core.money import PriceRow, UnitPrices, price_all_nanousd
from asbru.core.usage import Unit, Usage
from asbru.records.rollups import backfill, facts
from asbru.records.row import COLUMNS
from asbru.records.sessions import add as sessions
from asbru.records.steps import take_step
from asbru.records.sums import SpendAdder, Sums
from asbru.storage import Database

STEP_ROWS: Final = 500

_NAMES: Final = tuple(column.name for column in COLUMNS)
_AT: Final = {name: place for place, name in enumerate(_NAMES)}
_USAGE: Final = slice(_AT["input_tokens"], _AT["reasoning_known"])
_IMAGES: Final = ("image_input_tokens", "image_output_tokens")
_SELECT: Final = f"SELECT {', '.join(_NAMES)} FROM requests WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 -- our own names

Prices = Callable[[str, str], tuple[tuple[PriceRow, ...] | None, UnitPrices]]
"""The price rows of a provider's model, None where none are known, and its prices of units."""
_read_units = msgspec.json.Decoder(dict[Unit, int]).decode


class Repriced(NamedTuple):
    """What a run came to. `left`: records with usage that it could not price; `difference_nanousd`: what changed."""

    records: int = 0
    changed: int = 0
    left: int = 0
    difference_nanousd: int = 0


def reprice(database: Database, prices: Prices, since_ms: int, *, wait: Callable[[], None]) -> Repriced:
    """Price every record since a time anew. `wait` passes a moment between steps, and while the database is locked;
    raises StorageError where it stays so."""
    total = Repriced()
    after = f"req_{max(since_ms, 0):011x}"
    while True:
        step, last_id = take_step(database, partial(_step, prices=prices, after=after), wait)
        total = Repriced(*map(sum, zip(total, step, strict=True)))
        if last_id is None:
            return total
        after = last_id
        wait()


def _step(database: Database, prices: Prices, after: str) -> tuple[Repriced, str | None]:
    """One transaction's work; the id of the last record it looked at, None at the end."""
    rows = cast("list[Sequence[Any]]", database.run(_SELECT, (after, STEP_ROWS)))
    costs: list[tuple[int, str]] = []
    spend = SpendAdder()
    summed_from = backfill.load_bound(database)
    changes: list[facts.Fact] = []
    left = difference = 0
    for row in rows:
        before: int | None = row[_AT["cost_nanousd"]]
        cost = _cost(row, prices)
        if cost is None:
            left += 0 if row[_AT["input_tokens"]] is None else 1
        elif cost != before:
            costs.append((cost, row[_AT["id"]]))
            difference += cost - (before or 0)
            by = Sums(unpriced=-1 if before is None else 0, cost_nanousd=cost - (before or 0))
            spend.change(database, row, by)
            sessions.change_cost(database, row, unpriced=by.unpriced, cost_nanousd=by.cost_nanousd)
            if row[_AT["id"]] >= summed_from:  # others come into the sums by time later, as they are then
                changes.append(facts.cost_changed(row, unpriced=by.unpriced, cost_nanousd=by.cost_nanousd))
    if costs:
        database.run_many("UPDATE requests SET cost_nanousd = ? WHERE id = ?", costs)
    spend.save(database)
    facts.add(database, changes)
    done = Repriced(len(rows), len(costs), left, difference)
    return done, str(rows[-1][_AT["id"]]) if rows else None


def _cost(row: Sequence[Any], prices: Prices) -> int | None:
    counts = row[_USAGE]
    if None in counts or not row[_AT["standard"]] or row[_AT["attempts"]] != 1:
        return None
    rows, units = prices(row[_AT["provider"]], row[_AT["model_served"]])
    counted = _read_units(row[_AT["units"]]) if row[_AT["units"]] else {}
    taken, given = (row[_AT[name]] or 0 for name in _IMAGES)
    usage = Usage(*counts, image_input=taken, image_output=given, units=tuple(counted.items()))
    return None if rows is None and not counted else price_all_nanousd(rows, units, usage)
