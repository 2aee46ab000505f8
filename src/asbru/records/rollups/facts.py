"""Facts: what a record adds to the sums, small enough to wait in the database until they are folded into them.

    records written --same transaction--> rollup_pending --some seconds later--> rollups (`fold`)

So each record counts once, and the transaction of the records pays for one insert per batch and not for the upserts of
every series. A fact may also take away: records that are removed, and costs that change, are facts with negative sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from asbru.records.row import COLUMNS
from asbru.records.spend import sums_of
from asbru.storage import Database

DIMENSIONS: Final = ("provider", "model", "caller", "team", "customer", "surface", "error")
"""What can be asked for; `error` is the code of a failed call, "" of one that went well."""
SUMS: Final = ("calls", "failed", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "cost_nanousd")

_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_STARTED = _AT["started_ms"]
_NAMED: Final = tuple(
    _AT[name] for name in ("provider", "model_served", "caller", "team", "customer", "surface", "error_code")
)
_ADD: Final = "INSERT INTO rollup_pending SELECT COALESCE(MAX(number), 0) + 1, ? FROM rollup_pending"


class Fact(NamedTuple):
    """One record's part, or a change of it. `values`: of DIMENSIONS, in order; `sums`: of SUMS, in order. The durations
    count as often as there are calls; None: not at all."""

    started_ms: int
    values: tuple[str, ...]
    sums: tuple[int, ...]
    latency_us: int | None
    first_token_us: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode


def fact_of(row: Sequence[Any], *, times: int = 1) -> Fact:
    """A record; `times` -1 takes it away. Raises TypeError and ValueError for one that holds words where numbers
    belong."""
    sums = sums_of(row)
    values = [str(row[at]) for at in _NAMED]
    if not sums.failed:
        values[-1] = ""
    elif not values[-1]:
        values[-1] = str(row[_AT["outcome"]])
    cached = int(row[_AT["cache_read_tokens"]] or 0)
    numbers = (1, sums.failed, sums.unpriced, sums.input_tokens, cached, sums.output_tokens, sums.cost_nanousd)
    # A call that no provider was asked for takes no time worth knowing: it would only make the others look fast.
    latency_us = int(row[_AT["latency_us"]]) if row[_AT["attempts"]] else None
    first_us = row[_AT["first_token_us"]]
    return Fact(
        int(row[_STARTED]),
        tuple(values),
        tuple(times * one for one in numbers),
        latency_us,
        None if first_us is None else int(first_us),
    )


def cost_changed(row: Sequence[Any], *, unpriced: int, cost_nanousd: int) -> Fact:
    """The fact of a record whose cost changes by so much."""
    known = fact_of(row)
    return known._replace(sums=(0, 0, unpriced, 0, 0, 0, cost_nanousd), latency_us=None, first_token_us=None)


def add_rows(database: Database, rows: Iterable[Sequence[Any]]) -> None:
    """Note records that were just inserted, in their transaction. One that holds words where numbers belong counts
    nowhere."""
    facts: list[Fact] = []
    for row in rows:
        try:
            facts.append(fact_of(row))
        except (TypeError, ValueError):
            continue
    add(database, facts)


def add(database: Database, facts: Sequence[Fact]) -> None:
    """Note facts, in the transaction that is open."""
    if facts:
        database.run(_ADD, (_encode(facts),))


def load(database: Database, batches_max: int) -> tuple[list[Fact], int]:
    """The oldest facts that wait, and the number of the last batch of them; 0 when none do."""
    found = database.run("SELECT number, facts FROM rollup_pending ORDER BY number LIMIT ?", (batches_max,))
    facts: list[Fact] = []
    for _, packed in found:
        assert isinstance(packed, bytes)
        facts += _decode(packed)
    return facts, int(str(found[-1][0])) if found else 0


def forget(database: Database, number: int) -> None:
    """Delete the batches up to this one, in the transaction that adds them."""
    database.run("DELETE FROM rollup_pending WHERE number <= ?", (number,))
