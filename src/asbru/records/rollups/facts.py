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
from asbru.records.spend import Counted, Sums, sums_of
from asbru.storage import Database
from asbru.telemetry import log

DIMENSIONS: Final = ("provider", "model", "caller", "team", "customer", "surface", "error")
"""What can be asked for; `error` is the code of a failed call, "" of one that went well."""
SUMS: Final = ("calls", "failed", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "cost_nanousd")

BROKEN: Final = ("error", "cut")
"""Outcomes of calls that failed because of their provider."""

FACTS_PER_LOAD: Final = 2_500
KINDS_PER_LOAD: Final = 300
"""What is taken at a time: some hundredths of a second's work."""
_BATCHES: Final = 200

_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_STARTED, _ATTEMPTS, _OUTCOME, _ERROR, _CACHED, _LATENCY, _FIRST_TOKEN = (
    _AT[name]
    for name in (
        *("started_ms", "attempts", "outcome", "error_code"),
        *("cache_read_tokens", "latency_us", "first_token_us"),
    )
)
_KEY_NAME: Final = _AT["key_name"]
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


class Load(NamedTuple):
    """Facts that wait. `number`: of the last batch of them; `more`: whether others wait behind it, as far as is
    known."""

    facts: list[Fact]
    number: int
    more: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode


def fact_of(row: Sequence[Any], *, times: int = 1) -> Fact:
    """A record; `times` -1 takes it away. Raises TypeError for one that holds words where numbers belong."""
    return _fact(row, sums_of(row), times)


def _fact(row: Sequence[Any], sums: Sums, times: int) -> Fact:
    calls, failed, unpriced, input_tokens, output_tokens, cost_nanousd = sums
    error = (row[_ERROR] or row[_OUTCOME]) if failed else ""
    first_us = row[_FIRST_TOKEN]
    # "0 +" refuses words; numbers stay as they are.
    numbers = (calls, failed, unpriced, input_tokens, 0 + (row[_CACHED] or 0), output_tokens, cost_nanousd)
    return Fact(
        0 + row[_STARTED],
        (*_named(row), error),
        numbers if times == 1 else tuple([times * one for one in numbers]),
        # A call that no provider was asked for takes no time worth knowing: it would only make the others look fast.
        0 + row[_LATENCY] if row[_ATTEMPTS] else None,
        None if first_us is None else 0 + first_us,
        row[_KEY_NAME],
        times if row[_OUTCOME] in BROKEN else 0,
    )


def cost_changed(row: Sequence[Any], *, unpriced: int, cost_nanousd: int) -> Fact:
    """The fact of a record whose cost changes by so much."""
    known = fact_of(row)
    sums = (0, 0, unpriced, 0, 0, 0, cost_nanousd)
    return known._replace(sums=sums, latency_us=None, first_token_us=None, broken=0)


def add_counted(database: Database, counted: Iterable[Counted]) -> None:
    """Note records that were just inserted, in their transaction. One that holds words where numbers belong counts
    nowhere."""
    facts: list[Fact] = []
    for row, _, sums in counted:
        try:
            facts.append(_fact(row, sums, 1))
        except TypeError:
            continue
    add(database, facts)


def add(database: Database, facts: Sequence[Fact]) -> None:
    """Note facts, in the transaction that is open."""
    if facts:
        database.run(_ADD, (_encode(facts),))


def load(database: Database, after: int = 0) -> Load:
    """The oldest facts that wait after this batch, about FACTS_PER_LOAD or KINDS_PER_LOAD combinations of values."""
    facts: list[Fact] = []
    kinds: set[tuple[str, ...]] = set()
    last = after
    for number, packed in database.run(
        "SELECT number, facts FROM rollup_pending WHERE number > ? ORDER BY number LIMIT ?", (after, _BATCHES)
    ):
        assert isinstance(packed, bytes)
        last = int(str(number))
        try:
            batch = _decode(packed)
            facts += batch
            kinds.update([fact.values for fact in batch])
        except msgspec.MsgspecError as error:  # what cannot be read must not keep the rest waiting
            log("error", "records are missing in the sums by time", why=error)
        if len(facts) >= FACTS_PER_LOAD or len(kinds) >= KINDS_PER_LOAD:
            return Load(facts, last, more=True)
    return Load(facts, last, more=False)


def forget(database: Database, number: int) -> None:
    """Delete the batches up to this one, in the transaction that adds them."""
    database.run("DELETE FROM rollup_pending WHERE number <= ?", (number,))
