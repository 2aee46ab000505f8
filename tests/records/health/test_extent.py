"""How much the store holds."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.books import row

from asbru.records import ROW_WIDTH
from asbru.records.health import Extent, read_extent
from asbru.storage import open_database, sqlite_url


def test_from_the_sums(tmp_path: Path) -> None:
    """Calls of the days from the oldest record on, which older sums do not count for; the size is the files'."""
    url = sqlite_url(tmp_path / "x.sqlite")
    assert read_extent(url) == Extent(0, 0, None)
    database = open_database(url)
    assert read_extent(url)[1:] == (0, None)
    database.run(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", row(7))
    day = 1_795_000_000_007 // 86_400_000
    for one, calls in ((day - 1, 100), (day, 3), (day + 1, 4)):
        values = (one, "k", "", "", "openai", "gpt", "", calls, 0, 0, 0, 0, 0)
        database.run(f"INSERT INTO spend VALUES ({','.join('?' * 13)})", values)
    found = read_extent(url)
    assert (found.records, found.oldest_ms) == (7, 1_795_000_000_007)
    assert found.bytes >= (tmp_path / "x.sqlite").stat().st_size > 0
    database.close()
