"""The overview: sums of what was recorded, read without the records."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from tests.fakes.books import row

from asbru.core.money import PriceRow
from asbru.records import COLUMNS
from asbru.records.reprice import reprice
from asbru.records.rollups import facts, fold, histogram, overview
from asbru.records.rollups.overview import Asked, read_overview
from asbru.records.store import RecordStore
from asbru.records.upkeep import Upkeep
from asbru.storage import Database, sqlite_url

MINUTE_MS = 60_000
DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS + 10 * 3_600_000


def call(number: int, ago_ms: int = 0, **changed: object) -> tuple[object, ...]:
    """A row of a call that went well."""
    plain: dict[str, object] = {
        "id": f"req_{NOW_MS - ago_ms:011x}{number:x}",
        "started_ms": NOW_MS - ago_ms,
        "outcome": "ok",
        "error_code": "",
        "provider": "openai",
        "model_served": "gpt",
        "caller": "app",
        "team": "blue",
        "customer": "",
        "surface": "openai.chat",
        "input_tokens": 10,
        "cache_read_tokens": 5,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "audio_input_tokens": 0,
        "output_tokens": 7,
        "reasoning_tokens": 0,
        "audio_output_tokens": 0,
        "cost_nanousd": 100,
        "latency_us": 1000,
    }
    return row(number, **{**plain, **changed})


def write(url: str, *rows: tuple[object, ...], folded: bool = True) -> None:
    """Rows as the bookkeeper writes them, and folds them."""
    store, upkeep = RecordStore(url), Upkeep(url)
    store.keep(msgspec.msgpack.encode(rows))
    assert store.commit(0)
    upkeep.commit(1 if folded else float("inf"))
    store.close()
    upkeep.close()


def test_records_are_summed(url: str) -> None:
    """Sums, percentiles, points, the span before, groups and errors, from two spans of records."""
    write(
        url,
        *(call(number, number * MINUTE_MS, latency_us=1000 * (number + 1)) for number in range(20)),
        call(50, 5 * MINUTE_MS, outcome="error", error_code="rate_limit_exceeded", cost_nanousd=None, caller="other"),
        call(60, 5 * MINUTE_MS, outcome="cancelled", error_code="", first_token_us=400),
        *(call(70 + number, 80 * MINUTE_MS) for number in range(3)),
    )
    asked = Asked(NOW_MS - 59 * MINUTE_MS, NOW_MS + MINUTE_MS, 300, "caller")
    found = read_overview(url, asked)
    assert (found.span.since_ms, found.span.step_s) == (NOW_MS - 60 * MINUTE_MS, 300)
    assert (found.totals.calls, found.totals.failed, found.totals.cost_nanousd) == (22, 2, 2100)
    assert (found.totals.input_tokens, found.totals.cached_tokens, found.totals.output_tokens) == (330, 110, 154)
    assert found.totals.latency_p50_us == pytest.approx(9500, rel=0.07)
    assert found.totals.first_token_p50_us == pytest.approx(400, rel=0.07)
    assert (found.before.calls, found.before.cost_nanousd) == (3, 300)
    assert len(found.points) == 13 and sum(point.calls for point in found.points) == 22
    assert [one.at_ms - found.span.since_ms for one in found.points[:2]] == [0, 300_000]
    assert [(one.name, one.totals.calls, one.before.calls) for one in found.groups] == [
        ("app", 21, 3),
        ("other", 1, 0),
    ]
    assert sum(point.calls for point in found.groups[0].points) == 21
    assert {one.code: one.calls for one in found.errors} == {"rate_limit_exceeded": 1, "cancelled": 1}


def test_filters_combine_with_groups(url: str) -> None:
    """One filter, several, and none, with groups by another dimension or the same: each as the records say."""
    chance = random.Random(7)
    names = {
        "caller": ("a", "b", "c"),
        "model_served": ("m", "n"),
        "team": ("", "blue"),
        "surface": ("openai.chat", "anthropic.messages"),
    }
    rows = [
        call(
            number,
            chance.randrange(3 * DAY_MS),
            **{name: chance.choice(some) for name, some in names.items()},
            outcome=chance.choice(("ok", "ok", "error")),
            error_code="bad",
        )
        for number in range(400)
    ]
    write(url, *rows)
    at = {column.name: place for place, column in enumerate(COLUMNS)}
    since_ms = NOW_MS - 30 * 3_600_000
    for filters in ((), ("caller",), ("team", "surface"), ("caller", "model_served", "team")):
        where = {name: names[name][-1] for name in filters}
        fitting = [
            one
            for one in rows
            if since_ms <= int(str(one[at["started_ms"]])) and all(one[at[name]] == where[name] for name in where)
        ]
        for by in ("caller", "model_served", "team"):
            asked = Asked(
                since_ms,
                NOW_MS + 1,
                60,
                by.removesuffix("_served"),
                {name.removesuffix("_served"): value for name, value in where.items()},
            )
            found = read_overview(url, asked)
            assert found.totals.calls == len(fitting), (filters, by)
            failed = sum(one[at["outcome"]] == "error" for one in fitting)
            assert found.totals.failed == failed and sum(one.calls for one in found.errors) == failed
            assert sum(one.calls for one in found.points) == len(fitting)
            counts = Counter(str(one[at[by]]) for one in fitting)
            assert {one.name: one.totals.calls for one in found.groups if one.totals.calls} == counts


@pytest.mark.parametrize(
    ("within", "where", "calls"),
    [
        (("team", ("blue", "red")), {}, 3),
        (("team", ("red",)), {}, 1),
        (("team", ()), {}, 0),
        (("team", ("red",)), {"team": "blue"}, 0),
        (("team", ("blue",)), {"team": "blue"}, 2),
        (("team", ("blue",)), {"caller": "app2"}, 1),
        (("caller", ("app", "app2")), {"team": "blue"}, 2),
    ],
)
def test_only_what_is_within_counts(
    url: str, within: tuple[str, tuple[str, ...]], where: dict[str, str], calls: int
) -> None:
    """Totals, groups and errors, whatever filters say besides."""
    write(
        url,
        call(1),
        call(2, caller="app2"),
        call(3, team="red", outcome="error", error_code="x"),
        call(4, team="green", outcome="error", error_code="y"),
    )
    asked = Asked(NOW_MS - MINUTE_MS, NOW_MS + 1, by="team", where=where, within=within)
    found = read_overview(url, asked)
    assert found.totals.calls == sum(group.totals.calls for group in found.groups) == calls
    assert {one.code for one in found.errors} == ({"x"} if "red" in within[1] and not where else set())


def test_the_ten_dearest_and_the_others(url: str) -> None:
    """Of more than ten values the rest is one group, in sums and points."""
    write(url, *(call(number, caller=f"k{number:02}", cost_nanousd=number) for number in range(15)))
    found = read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS, 60, "caller"))
    assert [one.name for one in found.groups] == [*(f"k{number:02}" for number in range(14, 4, -1)), "others"]
    assert (found.groups[-1].totals.calls, found.groups[-1].totals.cost_nanousd) == (5, 10)
    assert sum(point.cost_nanousd for point in found.groups[-1].points) == 10


def test_a_record_counts_once(url: str, database: Database) -> None:
    """The same rows again, a fold that breaks off and a fold with nothing to do change nothing."""
    write(url, call(1), folded=False)
    write(url, call(1), folded=False)
    with pytest.raises(RuntimeError), database.transaction():
        fold.Folder().fold(database)
        raise RuntimeError
    for _ in range(2):
        write(url)
    assert read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + 1)).totals.calls == 1
    assert database.run("SELECT COUNT(*) FROM rollup_pending") == [(0,)]


def test_durations_count_once_in_every_tier(url: str, database: Database) -> None:
    """Calls of one minute that are folded one after the other: its hour and its day count each of them once, too."""
    for number in range(3):
        write(url, call(number, latency_us=1000))
    ((minute,), (hour,), (day,)) = (
        database.run("SELECT latency FROM rollups WHERE tier = ? AND series = 1", (tier,))[0] for tier in fold.TIERS
    )
    assert isinstance(minute, bytes) and minute == hour == day
    assert sum(histogram.read([minute]).values()) == 3


def test_one_fold_takes_so_many_combinations(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few their facts are: each has sums of its own to write. What is left is folded next."""
    monkeypatch.setattr(facts, "KINDS_PER_LOAD", 2)
    for number in range(5):
        write(url, call(number, caller=f"k{number}"), folded=False)
    folder = fold.Folder()
    for waiting, more in ((3, True), (1, True), (0, False)):
        with database.transaction():
            assert folder.fold(database) == more
        assert database.run("SELECT COUNT(*) FROM rollup_pending") == [(waiting,)]


