"""What records add to the sums of spend, and the writer of those sums.

A call counts where its record says it went: under the provider and model that served it, or were tried last, with all
that its attempts cost. Callers choose models and tags, so of each only so many a day have a line of their own
(NAMES_PER_DAY_MAX); the rest is added up under OTHERS. `spend` reads the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from asbru.records.row import COLUMNS
from asbru.storage import Database

NAMES_PER_DAY_MAX: Final = 2_000
OTHERS: Final = "(others)"
"""Stands for the models or tags beyond that."""
_DAYS_KNOWN_MAX: Final = 4
_DAY_MS: Final = 86_400_000
_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}


def _pick(*names: str) -> itemgetter[Any]:
    return itemgetter(*(_AT[name] for name in names))


_charge_of: Final = _pick("cost_nanousd", "outcome", "attempts")
_taken_of: Final = _pick(
    *(f"{name}_tokens" for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h")),
    *("audio_input_tokens", "image_input_tokens"),
)
_given_of: Final = _pick("output_tokens", "reasoning_tokens", "audio_output_tokens", "image_output_tokens")
_names_of: Final = _pick("started_ms", "caller", "team", "customer", "provider", "model_served", "tags")
_MAY_COST: Final = ("ok", "cut", "cancelled")
KEYS: Final = ("day", "caller", "team", "customer", "provider", "model", "tags")
SUMS: Final = ("calls", "failed", "unpriced", "input_tokens", "output_tokens", "cost_nanousd")
_ADD: Final = (
    f"INSERT INTO spend VALUES ({','.join('?' * (len(KEYS) + len(SUMS)))}) ON CONFLICT ({', '.join(KEYS)}) "  # noqa: S608 -- our own names
    f"DO UPDATE SET {', '.join(f'{name} = spend.{name} + excluded.{name}' for name in SUMS)}"
)

Key: TypeAlias = tuple[int, str, str, str, str, str, str]
"""Of KEYS, in order."""


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


class SpendAdder:
    """Gathers changes of the sums of a database, and saves them together."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], set[str]] = {}
        self._changes: dict[Key, Sums] = {}

    @property
    def changes(self) -> dict[Key, Sums]:
        """What is to be saved."""
        return self._changes

    def add(self, database: Database, key: Key, by: Sums) -> None:
        """Change the sums in one place, or under OTHERS."""
        key = self._place(database, key)
        known = self._changes.get(key)
        self._changes[key] = by if known is None else known.plus(by)

    def change(self, database: Database, row: Sequence[Any], by: Sums) -> None:
        """Change the sums where a record counts."""
        self.add(database, key_of(row), by)

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
    started_ms, caller, team, customer, provider, model, tags = _names_of(row)
    return (started_ms // _DAY_MS, caller, team, customer, provider, model, tags)


def sums_of(row: Sequence[Any]) -> Sums:
    """What one record adds. Raises TypeError for one that holds words where numbers belong."""
    return Sums(*numbers_of(row))


def numbers_of(row: Sequence[Any]) -> tuple[int, int, int, int, int, int]:
    """The same without a name for each, for those that ask for every record."""
    cost, outcome, attempts = _charge_of(row)
    used, cache_read, write_5m, write_1h, audio_input, image_input = _taken_of(row)
    output, reasoning, audio_output, image_output = _given_of(row)
    # "0 +" refuses words; numbers stay as they are.
    return (
        1,
        0 if outcome == "ok" else 1,
        1 if cost is None and (used is not None or (attempts and outcome in _MAY_COST)) else 0,
        (0 + (used or 0) + (cache_read or 0) + (write_5m or 0) + (write_1h or 0))
        + (audio_input or 0)
        + (image_input or 0),
        0 + (output or 0) + (reasoning or 0) + (audio_output or 0) + (image_output or 0),
        0 + (cost or 0),
    )
