"""Retention: what is older or too much is deleted, in steps."""

from __future__ import annotations

import msgspec
import pytest
from tests.fakes.books import row

from asbru.records import ROW_WIDTH, query
from asbru.records.bodies.store import Bodies, add
from asbru.records.retention import RecordSettings, sweep
from asbru.records.retention.sweep import DAY_MS, Sweeper
from asbru.records.rollups import facts, fold
from asbru.records.sessions import add as sessions
from asbru.records.upkeep import Upkeep
from asbru.storage import Database

NOW_MS = 20_000 * DAY_MS


def call(number: int, age_days: float, **changed: object) -> tuple[object, ...]:
    """A row of a call of some age."""
    at_ms = NOW_MS - int(age_days * DAY_MS)
    return row(number, **{"id": f"req_{at_ms:011x}{number:x}", "started_ms": at_ms, "outcome": "ok", **changed})


def write(database: Database, *rows: tuple[object, ...]) -> None:
    """Records with their sums and bodies."""
    with database.transaction():
        database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)
        facts.add(database, [facts.fact_of(one) for one in rows])
        add(database, [Bodies(str(one[0]), b"request", 7, b"response", 8) for one in rows])
        fold.Folder().fold(database)


def run(database: Database, settings: RecordSettings, sweeper: Sweeper | None = None) -> int:
    """A whole sweep; how many steps it took."""
    sweeper = sweeper or Sweeper()
    for steps in range(1, 100_000):
        with database.transaction():
            if not sweeper.step(database, settings, NOW_MS):
                return steps
    raise AssertionError


def counts(database: Database) -> dict[str, int]:
    """Rows by table, and of sums by tier."""
    found = {name: database.run(f"SELECT COUNT(*) FROM {name}")[0][0] for name in ("requests", "bodies")}
    tiers = database.run("SELECT tier, COUNT(DISTINCT at) FROM rollups GROUP BY tier")
    return {**{name: int(str(count)) for name, count in found.items()}, **{str(one): int(str(n)) for one, n in tiers}}


def test_each_class_has_its_own_age(database: Database) -> None:
    """Records, bodies and each tier of sums: what is older than its days is gone, all else stays."""
    write(database, *(call(number, age) for number, age in enumerate((0.5, 5, 10, 40, 200))))
    run(database, RecordSettings(days=30, bodies_days=7, minute_sums_days=3, hour_sums_days=20, day_sums_days=100))
    assert counts(database) == {"requests": 3, "bodies": 2, "60": 1, "3600": 3, "86400": 4}


def test_deleting_goes_by_small_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step deletes a bounded number of rows, the oldest first."""
    monkeypatch.setattr(sweep, "STEP_ROWS", 10)
    write(database, *(call(number, 50) for number in range(95)), call(1000, 0))
    sweeper = Sweeper()
    with database.transaction():
        assert sweeper.step(database, RecordSettings(), NOW_MS)
    assert counts(database)["requests"] == 86
    assert run(database, RecordSettings(), sweeper) >= 18
    assert counts(database)["requests"] == counts(database)["bodies"] == 1


def test_bytes_are_bounded(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    """Over their bytes the oldest go until it fits, records and bodies each by their own; the log warns once before."""
    filler = "x" * 3000
    write(database, *(call(number, 10 - number / 1000, notes=filler) for number in range(4000)))
    before = database.used_bytes
    sweeper = Sweeper()
    settings = msgspec.structs.replace(RecordSettings(days=100, bodies_days=100), bytes_max=before + 500_000)
    run(database, settings, sweeper)
    assert counts(database)["requests"] == 4000
    assert capfd.readouterr().err.count("the limit of records is near") == 1
    bounded = msgspec.structs.replace(settings, bytes_max=before // 2, bodies_bytes_max=30_000)
    run(database, bounded, sweeper)
    ((stored,),) = database.run("SELECT SUM(stored_bytes) FROM bodies")
    assert 0 < int(str(stored)) <= 30_000
    assert database.used_bytes - int(str(stored)) <= before // 2
    assert 0 < counts(database)["requests"] < 3000
    assert database.run("SELECT MAX(id) FROM requests")[0][0] == call(3999, 10 - 3.999)[0]


def test_sessions_go_with_their_last_record(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session stays as long as there is a record that may be one of its calls, and goes by small steps."""
    monkeypatch.setattr(sweep, "STEP_ROWS", 2)
    old = [call(number, 50, session=f"old{number}") for number in range(5)]
    long = [call(10, 40, session="long"), call(11, 1, session="long")]
    write(database, *old, *long)
    sessions.add_records(database, [*old, *long])
    sweeper = Sweeper()
    run(database, RecordSettings(days=30), sweeper)
    assert database.run("SELECT session, calls FROM agent_sessions") == [("long", 2)]
    run(database, RecordSettings(days=1), sweeper)
    with database.transaction():
        database.run("DELETE FROM requests")
    run(database, RecordSettings(), sweeper)
    assert database.run("SELECT session FROM agent_sessions") == []


def test_series_without_sums_are_deleted(database: Database) -> None:
    """And what is folded afterwards finds its series all the same."""
    write(database, call(1, 500, caller="old"), call(2, 0, caller="new"))
    sweeper = Sweeper()
    run(database, RecordSettings(day_sums_days=30), sweeper)
    assert sweeper.deleted_series
    assert [name for (name,) in database.run("SELECT caller FROM rollup_series WHERE view = 'caller'")] == ["new"]


def test_nothing_is_deleted_before_the_settings_are_known(url: str, database: Database) -> None:
    """A default could be shorter than what is wanted; afterwards it is swept, and the sums go on."""
    write(database, call(1, 50), call(2, 1))
    upkeep = Upkeep(url, unix_time=lambda: NOW_MS / 1000)
    for turn in range(50):
        upkeep.commit(float(turn * 3))
    assert query.count(url) == 2
    upkeep.take_settings(None, msgspec.msgpack.encode(RecordSettings()))
    for turn in range(50, 150):
        upkeep.commit(float(turn * 3))
    assert query.count(url) == 1 and upkeep.failures == 0
    upkeep.close()
