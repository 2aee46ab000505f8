"""Spend by owner, provider, model, tags and day: sums kept while records are written, never made by reading records.

What a record adds waits among the facts of the sums by time (`rollups`), and is added with them some seconds later.
What still waits is added here, so that the sums are always those of all records that are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias, cast, get_args

import msgspec

from asbru.records.rollups import facts
from asbru.records.sums import KEYS, OTHERS, SUMS, Key, SpendAdder, Sums
from asbru.storage import Database, open_reader

_EPOCH: Final = date(1970, 1, 1)

Dimension: TypeAlias = Literal["day", "caller", "team", "customer", "provider", "model", "tag"]


class Spent(NamedTuple):
    """One line of an answer. `by`: the values of the dimensions that were asked for, in their order."""

    by: tuple[str, ...]
    sums: Sums


def read_spend(
    url: str,
    by: Sequence[Dimension] = (),
    *,
    since: date | None = None,
    until: date | None = None,
    where: Mapping[str, str] | None = None,
    tag: str = "",
    within: tuple[str, Sequence[str]] | None = None,
) -> list[Spent]:
    """The sums by any dimensions, the dearest first. `since` and `until`: days, both included; `where`: dimensions that
    must have a value; `tag`: the name of the tag that the dimension "tag" is about; `within`: a dimension
    and the values of it that count at all. [] where there is no database."""
    wanted = dict(where or {})
    tag_wanted = wanted.pop("tag", None)
    columns = list(dict.fromkeys("tags" if one == "tag" else one for one in by))
    if tag_wanted is not None and "tags" not in columns:
        columns.append("tags")
    unknown = {*columns, *wanted} - {*KEYS}
    if unknown:
        raise ValueError(f"expected {', '.join(get_args(Dimension))}, got {', '.join(sorted(unknown))}")
    query = _Query(tuple(columns), wanted, _day(since or _EPOCH), _day(until or date.max), within)
    found: dict[tuple[str, ...], Sums] = {}
    for line in _read_lines(url, query):
        named = dict(zip(columns, line, strict=False))
        value = _tag(str(named.get("tags", "")), tag)
        if tag_wanted is None or value == tag_wanted:
            at = tuple(value if one == "tag" else _told(one, named[one]) for one in by)
            found[at] = found.get(at, Sums()).plus(Sums(*(int(str(one)) for one in line[len(columns) :])))
    spent = [Spent(at, sums) for at, sums in found.items() if sums.calls]
    return sorted(spent, key=lambda one: (-one.sums.cost_nanousd, one.by))


class _Query(NamedTuple):
    """What is read. `columns`: those that tell lines apart; `wanted`: columns that must have a value; `first` and
    `last`: days; `within`: a column and the values of it that count at all."""

    columns: tuple[str, ...]
    wanted: Mapping[str, str]
    first: int
    last: int
    within: tuple[str, Sequence[str]] | None

    def statement(self) -> tuple[str, list[object]]:
        """In SQL, with its values: the sums, after two columns of nothing, and whole batches of what waits. One
        statement: what is folded between two would be read twice, or not at all."""
        conditions = ["day >= ?", "day <= ?", *(f"{name} = ?" for name in self.wanted)]
        values: list[object] = [self.first, self.last, *self.wanted.values()]
        if self.within is not None:
            column, names = self.within
            conditions.append(f"{column} IN ({', '.join('?' * len(names))})" if names else "0 = 1")
            values += names
        selected = ", ".join([*self.columns, *(f"COALESCE(SUM({name}), 0)" for name in SUMS)])
        grouped = f" GROUP BY {', '.join(self.columns)}" if self.columns else ""
        nothing = ", ".join("0" if name in {"day", *SUMS} else "''" for name in (*self.columns, *SUMS))
        return (
            f"SELECT 0, NULL, {selected} FROM spend WHERE {' AND '.join(conditions)}{grouped} "  # noqa: S608 -- our own names
            f"UNION ALL SELECT number, facts, {nothing} FROM rollup_pending"
        ), values

    def line(self, key: Key, sums: Sums) -> Sequence[object] | None:
        """What waits, as a line of the table; None where it is not wanted."""
        named: dict[str, object] = dict(zip(KEYS, key, strict=True))
        if (
            self.first <= key[0] <= self.last
            and all(named[name] == value for name, value in self.wanted.items())
            and (self.within is None or named[self.within[0]] in self.within[1])
        ):
            return [*(named[name] for name in self.columns), *sums]
        return None


def _read_lines(url: str, query: _Query) -> list[Sequence[object]]:
    """Lines of columns and sums, of what is added and of what waits; [] where there is no database."""
    database = open_reader(url)
    if database is None:
        return []
    try:
        read = database.run(*query.statement())
        lines: list[Sequence[object]] = [line[2:] for line in read if line[1] is None]
        waiting = _waiting(database, [(number, packed) for number, packed, *_ in read if packed is not None])
        return lines + [line for key, sums in waiting if (line := query.line(key, sums)) is not None]
    finally:
        database.close()


def _waiting(database: Database, batches: Iterable[Sequence[object]]) -> Iterable[tuple[Key, Sums]]:
    """What waits in batches of facts, by where it will be added."""
    adder = SpendAdder()
    for _, packed in sorted(cast("Iterable[tuple[int, bytes]]", batches)):
        for key, sums in facts.read_spent(packed):
            adder.add(database, key, sums)
    return adder.changes.items()


def has_calls(database: Database, caller: str) -> bool:
    """Whether a virtual key of this name ever had calls."""
    if database.run("SELECT 1 FROM spend WHERE caller = ? LIMIT 1", (caller,)):
        return True
    waiting = database.run("SELECT facts FROM rollup_pending")
    return any(key[1] == caller for (packed,) in waiting for key, _ in facts.read_spent(cast("bytes", packed)))


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _told(dimension: str, value: object) -> str:
    return (_EPOCH + timedelta(days=int(str(value)))).isoformat() if dimension == "day" else str(value)


def _tag(tags: str, name: str) -> str:
    """The value of one tag, "" where there is none."""
    if not tags or tags == OTHERS:
        return tags
    return msgspec.json.decode(tags, type=dict[str, str]).get(name, "")
