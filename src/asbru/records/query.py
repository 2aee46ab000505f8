"""Reading records: for tests, the command line and whoever looks in. Never on the path, never writes."""

from __future__ import annotations

from typing import TypeAlias

from asbru.records.row import COLUMNS
from asbru.storage import Value, open_reader

Record: TypeAlias = dict[str, Value]
"""Column name to value, in the order of `row.COLUMNS`."""

LATEST_MAX = 10_000

_SELECT = f"SELECT {', '.join(column.name for column in COLUMNS)} FROM requests"  # noqa: S608 -- our own names


def latest(url: str, limit: int = 100) -> list[Record]:
    """The newest records first, at most `limit` (and LATEST_MAX); [] when there is no database yet."""
    return _read(url, f"{_SELECT} ORDER BY id DESC LIMIT ?", min(limit, LATEST_MAX))


def by_id(url: str, call_id: str) -> Record | None:
    """The record of one call; None when there is none."""
    return next(iter(_read(url, f"{_SELECT} WHERE id = ?", call_id)), None)


def count(url: str) -> int:
    """How many records there are."""
    found = _rows(url, "SELECT count(*) FROM requests")
    return int(str(found[0][0])) if found else 0


def _read(url: str, statement: str, value: str | int) -> list[Record]:
    names = [column.name for column in COLUMNS]
    return [dict(zip(names, row, strict=True)) for row in _rows(url, statement, value)]


def _rows(url: str, statement: str, *values: Value) -> list[tuple[Value, ...]]:
    database = open_reader(url)
    if database is None:
        return []
    try:
        return database.run(statement, values)
    finally:
        database.close()
