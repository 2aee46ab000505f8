"""The calls of the last minutes by provider and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.books import row

from asbru.records import ROW_WIDTH
from asbru.records.health import LastError, read_recent, recent
from asbru.storage import open_database, sqlite_url

START_MS = 1_795_000_000_000


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with twenty records, one in each millisecond; every fifth failed, one was refused."""
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    rows = [
        row(
            number,
            provider="" if number == 19 else "openai",
            key_name=f"k{number % 2}",
            outcome="refused" if number == 19 else "error" if number % 5 == 0 else "ok",
            error_code="upstream_error" if number % 5 == 0 else "",
            error_message=f"failure {number}" if number % 5 == 0 else "",
            latency_us=number * 1000,
        )
        for number in range(20)
    ]
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)
    database.close()
    return url


def test_calls_are_counted_for_providers_and_keys(url: str) -> None:
    """Of the span; what was refused before a provider was tried counts for none; the newest failure is named."""
    found = read_recent(url, START_MS)
    (provider,) = found.providers.values()
    assert (provider.calls, provider.failed, provider.latency_p95_us) == (19, 4, 18_000)
    assert provider.last_error == LastError("upstream_error", "failure 15")
    assert found.keys["openai", "k0"].last_error == LastError("upstream_error", "failure 10")
    assert (found.keys["openai", "k0"].calls, found.keys["openai", "k1"].calls) == (10, 9)
    assert read_recent(url, START_MS + 15).providers["openai"].calls == 4


def test_a_busy_gateway_is_sampled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the newest rows are read."""
    monkeypatch.setattr(recent, "ROWS_MAX", 5)
    assert read_recent(url, START_MS).providers["openai"].calls == 4


def test_without_a_database(tmp_path: Path) -> None:
    """There is nothing."""
    assert read_recent(sqlite_url(tmp_path / "none.sqlite"), 0).providers == {}