def test_many_facts_are_written_at_once(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are gathered in steps and stay in the database meanwhile; what breaks off between is counted once."""
    monkeypatch.setattr(facts, "FACTS_PER_LOAD", 2)
    monkeypatch.setattr(fold, "GATHERED_MAX", 6)
    for number in range(7):
        write(url, call(number), folded=False)
    broken = fold.Folder()
    with database.transaction():
        assert broken.fold(database)
    folder = fold.Folder()
    for waiting, more in ((7, True), (7, True), (1, True), (0, False)):
        with database.transaction():
            assert folder.fold(database) == more
        assert database.run("SELECT COUNT(*) FROM rollup_pending") == [(waiting,)]
        assert bool(database.run("SELECT 1 FROM rollups LIMIT 1")) == (waiting < 7)
    assert read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + 1)).totals.calls == 7


def test_what_is_taken_away_is_gone(url: str, database: Database) -> None:
    """A fact with the sign turned leaves nothing of the record, not even rows."""
    rows = [call(number, number * MINUTE_MS, caller=f"k{number % 3}") for number in range(9)]
    write(url, *rows)
    with database.transaction():
        facts.add(database, [facts.fact_of(one, times=-1) for one in rows])
        fold.Folder().fold(database)
    assert database.run("SELECT COUNT(*) FROM rollups") == [(0,)]


def test_prices_change_sums(url: str, database: Database) -> None:
    """A record that is priced anew changes the sums by the difference."""
    write(url, call(1, standard=True), call(2, cost_nanousd=None, standard=True))
    asked = Asked(NOW_MS - MINUTE_MS, NOW_MS + 1)
    before = read_overview(url, asked).totals
    assert (before.calls, before.cost_nanousd, before.unpriced) == (2, 100, 1)
    rates = (PriceRow(1_000_000, 2_000_000, 0, 0, 0, 0, 0),)
    reprice(database, lambda *_: (rates, {}), 0, wait=lambda: None)
    write(url)
    found = read_overview(url, asked).totals
    assert (found.calls, found.cost_nanousd, found.unpriced) == (2, 2 * (10 + 2 * 7), 0)
    assert found.latency_p50_us == before.latency_p50_us


def test_names_that_callers_choose_are_bounded(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many values and combinations a day the rest is summed together; the sums of all stay right."""
    monkeypatch.setattr(fold, "VALUES_PER_DAY_MAX", 5)
    monkeypatch.setattr(fold, "COMBINATIONS_PER_DAY_MAX", 8)
    for part in range(3):
        write(url, *(call(100 * part + number, model_served=f"m{part}-{number}") for number in range(20)))
    found = read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + 1, by="model"))
    assert found.totals.calls == 60 and len(found.groups) == 6
    assert (found.groups[-1].name, found.groups[-1].totals.calls) == ("others", 55)
    ((series,),) = database.run("SELECT COUNT(*) FROM rollup_series WHERE view IN ('model', 'each')")
    assert int(str(series)) <= 6 + 9


