"""How limits stand in the ledger's database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Claim, Ledger, standings
from asbru.governance.ledger.sql import SqlBooks
from asbru.storage import Database, open_database, sqlite_url

NOW_MS = 1_795_000_000_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    one = open_database(sqlite_url(tmp_path / "x.sqlite"))
    yield one
    one.close()


def take(database: Database, limit: LimitEntry, amount: int, run: str = "") -> None:
    """Let a worker take of a limit."""
    key = f"{limit.id}#{run}" if run else limit.id
    Ledger(SqlBooks(lambda: database)).take("w", [[Claim(key, limit, amount)]], NOW_MS)


def test_a_limit_without_use(database: Database) -> None:
    """Nothing is spent; only a window of the calendar is known to end."""
    plain = LimitEntry("a", "cost", 100, "1d")
    found = standings.read_standing(database, "o", plain, NOW_MS)
    assert (found.spent, found.resets_at_ms, found.parts) == (0, None, standings.Parts(0, 0))
    aligned = LimitEntry("a", "cost", 100, "1d", aligned=True)
    ends_ms = standings.read_standing(None, "o", aligned, NOW_MS).resets_at_ms
    assert ends_ms is not None and ends_ms > NOW_MS and ends_ms % 86_400_000 == 0


@pytest.mark.parametrize(("metric", "window"), [("requests", "1m"), ("concurrency", "")])
def test_what_has_no_end(database: Database, metric: str, window: str) -> None:
    """Rates slide and calls at once have no window: they count, and reset never."""
    limit = LimitEntry("a", metric, 100, window)
    take(database, limit, 7)
    found = standings.read_standing(database, "o", limit, NOW_MS)
    assert (found.spent, found.resets_at_ms) == (7, None)


def test_the_fullest_run_stands_for_all(database: Database) -> None:
    """And how many there are; another limit whose id begins alike is not among them."""
    limit = LimitEntry("a/cost/run", "cost", 100, "run")
    for run, amount in (("r1", 5), ("r2", 60), ("r3", 7)):
        take(database, limit, amount, run)
    take(database, LimitEntry("a/cost/run/2", "cost", 100, "run"), 99, "r1")
    found = standings.read_standing(database, "o", limit, NOW_MS)
    assert (found.spent, found.parts) == (60, standings.Parts(0, 60, 3))
