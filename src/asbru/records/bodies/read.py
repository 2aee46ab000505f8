"""Reading bodies back, for the management API. Never on the path, never writes."""

from __future__ import annotations

from typing import NamedTuple

from asbru.records.bodies.store import decompress
from asbru.records.reading import read_rows
from asbru.storage import Value


class Sizes(NamedTuple):
    """Whole sizes, bytes."""

    request: int
    response: int


class Body(NamedTuple):
    """One body. `bytes`: its whole size, of which `data` is the beginning where it is `truncated`."""

    bytes: int
    truncated: bool
    data: bytes


def load_sizes(url: str, call_id: str) -> Sizes | None:
    """The sizes of a call's bodies; None where none are stored."""
    found = _row(url, "SELECT request_bytes, response_bytes FROM bodies WHERE id = ?", call_id)
    return None if found is None else Sizes(int(str(found[0])), int(str(found[1])))


def load_bodies(url: str, call_id: str) -> tuple[Body, Body] | None:
    """What the caller sent and what it got; None where they are not stored."""
    found = _row(
        url,
        "SELECT request_bytes, request_truncated, request, response_bytes, response_truncated, response FROM bodies "
        "WHERE id = ?",
        call_id,
    )
    return None if found is None else (_body(found[:3]), _body(found[3:]))


def _body(columns: tuple[Value, ...]) -> Body:
    size, truncated, data = columns
    assert isinstance(data, bytes)
    return Body(int(str(size)), bool(truncated), decompress(data))


def _row(url: str, statement: str, call_id: str) -> tuple[Value, ...] | None:
    return next(iter(read_rows(url, statement, call_id)), None)