def test_what_is_known_of_names_is_bounded(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the combinations that callers name only so many are remembered, and what was forgotten counts all the same."""
    monkeypatch.setattr(fold, "COMBINATIONS_KNOWN_MAX", 7)
    folder, store = fold.Folder(), RecordStore(url)
    for part in range(3):
        store.keep(msgspec.msgpack.encode([call(100 * part + one, model_served=f"m{one % 20}") for one in range(40)]))
        assert store.commit(0)
        with database.transaction():
            folder.fold(database)
        assert len(folder._counts_in) <= 7
    store.close()
    found = read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + 1, by="model"))
    assert {one.name: one.totals.calls for one in found.groups if one.name.startswith("m")}["m0"] == 6
    assert found.totals.calls == 120


def test_no_record_is_read(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for, the plans of all statements touch the sums only, and search them by their key."""
    write(url, *(call(number, caller=f"k{number}") for number in range(20)))
    plans: list[str] = []

    class Spy:
        """A database that explains what it is asked."""

        def run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
            plans.extend(str(one[-1]) for one in database.run(f"EXPLAIN QUERY PLAN {statement}", values))
            return list(database.run(statement, values))

        def close(self) -> None:
            """The test's own."""

    monkeypatch.setattr(overview, "open_reader", lambda _: Spy())
    for where in ({}, {"caller": "k1"}, {"caller": "k1", "model": "gpt"}):
        read_overview(url, Asked(NOW_MS - 3 * DAY_MS, NOW_MS + 1, 60, "model", where))
    reads = [plan for plan in plans if plan.startswith(("SEARCH", "SCAN"))]
    assert reads and all(plan.split()[1] in ("s", "r") for plan in reads), reads
    assert all(plan.startswith("SEARCH") for plan in reads if plan.split()[1] == "r"), set(reads)


def test_nothing_is_an_answer(tmp_path: Path) -> None:
    """Without a database everything is zero, and unknown where there is nothing to measure."""
    found = read_overview(sqlite_url(tmp_path / "none.sqlite"), Asked(0, DAY_MS))
    assert found.totals.calls == 0 and found.totals.latency_p95_us is None and found.points
    with pytest.raises(ValueError, match="expected some of"):
        read_overview(sqlite_url(tmp_path / "none.sqlite"), Asked(0, 1, by="nonsense"))


def test_what_cannot_be_read_holds_nothing_up(url: str, database: Database) -> None:
    """Facts that are no facts are left out; those after them are summed."""
    with database.transaction():
        database.run("INSERT INTO rollup_pending VALUES (1, ?)", (b"\xc1garbage",))
        database.run(
            "INSERT INTO rollup_pending VALUES (2, ?)", (msgspec.msgpack.encode([[1, ["x"], [1], None, "y"]]),)
        )
    write(url, call(1), folded=False)
    write(url)
    write(url)
    assert read_overview(url, Asked(NOW_MS - MINUTE_MS, NOW_MS + 1)).totals.calls == 1
