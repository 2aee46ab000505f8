"""Folds waiting facts into the sums: one transaction takes them away and adds them to every series and tier.

Callers choose names, so of each dimension only so many values a day have series of their own (VALUES_PER_DAY_MAX), and
only so many combinations (COMBINATIONS_PER_DAY_MAX); the rest is summed under OTHERS. The sums of all calls and those
of a single dimension are therefore always complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from asbru.records.rollups import facts, histogram
from asbru.records.rollups.facts import DIMENSIONS, SUMS, Fact
from asbru.records.spend import OTHERS
from asbru.storage import Database

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
TIERS: Final = (MINUTE_S, HOUR_S, DAY_S)
TOTAL: Final = ""
EACH: Final = "each"
KEY: Final = "key"
"""A provider and one of its keys; `failed` are then the calls that failed because of it."""
VALUES_PER_DAY_MAX: Final = 500
COMBINATIONS_PER_DAY_MAX: Final = 5_000
_DAYS_KNOWN_MAX: Final = 3
_SERIES_KNOWN_MAX: Final = 20_000

_NAMED: Final = (*DIMENSIONS, "key_name")
_NO_VALUES: Final = ("",) * len(_NAMED)
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
_FAILED: Final = SUMS.index("failed")
_KNOWN: Final = "SELECT latency, first_token FROM rollups WHERE tier = ? AND series = ? AND at = ?"
_OF_DAY: Final = (
    f"SELECT {_COLUMNS} FROM rollup_series AS s CROSS JOIN rollups AS r "  # noqa: S608 -- our own names
    f"WHERE s.view = ? AND r.tier = {DAY_S} AND r.series = s.id AND r.at = ?"
)
_EMPTIED: Final = "DELETE FROM rollups WHERE tier = ? AND series = ? AND at = ? AND calls <= 0"

Values: TypeAlias = tuple[str, ...]
_Key = TypeVar("_Key")


class _Part:
    """What is added in one place. `broken`: calls that failed because of the provider."""

    __slots__ = ("broken", "first_token", "latency", "sums")

    def __init__(self) -> None:
        self.broken = 0
        self.sums = [0] * len(SUMS)
        self.latency: histogram.Histogram = {}
        self.first_token: histogram.Histogram = {}

    def add(self, fact: Fact) -> None:
        calls = fact.sums[0]
        self._add_sums(fact.sums)
        self.broken += fact.broken
        for counts, value in ((self.latency, fact.latency_us), (self.first_token, fact.first_token_us)):
            if value is not None:
                bucket = histogram.bucket_of(value)
                counts[bucket] = counts.get(bucket, 0) + calls

    def plus(self, other: _Part) -> None:
        self._add_sums(other.sums)
        _add_counts(self.latency, other.latency)
        _add_counts(self.first_token, other.first_token)

    def blamed(self) -> _Part:
        """The same, in which only those calls failed that failed because of the provider."""
        part = _Part()
        part.plus(self)
        part.sums[_FAILED] = self.broken
        return part

    def _add_sums(self, sums: Iterable[int]) -> None:
        for place, amount in enumerate(sums):
            self.sums[place] += amount


class Folder:
    """Folds; keeps what it knows of the database's series. After a transaction that failed it is to `forget`."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, Values], int] = {}
        self._names: dict[tuple[int, str], set[Values]] = {}

    def fold(self, database: Database, facts_max: int = facts.FACTS_PER_LOAD) -> bool:
        """Fold the oldest facts that wait, in the transaction that is open. True: there may be more."""
        waiting, number = facts.load(database, facts_max)
        if not number:
            return False
        by_minute: dict[tuple[int, Values, str], _Part] = {}
        for fact in waiting:
            minute = fact.started_ms // 1000 // MINUTE_S * MINUTE_S
            _at(by_minute, (minute, fact.values, fact.key_name)).add(fact)
        places: dict[tuple[int, int, int], _Part] = {}
        for (minute, values, key_name), part in by_minute.items():
            for view, named in self._views(database, minute, values, key_name):
                place = (MINUTE_S, self._id(database, view, named), minute)
                _at(places, place).plus(part.blamed() if view == KEY else part)
        for tier, larger in pairwise(TIERS):
            for (of, series, at), part in list(places.items()):
                if of == tier:
                    _at(places, (larger, series, at // larger * larger)).plus(part)
        self._save(database, places)
        facts.forget(database, number)
        return True

    def forget(self) -> None:
        """Nothing is known of the database any more."""
        self._series.clear()
        self._names.clear()

    def _save(self, database: Database, places: Mapping[tuple[int, int, int], _Part]) -> None:
        for place, part in places.items():
            for latency, first_token in database.run(_KNOWN, place):
                assert isinstance(latency, bytes)
                assert isinstance(first_token, bytes)
                histogram.read_into(part.latency, latency)
                histogram.read_into(part.first_token, first_token)
            packed = (histogram.write(part.latency), histogram.write(part.first_token))
            database.run(_ADD, (*place, *part.sums, *packed))
            if part.sums[0] < 0:
                database.run(_EMPTIED, place)

    def _views(self, database: Database, minute: int, values: Values, key_name: str) -> Iterator[tuple[str, Values]]:
        """The series that a combination of values counts in."""
        day = minute // DAY_S * DAY_S
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
        if values[0]:
            key = (values[0], *_NO_VALUES[2:], key_name)
            yield KEY, key if self._has_place(database, day, KEY, key) else (OTHERS, *_NO_VALUES[2:], OTHERS)

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


def _add_counts(counts: histogram.Histogram, more: histogram.Histogram) -> None:
    for bucket, count in more.items():
        counts[bucket] = counts.get(bucket, 0) + count
