"""The calls of the last minutes by provider and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.books import row
from tests.records.rollups.test_overview import write

from asbru.records.health import LastError, read_recent, recent
from asbru.storage import sqlite_url

START_MS = 1_795_000_000_000
MINUTE_MS = 60_000


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with twenty records, one in each millisecond; every fifth failed, one was refused."""
    url = sqlite_url(tmp_path / "x.sqlite")
    rows = [
        row(
            number,
            provider="" if number == 19 else "openai",
            key_name=f"k{number % 2}",
            outcome="refused" if number == 19 else "error" if number % 5 == 0 else "ok",
            error_code="upstream_error" if number % 5 == 0 else "",
            error_message=f"failure {number}" if number % 5 == 0 else "",
            latency_us=(number + 1) * 1000,
        )
        for number in range(20)
    ]
    write(url, *rows, row(20, provider="openai", key_name="k0", outcome="cancelled", error_code=""))
    return url


def test_calls_are_counted_for_providers_and_keys(url: str) -> None:
    """Of the minutes since then; what was refused before a provider was tried counts for none, and who left is no
    failure; the newest failure is named."""
    found = read_recent(url, START_MS)
    (provider,) = found.providers.values()
    assert (provider.calls, provider.failed) == (20, 4)
    assert provider.latency_p95_us == pytest.approx(19_000, rel=0.07)
    assert provider.last_error == LastError("upstream_error", "failure 15")
    assert found.keys["openai", "k0"].last_error == LastError("upstream_error", "failure 10")
    assert (found.keys["openai", "k0"].calls, found.keys["openai", "k1"].calls) == (11, 9)
    assert read_recent(url, START_MS + MINUTE_MS).providers == {}


def test_few_records_are_looked_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums count all calls; errors are looked for in the newest records only."""
    monkeypatch.setattr(recent, "_FAILURES", recent._FAILURES.replace(str(recent.FAILURES_ROWS_MAX), "7"))
    found = read_recent(url, START_MS)
    assert (found.providers["openai"].calls, found.providers["openai"].failed) == (20, 4)
    assert found.keys["openai", "k1"].last_error == LastError("upstream_error", "failure 15")
    assert found.keys["openai", "k0"].last_error is None


def test_without_a_database(tmp_path: Path) -> None:
    """There is nothing."""
    assert read_recent(sqlite_url(tmp_path / "none.sqlite"), 0).providers == {}
