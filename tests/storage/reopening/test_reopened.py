"""A database that fails and comes back."""

from __future__ import annotations

from pathlib import Path

from asbru.storage import sqlite_url
from asbru.storage.reopening import Reopened


def test_pauses_double_up_to_a_bound_and_begin_anew(tmp_path: Path) -> None:
    """Of several failures the first is told apart, and so is the success after them."""
    one = Reopened(sqlite_url(tmp_path / "a"), first_s=1.0, max_s=3.0)
    assert not one.waits(0.0) and not one.succeed()
    told: list[tuple[bool, float | None]] = []
    for _ in range(4):
        told.append((one.fail(10.0), one.retry_at_s))
    assert told == [(True, 11.0), (False, 12.0), (False, 13.0), (False, 13.0)]
    assert one.waits(12.9) and not one.waits(13.0)
    assert one.succeed() and one.retry_at_s is None
    assert (one.fail(20.0), one.retry_at_s) == (True, 21.0)


def test_it_is_opened_when_it_is_needed(tmp_path: Path) -> None:
    """Once, and anew after it was closed; closing what is not open does nothing."""
    path = tmp_path / "a"
    one = Reopened(sqlite_url(path), first_s=1.0, max_s=1.0)
    one.close()
    assert not path.exists()
    first = one.connect()
    assert path.exists() and one.connect() is first
    one.close()
    assert one.connect() is not first
    one.close()
