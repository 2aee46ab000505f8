"""Records from before there were sums: they come into them once, the newest first."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest
from tests.records.rollups.test_overview import DAY_MS, NOW_MS, call, write

from asbru.core.money import PriceRow
from asbru.records import ROW_WIDTH
from asbru.records.reprice import reprice
from asbru.records.rollups import backfill
from asbru.records.rollups.overview import Asked, Overview, read_overview
from asbru.records.sample.mark import MARK
from asbru.records.upkeep import PAUSE_S, Upkeep
from asbru.storage import Database, open_database, schema, sqlite, sqlite_url

BEFORE_SUMS = 5
"""The number of the last migration before the sums."""
COLUMNS_THEN = 37


def write_before_sums(url: str, *rows: tuple[object, ...]) -> None:
    """A database of a version that had no sums, with records."""
    path = Path(url.removeprefix("sqlite://"))
    folder = path.with_name("migrations")
    folder.mkdir()
    for file in schema.migrations("sqlite")[:BEFORE_SUMS]:
        shutil.copy(file, folder)
    database = sqlite.SqliteDatabase(apsw.Connection(str(path)))
    schema.migrate(database, "x", folder)
    marks = ",".join("?" * COLUMNS_THEN)
    database.run_many(f"INSERT INTO requests VALUES ({marks})", [row[:COLUMNS_THEN] for row in rows])
    database.close()


def keep_up(url: str) -> None:
    """What the bookkeeper does until nothing waits."""
    upkeep = Upkeep(url)
    database = open_database(url)
    now_s = 1.0
    while database.run("SELECT 1 FROM rollup_backfill UNION ALL SELECT 1 FROM rollup_pending"):
        upkeep.commit(now_s)
        now_s += PAUSE_S
        assert now_s < 100
    database.close()
    upkeep.close()


def month(url: str) -> Overview:
    """What is summed."""
    return read_overview(url, Asked(NOW_MS - 30 * DAY_MS, NOW_MS + 1, 3600, "caller"))


def test_older_records_come_into_the_sums(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade the sums are what they would be if they had always been kept, also with records of now."""
    monkeypatch.setattr(backfill, "STEP_ROWS", 7)
    older = [call(number, number * 3_600_000, caller=f"k{number % 3}") for number in range(2, 40)]
    write_before_sums(url, *older)
    write(url, call(1), folded=False)
    keep_up(url)
    whole = sqlite_url(tmp_path / "whole.sqlite")
    write(whole, *older, call(1))
    assert month(url) == month(whole)
    assert month(url).totals.calls == 39


def test_what_was_summed_is_not_summed_again(url: str) -> None:
    """Of a database that has had sums for some hours, older records are added and no others, and no sample records."""
    sampled = (f"req_{NOW_MS - 2 * DAY_MS:011x}{MARK}1", *call(9, 2 * DAY_MS)[1:])
    write(url, call(1), call(2, 2 * 3_600_000))
    database = open_database(url)
    first_hour = (NOW_MS - 2 * 3_600_000) // 3_600_000 * 3_600_000
    insert(database, call(3, DAY_MS), call(4, 3 * DAY_MS), sampled)
    database.run("INSERT INTO rollup_backfill VALUES (?, '')", (first_hour,))
    database.close()
    keep_up(url)
    keep_up(url)
    assert month(url).totals.calls == 4


def insert(database: Database, *rows: tuple[object, ...]) -> None:
    """Records that are in no sums."""
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)


def test_a_new_price_counts_once(url: str) -> None:
    """Records that are priced anew before they come into the sums are there with the new price alone."""
    write_before_sums(url, call(1, standard=True, attempts=1), call(2, standard=True, attempts=1))
    database = open_database(url)
    rates = (PriceRow(1_000_000, 2_000_000, 0, 0, 0, 0, 0),)
    assert reprice(database, lambda *_: (rates, {}), 0, wait=lambda: None).changed == 2
    database.close()
    keep_up(url)
    assert month(url).totals.cost_nanousd == 2 * (10 + 2 * 7)


def test_a_new_database_has_nothing_to_add(url: str) -> None:
    """Nor has one whose records are all in the sums."""
    database = open_database(url)
    assert backfill.load_bound(database) == ""
    assert not backfill.step(database, MARK)
    database.close()
