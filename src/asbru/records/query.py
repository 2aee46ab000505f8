"""Reading records: for the management API, tests and whoever looks in.

Never on the path, never writes. Each function opens a connection of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from asbru.records.reading import read_rows
from asbru.records.row import COLUMNS
from asbru.records.wanted import FILTERS, MINIMA, NUMBERS, Wanted, read_wanted
from asbru.storage import Value

__all__ = [
    "FILTERS",
    "INPUT",
    "MINIMA",
    "NAMES",
    "NUMBERS",
    "OUTPUT",
    "Page",
    "Record",
    "Wanted",
    "by_id",
    "count",
    "latest",
    "read_wanted",
    "search",
]

Record: TypeAlias = dict[str, Value]
"""Column name to value, in the order of `row.COLUMNS`."""

LATEST_MAX = 10_000
SCANNED_MAX = 20_000
"""Records that are looked at for one page, so that a rare value does not mean reading the whole table."""

EVERY = Wanted()


class Page(NamedTuple):
    """`next`: the id before which the next page begins; None when there is nothing left to look at. A page may hold
    fewer records than were asked for, or none, and yet not be the last."""

    items: list[Record]
    next: str | None


INPUT = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "image_input_tokens",
)
OUTPUT = ("output_tokens", "reasoning_tokens", "audio_output_tokens", "image_output_tokens")
"""The columns that add up to what went in, and to what came out."""
NAMES = tuple(column.name for column in COLUMNS)
_SELECT = f"SELECT {', '.join(NAMES)} FROM requests"  # noqa: S608 -- our own names


def latest(url: str, limit: int = 100) -> list[Record]:
    """The newest records first, at most `limit` (and LATEST_MAX); [] when there is no database yet."""
    return _read(url, f"{_SELECT} ORDER BY id DESC LIMIT ?", min(limit, LATEST_MAX))


def search(
    url: str,
    wanted: Wanted = EVERY,
    *,
    before: str = "",
    limit: int = 100,
    since_ms: int | None = None,
    until_ms: int | None = None,
    columns: Sequence[str] = NAMES,
) -> Page:
    """Records, the newest first, from the one before the id `before`: those that are wanted and began in a span of time
    (`until_ms` is not part of it). `columns`: the id is always among them. Raises ValueError for an unknown column."""
    window, bounds = "1 = 1", list[Value]()
    for condition, bound in (
        ("id < ?", before or None),
        ("id >= ?", None if since_ms is None else _first_id(since_ms)),
        ("id < ?", None if until_ms is None else _first_id(until_ms)),
    ):
        if bound is not None:
            window += f" AND {condition}"
            bounds.append(bound)
    for column in (
        "trace_id",
        "parent_id",
        "session",
    ):  # which have an index, so that only their records are looked at
        if value := wanted.equal.get(column):
            window += f" AND {column} = ? AND {column} <> ''"
            bounds.append(value)
    where, values = "1 = 1", list[Value]()
    for condition, several in wanted.conditions():
        where += f" AND {condition}"
        values += several
    shown = list(dict.fromkeys(("id", *columns)))
    if unknown := set(shown) - set(NAMES):
        raise ValueError(f"columns: unknown {', '.join(sorted(unknown))}")
    scanned = f"SELECT * FROM requests WHERE {window} ORDER BY id DESC LIMIT {SCANNED_MAX}"  # noqa: S608 -- our own text
    rows = read_rows(
        url,
        f"SELECT {', '.join(shown)} FROM ({scanned}) AS scanned WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 -- likewise
        *bounds,
        *values,
        limit,
    )
    found: list[Record] = [dict(zip(shown, row, strict=True)) for row in rows]
    if len(found) == limit:
        return Page(found, str(found[-1]["id"]))
    last = read_rows(url, f"SELECT count(*), min(id) FROM ({scanned}) AS scanned", *bounds)  # noqa: S608 -- likewise
    return Page(found, str(last[0][1]) if last and last[0][0] == SCANNED_MAX else None)


def _first_id(unix_ms: int) -> str:
    """What every id of a call that began then or later is not less than: ids begin with the time."""
    return f"req_{max(0, unix_ms):011x}"


def by_id(url: str, call_id: str) -> Record | None:
    """The record of one call; None when there is none."""
    return next(iter(_read(url, f"{_SELECT} WHERE id = ?", call_id)), None)


def count(url: str) -> int:
    """How many records there are."""
    found = read_rows(url, "SELECT count(*) FROM requests")
    return int(str(found[0][0])) if found else 0


def _read(url: str, statement: str, *values: Value) -> list[Record]:
    return [dict(zip(NAMES, row, strict=True)) for row in read_rows(url, statement, *values)]
