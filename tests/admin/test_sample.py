"""The sample day over the API: written once, seen everywhere, removed without a trace."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.fakes.asgi import ask
from tests.fakes.books import row, run
from tests.fakes.management import managed

from asbru.records import ROW_WIDTH, query, sums
from asbru.records.rollups import fold
from asbru.records.sample import day, write
from asbru.records.spend import read_spend
from asbru.records.store import RecordStore
from asbru.records.upkeep import Upkeep
from asbru.storage import Database, open_database, sqlite_url

END_MS = 1_795_000_000_000


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with two real records of the same day, one with the sample's tag; the sample day is only of its last
    minutes."""
    whole = day.sample_day
    monkeypatch.setattr(write, "sample_day", lambda end_ms: (one for one in whole(end_ms) if one.bodies is not None))
    url = sqlite_url(tmp_path / "asbru.sqlite")
    store = RecordStore(url)
    store.keep(msgspec.msgpack.encode([row(1, started_ms=END_MS, outcome="ok"), row(2, tags=day.TAGS)]))
    store.commit(0)
    store.close()
    return url


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that records leave, when it is folded."""
    with database.transaction():
        while fold.Folder().fold(database):
            pass
    tables = {"requests": "", "agent_sessions": "", "bodies": ""}
    tables |= {"rollups": " WHERE calls > 0", "spend": " WHERE calls > 0"}
    return {name: list(database.run(f"SELECT * FROM {name}{where}")) for name, where in tables.items()}


def test_what_is_written_is_removed(url: str) -> None:
    """Records, bodies, spend and the sums by time are as they were before; real records stay, and a step that is done
    twice counts once."""
    database = open_database(url)
    before = everything(database)
    steps = write.SampleSteps(END_MS)
    while True:
        with pytest.raises(RuntimeError), database.transaction():
            steps.write(database)
            raise RuntimeError
        with database.transaction():
            more = steps.write(database)
        steps.written()
        if not more:
            break
    count = write.count_sampled(url)
    assert count == query.count(url) - 2 > 150
    assert sum(one.sums.calls for one in read_spend(url)) == count + 2
    steps = write.SampleSteps(END_MS)
    for _ in range(100):
        with database.transaction():
            more = steps.remove(database)
        steps.removed()
        if not more:
            break
    assert write.count_sampled(url) == 0 and everything(database) == before
    database.close()


def test_a_day_with_too_many_tags(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is spent on the sample counts with the tags that have no line of their own, and is found there."""
    monkeypatch.setattr(sums, "NAMES_PER_DAY_MAX", 0)
    database = open_database(url)
    database.run("DELETE FROM spend")
    steps = write.SampleSteps(END_MS)
    with database.transaction():
        steps.write(database)
    assert write.count_sampled(url) == write.STEP_ROWS
    steps = write.SampleSteps(END_MS)
    more = True
    while more:
        with database.transaction():
            more = steps.remove(database)
        steps.removed()
    assert write.count_sampled(url) == 0 and query.count(url) == 2
    database.close()


def test_removing_looks_past_other_records(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many real records lie between, each step looks at a bounded number of them."""
    monkeypatch.setattr(write, "SCANNED_ROWS", 10)
    database = open_database(url)
    real = [row(number, id=f"req_{END_MS - number:011x}ffffffff{number:x}") for number in range(2, 100)]
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", real)
    steps = write.SampleSteps(END_MS)
    with database.transaction():
        steps.write(database)
    steps.written()
    steps = write.SampleSteps(END_MS)
    for _ in range(1000):
        with database.transaction():
            more = steps.remove(database)
        steps.removed()
        if not more:
            break
    assert query.count(url) == 100
    database.close()


def test_the_day_is_made_and_removed_by_one_call_each(tmp_path: Path, url: str) -> None:
    """The state tells how far it is; a second POST changes nothing; viewers may only look."""
    del url
    with managed(tmp_path) as api:
        assert api.call("POST", "sample", role="viewer").status == 403
        assert api.ask("GET", "sample", role="viewer") == {"rows": 0, "state": "none"}
        token = {"authorization": f"Bearer {api.token('admin')}"}

        async def scene() -> None:
            sample = api.management.sample

            async def said(method: str) -> dict[str, object]:
                routes = {one.methods.pop(): one for one in sample.build_router().routes}  # type: ignore[attr-defined]  # routes of FastAPI
                return msgspec.json.decode((await routes[method].endpoint()).body)  # type: ignore[attr-defined]  # routes of FastAPI

            assert (await said("POST"))["state"] == "writing"
            assert (await said("POST"))["state"] == "writing"
            while (state := await said("GET"))["state"] == "writing":
                pass
            assert state["state"] == "ready" and int(str(state["rows"])) > 150
            assert (await said("POST")) == state
            assert (await said("DELETE"))["state"] == "removing"
            while (state := await said("GET"))["state"] == "removing":
                pass
            assert state == {"rows": 0, "state": "none"}

        run(scene())
        assert ask(api.application, "/api/v1/sample", **token).json()["state"] == "none"


def test_upkeep_takes_a_day_in_small_steps(url: str) -> None:
    """What another process has noted is folded by the bookkeeper, a bounded number of facts at a time."""
    database = open_database(url)
    steps = write.SampleSteps(END_MS)
    more = True
    while more:
        with database.transaction():
            more = steps.write(database)
        steps.written()
    upkeep = Upkeep(url)
    turns = 0
    while database.run("SELECT COUNT(*) FROM rollup_pending") != [(0,)]:
        upkeep.commit(float(turns))
        turns += 1
        assert turns < 100
    upkeep.close()
    database.close()
