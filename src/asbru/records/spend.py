"""Spend by owner, provider, model, tags and day: sums kept while records are written, never made by reading records.

A call counts where its record says it went: under the provider and model that served it, or were tried last, with all
that its attempts cost. Callers choose models and tags, so of each only so many a day have a line of their own
(NAMES_PER_DAY_MAX); the rest is added up under OTHERS. Sums change in the transaction that writes the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from asbru.records.row import COLUMNS
from asbru.storage import Database, open_reader

NAMES_PER_DAY_MAX: Final = 2_000
OTHERS: Final = "(others)"
"""Stands for the models or tags beyond that."""
_DAYS_KNOWN_MAX: Final = 4
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)

Dimension: TypeAlias = Literal["day", "caller", "team", "customer", "provider", "model", "tag"]
_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_STARTED, _OUTCOME, _ATTEMPTS, _COST = (_AT[name] for name in ("started_ms", "outcome", "attempts", "cost_nanousd"))
_INPUT, _CACHE_READ, _WRITE_5M, _WRITE_1H, _AUDIO_INPUT, _IMAGE_INPUT = (
    _AT[f"{name}_tokens"]
    for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "image_input")
)
_OUTPUT, _REASONING, _AUDIO_OUTPUT, _IMAGE_OUTPUT = (
    _AT[f"{name}_tokens"] for name in ("output", "reasoning", "audio_output", "image_output")
)
_names_of: Final = itemgetter(
    *(_AT[name] for name in ("caller", "team", "customer", "provider", "model_served", "tags"))
)
_KEYS: Final = ("day", "caller", "team", "customer", "provider", "model", "tags")
_SUMS: Final = ("calls", "failed", "unpriced", "input_tokens", "output_tokens", "cost_nanousd")
_ADD: Final = (
    f"INSERT INTO spend VALUES ({','.join('?' * (len(_KEYS) + len(_SUMS)))}) ON CONFLICT ({', '.join(_KEYS)}) "  # noqa: S608 -- our own names
    f"DO UPDATE SET {', '.join(f'{name} = spend.{name} + excluded.{name}' for name in _SUMS)}"
)

Key: TypeAlias = tuple[int, str, str, str, str, str, str]


class Sums(NamedTuple):
    """`failed`: calls that did not end well; `unpriced`: calls that may have cost something, nobody knows how much."""

    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(
            self.calls + other.calls,
            self.failed + other.failed,
            self.unpriced + other.unpriced,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_nanousd + other.cost_nanousd,
        )


Counted: TypeAlias = tuple[Sequence[Any], Key, Sums]
"""A record, where it counts, and what it adds."""


class Spent(NamedTuple):
    """One line of an answer. `by`: the values of the dimensions that were asked for, in their order."""

    by: tuple[str, ...]
    sums: Sums


class SpendAdder:
    """Gathers changes of the sums of a database, and saves them together."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], set[str]] = {}
        self._changes: dict[Key, Sums] = {}

    def add(self, database: Database, counted: Iterable[Counted]) -> None:
        """Records that were just inserted."""
        for _, key, sums in counted:
            self._add(self._place(database, key), sums)

    def change(self, database: Database, row: Sequence[Any], by: Sums) -> None:
        """Change the sums where a record counts."""
        self._add(self._place(database, key_of(row)), by)

    def _add(self, key: Key, by: Sums) -> None:
        known = self._changes.get(key)
        self._changes[key] = by if known is None else known.plus(by)

    def save(self, database: Database) -> None:
        """Write the changes, in the transaction that is open."""
        changes, self._changes = self._changes, {}
        if changes:
            database.run_many(_ADD, [(*key, *added) for key, added in changes.items()])

    def forget(self) -> None:
        """After a transaction that failed: nothing of it is changed, nor is it known which names the database has."""
        self._names.clear()
        self._changes.clear()

    def _place(self, database: Database, key: Key) -> Key:
        """Where what belongs to `key` is added: there, or under OTHERS."""
        if key in self._changes:
            return key
        day, caller, team, customer, provider, model, tags = key
        model = self._bounded(database, day, "model", model)
        return (day, caller, team, customer, provider, model, self._bounded(database, day, "tags", tags))

    def _bounded(self, database: Database, day: int, column: str, name: str) -> str:
        names = self._names.get((day, column))
        if names is None:
            while len(self._names) >= 2 * _DAYS_KNOWN_MAX:
                del self._names[next(iter(self._names))]
            found = database.run(f"SELECT DISTINCT {column} FROM spend WHERE day = ?", (day,))  # noqa: S608 -- our own name
            names = self._names[day, column] = {str(one) for (one,) in found}
        if name in names:
            return name
        if len(names) >= NAMES_PER_DAY_MAX:
            return OTHERS
        names.add(name)
        return name


