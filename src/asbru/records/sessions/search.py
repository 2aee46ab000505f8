"""Lists of sessions, the latest first or the largest first, and one of them.

Bounded like a search of records: sessions of a span of time are read by the index of their last call, at most
SCANNED_MAX for a page. Every call opens and closes a connection of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeAlias

from asbru.records.reading import read_rows
from asbru.records.sessions.add import NAMES
from asbru.storage import Value

SCANNED_MAX: Final = 20_000
SORTS: Final = ("last_ms", "cost_nanousd", "calls", "tool_calls", "failed")
"""What lists may be ordered by, the largest first. Beyond `last_ms` they order the SCANNED_MAX latest of the span."""
FILTERS: Final = ("caller", "team", "customer", "agent", "session")
"""Columns whose value may be asked for."""

Session: TypeAlias = dict[str, object]
"""By names of columns; `models` as a list."""

_COLUMNS: Final = ", ".join(NAMES)


class Page(NamedTuple):
    """`next`: what to give as `after` for the page behind it; None at the end."""

    items: list[Session]
    next: str | None


class Wanted(NamedTuple):
    """`equal`: values of FILTERS; `model`: one that the session has called, as `provider/model`; `failed`: only those
    with a call that failed; `within`: a column and the values of it that may be shown at all."""

    equal: Mapping[str, str] = {}
    model: str = ""
    failed: bool = False
    within: tuple[str, Collection[str]] | None = None

    def condition(self) -> tuple[str, list[Value]]:
        """In SQL, with its values; "" for none."""
        parts, values = list[str](), list[Value]()
        for column, value in self.equal.items():
            assert column in FILTERS, column
            parts.append(f"{column} = ?")
            values.append(value)
        if self.within is not None:
            column, reached = self.within
            assert column in FILTERS, column
            parts.append(f"{column} IN ({', '.join('?' * len(reached))})" if reached else "0 = 1")
            values += reached
        if self.model:
            parts.append("instr(models, ?) > 0")
            values.append(f"\n{self.model}\n")
        if self.failed:
            parts.append("failed > 0")
        return " AND ".join(parts), values


def search(
    url: str,
    wanted: Wanted,
    *,
    since_ms: int,
    until_ms: int,
    sort: str = "last_ms",
    after: str = "",
    limit: int = 100,
) -> Page:
    """Sessions whose last call ended in a span of time (`until_ms` is not part of it). Raises ValueError for an `after`
    or a `sort` that is none."""
    if sort not in SORTS:
        raise ValueError(f"sort: expected one of {', '.join(SORTS)}")
    place = _read_place(after) if after else None
    window, bounds = "last_ms >= ? AND last_ms < ?", list[Value]((since_ms, until_ms))
    where, values = wanted.condition()
    if place is not None and sort == "last_ms":
        bounds[1] = min(until_ms, place[0] + 1)  # so that the index is entered there
        window += " AND (last_ms, id) < (?, ?)"
        bounds += place
    elif place is not None:
        where += f"{' AND ' if where else ''}({sort}, id) < (?, ?)"
        values += place
    scanned = f"SELECT {{}} FROM agent_sessions WHERE {window} ORDER BY last_ms DESC, id DESC LIMIT"  # noqa: S608 -- likewise
    if where or sort != "last_ms":
        inner = f"{scanned.format(_COLUMNS)} {SCANNED_MAX}"
        text = (
            f"SELECT {_COLUMNS} FROM ({inner}) AS scanned WHERE {where or '1 = 1'}"  # noqa: S608 -- our own text
            f" ORDER BY {sort} DESC, id DESC LIMIT ?"
        )
    else:  # nothing is left out, so no more is read than is shown
        text = f"{scanned.format(_COLUMNS)} ?"
    found = [_session(row) for row in read_rows(url, text, *bounds, *values, limit)]
    if len(found) == limit:
        return Page(found, f"{found[-1][sort]}.{found[-1]['id']}")
    if not where or sort != "last_ms":
        return Page(found, None)
    last = read_rows(url, f"{scanned.format('last_ms, id')} 1 OFFSET {SCANNED_MAX - 1}", *bounds)
    return Page(found, f"{last[0][0]}.{last[0][1]}" if last else None)


def by_id(url: str, session_id: str) -> Session | None:
    """One session; None when there is none."""
    rows = read_rows(url, f"SELECT {_COLUMNS} FROM agent_sessions WHERE id = ?", session_id)  # noqa: S608 -- our own names
    return next(map(_session, rows), None)


def _session(row: tuple[Value, ...]) -> Session:
    session: Session = dict(zip(NAMES, row, strict=True))
    session["models"] = [model for model in str(session["models"]).split("\n") if model]
    return session


def _read_place(after: str) -> tuple[int, str]:
    number, _, session_id = after.partition(".")
    if not (number.lstrip("-").isascii() and number.lstrip("-").isdigit() and len(number) <= 18 and session_id):
        raise ValueError("after: expected the `next` of a page")
    return int(number), session_id
