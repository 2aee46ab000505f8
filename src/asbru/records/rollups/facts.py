"""Facts: what a record adds to the sums, small enough to wait in the database until they are folded into them.

    records written --same transaction--> rollup_pending --some seconds later--> rollups (`fold`)

So each record counts once, and the transaction of the records pays for one insert per batch and not for the upserts of
every series, nor for those of spend. A fact may also take away: records that are removed, and costs that change, are
facts with negative sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from asbru.records.row import COLUMNS
from asbru.records.sums import Key, Sums, numbers_of
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
_facts_of: Final = itemgetter(
    *(_AT[name] for name in ("started_ms", "outcome", "attempts", "cache_read_tokens")),
    *(_AT[name] for name in ("latency_us", "first_token_us", "key_name", "tags")),
)
_names_of: Final = itemgetter(
    *(_AT[name] for name in ("provider", "model_served", "caller", "team", "customer", "surface", "error_code"))
)
_DAY_MS: Final = 86_400_000
_ADD: Final = "INSERT INTO rollup_pending SELECT COALESCE(MAX(number), 0) + 1, ? FROM rollup_pending"


class Fact(NamedTuple):
    """One record's part, or a change of it. `values`: of DIMENSIONS, in order; `sums`: of SUMS, in order. The durations
    count as often as there are calls; None: not at all. `key_name`: of the provider; `broken`: calls that failed
    because of the provider. `tags`: of a record that is to be added to spend with this fact; None: it was added
    before, or is not to be."""

    started_ms: int
    values: tuple[str, ...]
    sums: tuple[int, ...]
    latency_us: int | None
    first_token_us: int | None
    # Facts that an older version has left are shorter.
    key_name: str = ""
    broken: int = 0
    tags: str | None = None


class Load(NamedTuple):
    """Facts that wait. `number`: of the last batch of them; `more`: whether others wait behind it, as far as is
    known."""

    facts: list[Fact]
    number: int
    more: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Fact]).decode


def fact_of(row: Sequence[Any], *, times: int = 1) -> Fact:
    """A record that is in the sums of spend; `times` -1 takes it away. Raises TypeError for one that holds words where
    numbers belong."""
    fact = Fact(*_write_fact(row)[:-1])
    if times == 1:
        return fact
    return fact._replace(sums=tuple([times * one for one in fact.sums]), broken=times * fact.broken)


def _write_fact(row: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a `Fact` of a record that is to be added to spend; plain, since this is done for each record."""
    started_ms, outcome, attempts, cached, latency_us, first_us, key_name, tags = _facts_of(row)
    provider, model, caller, team, customer, surface, error_code = _names_of(row)
    calls, failed, unpriced, input_tokens, output_tokens, cost_nanousd = numbers_of(row)
    # "0 +" refuses words; numbers stay as they are.
    return (
        0 + started_ms,
        (provider, model, caller, team, customer, surface, (error_code or outcome) if failed else ""),
        (calls, failed, unpriced, input_tokens, 0 + (cached or 0), output_tokens, cost_nanousd),
        # A call that no provider was asked for takes no time worth knowing: it would only make the others look fast.
        0 + latency_us if attempts else None,
        None if first_us is None else 0 + first_us,
        key_name,
        1 if outcome in BROKEN else 0,
        tags,
    )


def cost_changed(row: Sequence[Any], *, unpriced: int, cost_nanousd: int) -> Fact:
    """The fact of a record whose cost changes by so much."""
    known = fact_of(row)
    sums = (0, 0, unpriced, 0, 0, 0, cost_nanousd)
    return known._replace(sums=sums, latency_us=None, first_token_us=None, broken=0)


def add_records(database: Database, rows: Iterable[Sequence[Any]], *, in_spend: bool = False) -> None:
    """Note records, in the transaction that is open. `in_spend`: they are in the sums of spend already. One that holds
    words where numbers belong counts nowhere."""
    written: list[Sequence[Any]] = []
    for row in rows:
        try:
            written.append(fact_of(row) if in_spend else _write_fact(row))
        except TypeError:
            continue
    add(database, written)


def add(database: Database, facts: Sequence[Sequence[Any]]) -> None:
    """Note facts, in the transaction that is open."""
    if facts:
        database.run(_ADD, (_encode(facts),))


def spent(fact: Fact) -> tuple[Key, Sums] | None:
    """Where a fact counts in the sums of spend, and what it adds; None: nothing."""
    if fact.tags is None:
        return None
    provider, model, caller, team, customer, _, _ = fact.values
    calls, failed, unpriced, input_tokens, _, output_tokens, cost_nanousd = fact.sums
    key = (fact.started_ms // _DAY_MS, caller, team, customer, provider, model, fact.tags)
    return key, Sums(calls, failed, unpriced, input_tokens, output_tokens, cost_nanousd)


def read_spent(packed: bytes) -> list[tuple[Key, Sums]]:
    """What a batch of facts adds to the sums of spend; nothing where it cannot be read."""
    try:
        found = map(spent, _decode(packed))
        return [one for one in found if one is not None]
    except msgspec.MsgspecError:
        return []


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
            log("error", "records are missing from the sums over time", why=error)
        if len(facts) >= FACTS_PER_LOAD or len(kinds) >= KINDS_PER_LOAD:
            return Load(facts, last, more=True)
    return Load(facts, last, more=False)


def forget(database: Database, number: int) -> None:
    """Delete the batches up to this one, in the transaction that adds them."""
    database.run("DELETE FROM rollup_pending WHERE number <= ?", (number,))
