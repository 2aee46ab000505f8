"""Folds waiting facts into the sums: one transaction takes them away and adds them to every series and tier, and to
spend. What was gathered before it, in steps, is only remembered.

Callers choose names, so of each dimension only so many values a day have series of their own (VALUES_PER_DAY_MAX), and
only so many combinations (COMBINATIONS_PER_DAY_MAX); the rest is summed under OTHERS. The sums of all calls and those
of a single dimension are therefore always complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import Final, TypeAlias, TypeVar

from asbru.records.rollups import facts, histogram
from asbru.records.rollups.facts import DIMENSIONS, SUMS, Fact, spent
from asbru.records.rollups.histogram import bucket_of
from asbru.records.sums import OTHERS, SpendAdder
from asbru.storage import Database

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
TIERS: Final = (MINUTE_S, HOUR_S, DAY_S)
_MINUTE_MS: Final = MINUTE_S * 1000
TOTAL: Final = ""
EACH: Final = "each"
KEY: Final = "key"
"""A provider and one of its keys; `failed` are then the calls that failed because of it."""
VALUES_PER_DAY_MAX: Final = 500
COMBINATIONS_PER_DAY_MAX: Final = 5_000
GATHERED_MAX: Final = 20_000
"""Facts that are written at once."""
_DAYS_KNOWN_MAX: Final = 3
_SERIES_KNOWN_MAX: Final = 20_000
COMBINATIONS_KNOWN_MAX: Final = 4_000
"""As callers name them, so without end: enough for those that call often, and full within the first minutes of many.
To work one out again costs far less than to write its sums."""

_NAMED: Final = (*DIMENSIONS, "key_name")
_NO_VALUES: Final = ("",) * len(_NAMED)
_NOTHING: Final = (0,) * len(SUMS)
_FAILED: Final = SUMS.index("failed")
_COLUMNS: Final = ", ".join(_NAMED)
_FIND: Final = f"SELECT id FROM rollup_series WHERE view = ? AND {' AND '.join(f'{one} = ?' for one in _NAMED)}"  # noqa: S608 -- our own names
_MAKE: Final = (
    f"INSERT INTO rollup_series SELECT COALESCE(MAX(id), 0) + 1, {', '.join('?' * (1 + len(_NAMED)))} "  # noqa: S608 -- only marks
    "FROM rollup_series"
)
_ADD: Final = (
    f"INSERT INTO rollups VALUES ({', '.join('?' * (5 + len(SUMS)))}) ON CONFLICT (tier, series, at) DO UPDATE SET "  # noqa: S608 -- our own names
    f"{', '.join(f'{one} = rollups.{one} + excluded.{one}' for one in SUMS)}, "
    "latency = excluded.latency, first_token = excluded.first_token"
)
_KNOWN: Final = "SELECT latency, first_token FROM rollups WHERE tier = ? AND series = ? AND at = ?"
_OF_DAY: Final = (
    f"SELECT {_COLUMNS} FROM rollup_series AS s CROSS JOIN rollups AS r "  # noqa: S608 -- our own names
    f"WHERE s.view = ? AND r.tier = {DAY_S} AND r.series = s.id AND r.at = ?"
)
_EMPTIED: Final = "DELETE FROM rollups WHERE tier = ? AND series = ? AND at = ? AND calls <= 0"

Values: TypeAlias = tuple[str, ...]
_Key = TypeVar("_Key")


class _Part:
    """What is added in one place."""

    __slots__ = ("first_token", "latency", "sums")

    def __init__(self) -> None:
        self.sums = _NOTHING
        self.latency: histogram.Histogram = {}
        self.first_token: histogram.Histogram = {}

    def add(self, facts_of_one: Sequence[Fact]) -> None:
        self.sums = tuple(map(sum, zip(self.sums, *[fact.sums for fact in facts_of_one], strict=True)))
        latency, first_token = self.latency, self.first_token
        for _, _, sums, latency_us, first_token_us, _, _, _ in facts_of_one:
            if latency_us is not None:
                bucket = bucket_of(latency_us)
                latency[bucket] = latency.get(bucket, 0) + sums[0]
            if first_token_us is not None:
                bucket = bucket_of(first_token_us)
                first_token[bucket] = first_token.get(bucket, 0) + sums[0]

    def plus(self, other: _Part) -> None:
        self.sums = tuple(map(add, self.sums, other.sums))
        for counts, more in ((self.latency, other.latency), (self.first_token, other.first_token)):
            for bucket, count in more.items():
                counts[bucket] = counts.get(bucket, 0) + count

    def blamed(self, broken: int) -> _Part:
        """The same, of which so many calls failed."""
        part = _Part()
        part.plus(self)
        part.sums = (*part.sums[:_FAILED], broken, *part.sums[_FAILED + 1 :])
        return part


class Folder:
    """Folds; keeps what it knows of the database's series. After a transaction that failed it is to `forget`."""

    def __init__(self) -> None:
        self.written_facts = 0
        """How many facts the last fold that wrote had."""
        self._spend = SpendAdder()
        self._forget_gathered()
        self._series: dict[tuple[str, Values], int] = {}
        self._names: dict[tuple[int, str], set[Values]] = {}
        self._counts_in: dict[tuple[int, Values], tuple[int, ...]] = {}
        """The series that a combination of values counts in on a day."""

    def fold(self, database: Database) -> bool:
        """Take the oldest facts that wait, in the transaction that is open. Where many do, they are only gathered: each
        combination of values has sums of its own to write, so the more facts are written at once, the less each
        costs. True: there may be more."""
        load = facts.load(database, self._gathered_to)
        gathered = self._gathered
        for fact in load.facts:
            started_ms, values, _, _, _, key_name, _, tags = fact
            gathered[started_ms // _MINUTE_MS, values, key_name, tags].append(fact)
        self._gathered_facts += len(load.facts)
        self._gathered_to = load.number
        is_full = self._gathered_facts >= GATHERED_MAX or len(self._gathered) >= facts.KINDS_PER_LOAD
        if load.more and not is_full:
            return True
        if self._gathered_to:
            self._write(database)
            facts.forget(database, self._gathered_to)
            self.written_facts = self._gathered_facts
            self._forget_gathered()
        return load.more

    def _write(self, database: Database) -> None:
        """Add what is gathered to every series and tier."""
        minutes: dict[tuple[int, int], _Part] = {}
        for (number_of_minute, values, key_name, tags), of_one in self._gathered.items():
            at = number_of_minute * MINUTE_S
            part = _Part()
            part.add(of_one)
            day = at // DAY_S * DAY_S
            added = spent(Fact(at * 1000, values, part.sums, None, None, tags=tags))
            if added is not None:
                self._spend.add(database, *added)
            for series in self._series_of(database, day, values):
                _at(minutes, (series, at)).plus(part)
            if values[0]:
                blamed = part.blamed(sum(fact.broken for fact in of_one))
                _at(minutes, (self._key_series(database, day, values[0], key_name), at)).plus(blamed)
        for tier in (HOUR_S, DAY_S, MINUTE_S):  # minutes last: saving adds what is known to what is saved
            self._save(database, tier, minutes if tier == MINUTE_S else _longer(minutes, tier))
        self._spend.save(database)

    def _forget_gathered(self) -> None:
        self._gathered: defaultdict[tuple[int, Values, str, str | None], list[Fact]] = defaultdict(list)
        self._gathered_facts = self._gathered_to = 0

    def forget(self) -> None:
        """Nothing is known of the database any more."""
        self._forget_gathered()
        self._spend.forget()
        self._series.clear()
        self._names.clear()
        self._counts_in.clear()

    def _save(self, database: Database, tier: int, parts: Mapping[tuple[int, int], _Part]) -> None:
        for (series, at), part in parts.items():
            place = (tier, series, at)
            for latency, first_token in database.run(_KNOWN, place):
                assert isinstance(latency, bytes)
                assert isinstance(first_token, bytes)
                histogram.read_into(part.latency, latency)
                histogram.read_into(part.first_token, first_token)
            packed = (histogram.write(part.latency), histogram.write(part.first_token))
            database.run(_ADD, (*place, *part.sums, *packed))
            if part.sums[0] < 0:
                database.run(_EMPTIED, place)

    def _series_of(self, database: Database, day: int, values: Values) -> tuple[int, ...]:
        found = self._counts_in.get((day, values))
        if found is None:
            if len(self._counts_in) >= COMBINATIONS_KNOWN_MAX:
                self._counts_in.clear()
            found = tuple(self._id(database, *view) for view in self._views(database, day, values))
            self._counts_in[day, values] = found
        return found

    def _key_series(self, database: Database, day: int, provider: str, key_name: str) -> int:
        found = self._counts_in.get((day, (provider, key_name)))
        if found is None:
            if len(self._counts_in) >= COMBINATIONS_KNOWN_MAX:
                self._counts_in.clear()
            values = (provider, *_NO_VALUES[2:], key_name)
            if not self._has_place(database, day, KEY, values):
                values = (OTHERS, *_NO_VALUES[2:], OTHERS)
            found = self._counts_in[day, (provider, key_name)] = (self._id(database, KEY, values),)
        return found[0]

    def _views(self, database: Database, day: int, values: Values) -> Iterator[tuple[str, Values]]:
        """The views that a combination of values counts in, and its values there."""
        yield TOTAL, _NO_VALUES
        bounded: list[str] = []
        for place, name in enumerate(DIMENSIONS):
            alone = (*_NO_VALUES[:place], values[place], *_NO_VALUES[place + 1 :])
            if not self._has_place(database, day, name, alone):
                alone = (*_NO_VALUES[:place], OTHERS, *_NO_VALUES[place + 1 :])
            bounded.append(alone[place])
            yield name, alone
        each = (*bounded, "")
        yield EACH, each if self._has_place(database, day, EACH, each) else (*(OTHERS,) * len(DIMENSIONS), "")

    def _has_place(self, database: Database, day: int, view: str, values: Values) -> bool:
        names = self._names.get((day, view))
        if names is None:
            while len(self._names) >= _DAYS_KNOWN_MAX * (2 + len(DIMENSIONS)):
                del self._names[next(iter(self._names))]
            found = database.run(_OF_DAY, (view, day))
            names = self._names[day, view] = {tuple(map(str, one)) for one in found}
        if values in names:
            return True
        if len(names) >= (COMBINATIONS_PER_DAY_MAX if view == EACH else VALUES_PER_DAY_MAX):
            return False
        names.add(values)
        return True

    def _id(self, database: Database, view: str, values: Values) -> int:
        known = self._series.get((view, values))
        if known is None:
            if len(self._series) >= _SERIES_KNOWN_MAX:
                self._series.clear()
            found = database.run(_FIND, (view, *values))
            if not found:
                database.run(_MAKE, (view, *values))
                found = database.run(_FIND, (view, *values))
            known = self._series[view, values] = int(str(found[0][0]))
        return known


def _at(parts: dict[_Key, _Part], key: _Key) -> _Part:
    part = parts.get(key)
    if part is None:
        part = parts[key] = _Part()
    return part


def _longer(minutes: Mapping[tuple[int, int], _Part], tier: int) -> dict[tuple[int, int], _Part]:
    """The same, added up by a longer time."""
    places: dict[tuple[int, int], _Part] = {}
    for (series, at), part in minutes.items():
        _at(places, (series, at // tier * tier)).plus(part)
    return places
