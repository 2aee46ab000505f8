"""Facts: what a record adds to the sums, small enough to wait in the database until they are folded into them.

    records written --same transaction--> rollup_pending --some seconds later--> rollups (`fold`)

So each record counts once, and the transaction of the records pays for one insert per batch and not for the upserts of
every series. A fact may also take away: records that are removed, and costs that change, are facts with negative sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from asbru.records.row import COLUMNS
from asbru.records.spend import sums_of
from asbru.storage import Database
from asbru.telemetry import log

DIMENSIONS: Final = ("provider", "model", "caller", "team", "customer", "surface", "error")
"""What can be asked for; `error` is the code of a failed call, "" of one that went well."""
SUMS: Final = ("calls", "failed", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "cost_nanousd")

BROKEN: Final = ("error", "cut")
"""Outcomes of calls that failed because of their provider."""

FACTS_PER_LOAD: Final = 1_000
"""What one fold takes: a tenth of a second's work at most."""
_BATCHES: Final = 100

_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_STARTED = _AT["started_ms"]
_named: Final = itemgetter(
    *(_AT[name] for name in ("provider", "model_served", "caller", "team", "customer", "surface"))
)
_ADD: Final = "INSERT INTO rollup_pending SELECT COALESCE(MAX(number), 0) + 1, ? FROM rollup_pending"


class Fact(NamedTuple):
    """One record's part, or a change of it. `values`: of DIMENSIONS, in order; `sums`: of SUMS, in order. The durations
    count as often as there are calls; None: not at all. `key_name`: of the provider; `broken`: calls that failed
    because of the provider."""

    started_ms: int
    values: tuple[str, ...]
    sums: tuple[int, ...]
    latency_us: int | None
    first_token_us: int | None
    # Facts that an older version has left are shorter.
    key_name: str = ""
    broken: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode


def fact_of(row: Sequence[Any], *, times: int = 1) -> Fact:
    """A record; `times` -1 takes it away. Raises TypeError and ValueError for one that holds words where numbers
    belong."""
    sums = sums_of(row)
    error = (row[_AT["error_code"]] or row[_AT["outcome"]]) if sums.failed else ""
    cached = int(row[_AT["cache_read_tokens"]] or 0)
    numbers = (1, sums.failed, sums.unpriced, sums.input_tokens, cached, sums.output_tokens, sums.cost_nanousd)
    # A call that no provider was asked for takes no time worth knowing: it would only make the others look fast.
    latency_us = int(row[_AT["latency_us"]]) if row[_AT["attempts"]] else None
    first_us = row[_AT["first_token_us"]]
    return Fact(
        int(row[_STARTED]),
        (*_named(row), error),
        numbers if times == 1 else tuple(times * one for one in numbers),
        latency_us,
        None if first_us is None else int(first_us),
        str(row[_AT["key_name"]]),
        times if row[_AT["outcome"]] in BROKEN else 0,
    )


def cost_changed(row: Sequence[Any], *, unpriced: int, cost_nanousd: int) -> Fact:
    """The fact of a record whose cost changes by so much."""
    known = fact_of(row)
    sums = (0, 0, unpriced, 0, 0, 0, cost_nanousd)
    return known._replace(sums=sums, latency_us=None, first_token_us=None, broken=0)


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


def load(database: Database, facts_max: int = FACTS_PER_LOAD) -> tuple[list[Fact], int]:
    """The oldest facts that wait, about `facts_max`, and the number of the last batch of them; 0 when none do."""
    facts: list[Fact] = []
    last = 0
    for number, packed in database.run(
        "SELECT number, facts FROM rollup_pending ORDER BY number LIMIT ?", (_BATCHES,)
    ):
        assert isinstance(packed, bytes)
        last = int(str(number))
        try:
            facts += _decode(packed)
        except msgspec.MsgspecError as error:  # what cannot be read must not keep the rest waiting
            log("error", "records are missing in the sums by time", why=error)
        if len(facts) >= facts_max:
            break
    return facts, last


def forget(database: Database, number: int) -> None:
    """Delete the batches up to this one, in the transaction that adds them."""
    database.run("DELETE FROM rollup_pending WHERE number <= ?", (number,))