def key_of(row: Sequence[Any]) -> Key:
    """Where a record counts."""
    caller, team, customer, provider, model, tags = _names_of(row)
    return (row[_STARTED] // _DAY_MS, caller, team, customer, provider, model, tags)


def sums_of(row: Sequence[Any]) -> Sums:
    """What one record adds. Raises TypeError for one that holds words where numbers belong."""
    cost, outcome, used = row[_COST], row[_OUTCOME], row[_INPUT]
    # By position and in plain sums: this is done for each record.
    return Sums(
        1,
        0 if outcome == "ok" else 1,
        1 if cost is None and (used is not None or _may_cost(row, outcome)) else 0,
        (0 + (used or 0) + (row[_CACHE_READ] or 0) + (row[_WRITE_5M] or 0) + (row[_WRITE_1H] or 0))
        + (row[_AUDIO_INPUT] or 0)
        + (row[_IMAGE_INPUT] or 0),
        0 + (row[_OUTPUT] or 0) + (row[_REASONING] or 0) + (row[_AUDIO_OUTPUT] or 0) + (row[_IMAGE_OUTPUT] or 0),
        0 + (cost or 0),
    )


def _may_cost(row: Sequence[Any], outcome: str) -> bool:
    return bool(row[_ATTEMPTS]) and outcome in ("ok", "cut", "cancelled")


def count(rows: Iterable[Sequence[Any]]) -> list[Counted]:
    """Records that are to be added. One that holds words where numbers belong counts nowhere, and is left out."""
    counted: list[Counted] = []
    for row in rows:
        try:
            counted.append((row, key_of(row), sums_of(row)))
        except TypeError:
            continue
    return counted


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
    unknown = {*columns, *wanted} - {*_KEYS}
    if unknown:
        raise ValueError(f"expected {', '.join(get_args(Dimension))}, got {', '.join(sorted(unknown))}")
    conditions = ["day >= ?", "day <= ?", *(f"{name} = ?" for name in wanted)]
    values: list[object] = [_day(since or _EPOCH), _day(until or date.max), *wanted.values()]
    if within is not None:
        column, names = within
        conditions.append(f"{column} IN ({', '.join('?' * len(names))})" if names else "0 = 1")
        values += names
    selected = ", ".join([*columns, *(f"COALESCE(SUM({name}), 0)" for name in _SUMS)])
    grouped = f" GROUP BY {', '.join(columns)}" if columns else ""
    statement = f"SELECT {selected} FROM spend WHERE {' AND '.join(conditions)}{grouped}"  # noqa: S608 -- our own names
    database = open_reader(url)
    if database is None:
        return []
    try:
        lines = database.run(statement, values)
    finally:
        database.close()
    found: dict[tuple[str, ...], Sums] = {}
    for line in lines:
        named = dict(zip(columns, line, strict=False))
        value = _tag(str(named.get("tags", "")), tag)
        if tag_wanted is None or value == tag_wanted:
            at = tuple(value if one == "tag" else _told(one, named[one]) for one in by)
            found[at] = found.get(at, Sums()).plus(Sums(*(int(str(one)) for one in line[len(columns) :])))
    spent = [Spent(at, sums) for at, sums in found.items() if sums.calls]
    return sorted(spent, key=lambda one: (-one.sums.cost_nanousd, one.by))


def has_calls(database: Database, caller: str) -> bool:
    """Whether a virtual key of this name ever had calls."""
    return bool(database.run("SELECT 1 FROM spend WHERE caller = ? LIMIT 1", (caller,)))


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _told(dimension: str, value: object) -> str:
    return (_EPOCH + timedelta(days=int(str(value)))).isoformat() if dimension == "day" else str(value)


def _tag(tags: str, name: str) -> str:
    """The value of one tag, "" where there is none."""
    if not tags or tags == OTHERS:
        return tags
    return msgspec.json.decode(tags, type=dict[str, str]).get(name, "")
