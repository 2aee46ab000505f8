"""Which records are wanted: the filters of lists, exports and the live tail, as a condition in SQL and as a predicate.

Both say the same, so that a record that appears live is also found by the same filters later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from asbru.storage import Value

FILTERS: Final = (
    "surface",
    "caller",
    "team",
    "customer",
    "provider",
    "model_asked",
    "model_served",
    "key_name",
    "status",
    "outcome",
    "error_code",
    "stream",
    "trace_id",
    "cache",
    "parent_id",
    "session",
    "agent",
)
"""Columns whose value may be asked for."""
NUMBERS: Final = ("status", "stream")
"""Those of them that hold a whole number; `stream` 0 or 1."""
MINIMA: Final = {"cost_min_nanousd": "cost_nanousd", "latency_min_us": "latency_us"}
"""Filters for a column that must be known and not below a value."""
TAG_PREFIX: Final = "tag."
_SEARCHED: Final = ("model_asked", "error_message", "notes")


class Wanted(NamedTuple):
    """`equal`: values of FILTERS; `least`: of MINIMA's columns; `tags`: values by name; `text`: a part of a model's
    name, an error or a note, in any case; `within`: a column and the values of it that may be shown at all."""

    equal: Mapping[str, str | int] = {}
    least: Mapping[str, int] = {}
    tags: Mapping[str, str] = {}
    text: str = ""
    within: tuple[str, Collection[str]] | None = None

    def conditions(self) -> Iterator[tuple[str, tuple[Value, ...]]]:
        """In SQL, each with its values. Raises ValueError for a column that there is no filter for."""
        for column, value in self.equal.items():
            yield f"{_known(column, FILTERS)} = ?", (value,)
        if self.within is not None:
            column, values = self.within
            marks = ", ".join("?" * len(values))
            yield f"{_known(column, FILTERS)} IN ({marks})" if values else "0 = 1", tuple(values)
        for column, value in self.least.items():
            yield f"{_known(column, MINIMA.values())} >= ?", (value,)
        for name, value in self.tags.items():
            yield "instr(tags, ?) > 0", (_member(name, value),)
        if self.text:
            searched = " OR ".join(f"instr(lower({column}), ?) > 0" for column in _SEARCHED)
            yield f"({searched})", (self.text.lower(),) * len(_SEARCHED)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is wanted."""
        text = self.text.lower()
        return (
            (self.within is None or record[self.within[0]] in self.within[1])
            and all(record[column] == value for column, value in self.equal.items())
            and all(record[column] is not None and record[column] >= least for column, least in self.least.items())
            and all(_member(name, value) in record["tags"] for name, value in self.tags.items())
            and (not text or any(text in record[column].lower() for column in _SEARCHED))
        )


def read_wanted(given: Mapping[str, str], text: str = "") -> Wanted:
    """The filters of a query string; what is none of them is left alone. Raises ValueError."""
    equal: dict[str, str | int] = {}
    least: dict[str, int] = {}
    tags: dict[str, str] = {}
    for name, value in given.items():
        if name in FILTERS:
            equal[name] = _number(name, _FLAGS.get(value, value)) if name in NUMBERS else value
        elif name in MINIMA:
            least[MINIMA[name]] = _number(name, value)
        elif name.startswith(TAG_PREFIX):
            tags[name.removeprefix(TAG_PREFIX)] = value
    return Wanted(equal, least, tags, text)


_FLAGS: Final = {"true": "1", "false": "0"}


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError(f"{name}: expected a whole number, got {value[:40]!r}")
    return int(value)


def _known(column: str, columns: Any) -> str:
    if column not in columns:
        raise ValueError(f"expected one of {', '.join(columns)}, got {column!r}")
    return column


_encode: Final[Callable[[object], bytes]] = msgspec.json.Encoder().encode


def _member(name: str, value: str) -> str:
    """A tag as it is written in the column `tags`. Within a value quotes are escaped, so it is found nowhere else."""
    return _encode({name: value})[1:-1].decode()
