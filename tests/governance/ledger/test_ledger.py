"""The ledger over every store: nothing is held or spent beyond a limit, whoever asks, dies or comes back."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Answer, Claim, Ledger, MemoryBooks, Report
from asbru.governance.ledger.claims import Held, Meeting
from asbru.governance.ledger.ledger import is_sliding, slice_of
from asbru.governance.ledger.port import Books
from asbru.governance.ledger.sql import SqlBooks
from asbru.governance.windows import Window
from asbru.storage import open_database, sqlite_url

NOW_MS = 1_795_785_000_000
BUDGET = LimitEntry("team/blue/cost/1h", "cost", 1000, "1h")
RATE = LimitEntry("key/a/requests/1m", "requests", 60, "1m")
AT_ONCE = LimitEntry("key/a/concurrency", "concurrency", 10)
STORES = ("memory", "sqlite")


@contextlib.contextmanager
def books_of(store: str) -> Generator[Books]:
    """Empty books in a store."""
    if store == "memory":
        yield MemoryBooks()
        return
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder) / "x.sqlite"))
        try:
            yield SqlBooks(lambda: database)
        finally:
            database.close()


@pytest.fixture(params=STORES)
def ledger(request: pytest.FixtureRequest) -> Generator[Ledger]:
    """A ledger over each store."""
    with books_of(request.param) as books:
        yield Ledger(books)


def take(ledger: Ledger, holder: str, *claims: tuple[LimitEntry, int], now_ms: int = NOW_MS) -> Answer:
    """Claims of exactly so much."""
    return ledger.take(holder, [[Claim(limit.id, limit, need) for limit, need in claims]], now_ms)[0]


def used(ledger: Ledger, limit: LimitEntry, now_ms: int = NOW_MS) -> int:
    """What counts against a limit."""
    return ledger.count(limit.id, now_ms).used


def test_a_slice_counts_until_it_is_settled(ledger: Ledger) -> None:
    """What is held counts as if it were spent; what is given back does not count any more."""
    slice_ = take(ledger, "w1", (BUDGET, 600)).slices[0]
    assert (slice_.amount, slice_.used, slice_.ends_ms) == (600, 600, NOW_MS + 3_600_000)
    assert take(ledger, "w2", (BUDGET, 401)).short is not None
    ledger.settle("w1", 1, [Report(BUDGET.id, slice_.start_ms, 100, 500)], NOW_MS)
    assert used(ledger, BUDGET) == 100
    assert take(ledger, "w2", (BUDGET, 900)).short is None


def test_reports_of_one_slice_that_come_together(ledger: Ledger) -> None:
    """Each frees what the one before it has left, and no more than is held; other slices are as they were."""
    first = take(ledger, "w1", (BUDGET, 100)).slices[0]
    take(ledger, "w2", (BUDGET, 50))
    at = first.start_ms
    ledger.settle("w1", 1, [Report(BUDGET.id, at, 60, 0), Report(BUDGET.id, at, 70, 10)], NOW_MS)
    assert used(ledger, BUDGET) == 60 + 70 + 50
    ledger.settle("w1", 2, [Report(BUDGET.id, at, 0, 40)], NOW_MS)
    assert used(ledger, BUDGET) == 60 + 70 + 50, "nothing is left to be given back"


def test_all_claims_or_none(ledger: Ledger) -> None:
    """Where one limit is short nothing is taken of the others, and the answer says which and until when."""
    assert take(ledger, "w1", (RATE, 60)).short is None
    answer = take(ledger, "w2", (BUDGET, 10), (RATE, 1))
    assert not answer.slices and answer.short is not None
    assert (answer.short.key, answer.short.used) == (RATE.id, 60)
    assert 60_000 <= answer.short.resets_in_ms <= 62_000
    assert used(ledger, BUDGET) == 0


def test_what_will_never_fit_has_no_reset(ledger: Ledger) -> None:
    """More than the whole limit, or a place among calls at once: no time will make room."""
    for limit, need in ((BUDGET, 1001), (AT_ONCE, 11)):
        short = take(ledger, "w1", (limit, need)).short
        assert short is not None and short.resets_in_ms == -1


def test_reports_count_once(ledger: Ledger) -> None:
    """Reports that come again, for their acknowledgement was lost, change nothing."""
    start = take(ledger, "w1", (BUDGET, 600)).slices[0].start_ms
    for number in (1, 1, 2, 1, 2):
        ledger.settle("w1", number, [Report(BUDGET.id, start, 100, 50)], NOW_MS)
    assert used(ledger, BUDGET) == 500
    ledger.settle("w1", 3, [Report(BUDGET.id, start, 0, 300)], NOW_MS)
    assert used(ledger, BUDGET) == 200


def test_more_may_be_spent_than_was_held(ledger: Ledger) -> None:
    """What is spent is spent, whatever was held for it, also beyond the limit."""
    start = take(ledger, "w1", (BUDGET, 600)).slices[0].start_ms
    ledger.settle("w1", 1, [Report(BUDGET.id, start, 1500, 0)], NOW_MS)
    assert used(ledger, BUDGET) == 1500
    assert take(ledger, "w1", (BUDGET, 1)).short is not None


def test_what_nothing_was_held_for_is_counted(ledger: Ledger) -> None:
    """Calls that were served while the ledger was away count in the window of now."""
    ledger.settle("w1", 1, [Report(BUDGET.id, -1, 300, 0, BUDGET)], NOW_MS)
    assert used(ledger, BUDGET) == 300
    slice_ = take(ledger, "w1", (BUDGET, 700)).slices[0]
    assert slice_.used == 1000


def test_the_dead_have_spent_what_they_held(ledger: Ledger) -> None:
    """A budget stays as tight; calls at once are over, and make room."""
    start = take(ledger, "w1", (BUDGET, 600), (AT_ONCE, 10)).slices[0].start_ms
    assert list(ledger.living()) == ["w1"]
    for _ in range(2):
        ledger.bury("w1")
    ledger.bury("nobody")
    assert not ledger.living()
    assert (used(ledger, BUDGET), used(ledger, AT_ONCE)) == (600, 0)
    # It was alive all the time.
    ledger.settle("w1", 1, [Report(BUDGET.id, start, 100, 500)], NOW_MS)
    assert (used(ledger, BUDGET), used(ledger, AT_ONCE)) == (100, 10)


def test_a_worker_that_is_back_is_believed(ledger: Ledger) -> None:
    """What it was given and never heard of is free again, once its earlier reports are booked."""
    start = take(ledger, "w1", (BUDGET, 600)).slices[0].start_ms
    take(ledger, "w1", (BUDGET, 300))
    ledger.bury("w1")
    says = Meeting(1, (Held(BUDGET.id, start, 500),))
    assert not ledger.meet("w1", says, NOW_MS)
    assert used(ledger, BUDGET) == 900
    ledger.settle("w1", 1, [Report(BUDGET.id, start, 100, 0)], NOW_MS)
    assert ledger.meet("w1", says, NOW_MS)
    assert used(ledger, BUDGET) == 600 and list(ledger.living()) == ["w1"]


def test_who_holds(ledger: Ledger) -> None:
    """Those that may give something back: alive, and holding some of it."""
    for holder in ("w1", "w2", "w3"):
        start = take(ledger, holder, (BUDGET, 100)).slices[0].start_ms
    ledger.bury("w2")
    ledger.settle("w3", 1, [Report(BUDGET.id, start, 100, 0)], NOW_MS)
    assert list(ledger.holding(BUDGET.id, NOW_MS)) == ["w1"]
    assert ledger.newest_ms() == NOW_MS


def test_a_budget_begins_anew(ledger: Ledger) -> None:
    """When its window ends nothing counts any more, and late reports about it change nothing."""
    start = take(ledger, "w1", (BUDGET, 1000)).slices[0].start_ms
    later_ms = NOW_MS + 3_600_000
    assert take(ledger, "w1", (BUDGET, 1), now_ms=later_ms - 1).short is not None
    assert take(ledger, "w1", (BUDGET, 1000), now_ms=later_ms).short is None
    ledger.settle("w1", 1, [Report(BUDGET.id, start, 0, 1000)], later_ms)
    ledger.forget(later_ms)
    ledger.settle("w1", 2, [Report(BUDGET.id, start, 7, 0)], later_ms)
    assert used(ledger, BUDGET, later_ms) == 1000


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=12, deadline=None)
@given(gaps=st.lists(st.integers(0, 4000), min_size=60, max_size=200))
def test_a_rate_never_bursts(store: str, gaps: list[int]) -> None:
    """However the calls come: no minute holds more than sixty, and every minute under load holds 57."""
    with books_of(store) as books:
        ledger = Ledger(books)
        now_ms, taken = NOW_MS, list[int]()
        for gap in gaps:
            now_ms += gap
            while take(ledger, "w1", (RATE, 1), now_ms=now_ms).short is None:
                taken.append(now_ms)
            ledger.forget(now_ms)
        for at in taken:
            assert sum(1 for other in taken if at <= other < at + 60_000) <= 60
        for at in range(NOW_MS + 62_000, now_ms - 62_000, 1000):
            assert sum(1 for other in taken if at <= other < at + 66_000) >= 57


@pytest.mark.parametrize("store", STORES)
def test_a_store_compares_and_holds_in_one(store: str) -> None:
    """Also where another ledger on the same store was faster than this one's comparison."""
    with books_of(store) as books, books.transaction():
        window = Window(NOW_MS, NOW_MS + 1000, NOW_MS + 2000)
        assert books.hold("w1", "x", window, amount=60, limit=100, now_ms=NOW_MS)
        assert not books.hold("w2", "x", window, amount=41, limit=100, now_ms=NOW_MS)
        assert books.hold("w2", "x", window, amount=40, limit=100, now_ms=NOW_MS)
        assert [one.used for one in books.counted("x", NOW_MS)] == [100]
        assert books.slices("w2") == [("x", NOW_MS, 40)]


@given(need=st.integers(0, 10**12), wish=st.integers(0, 10**12), left=st.integers(0, 10**12))
def test_slices_shrink(need: int, wish: int, left: int) -> None:
    """Never less than is needed, never beyond what is left, and of the rest an eighth at most."""
    if need <= left:
        got = slice_of(need, wish, left)
        assert need <= got <= left and (got - need) * 8 <= left - need and got <= need + wish


LIMITS = (BUDGET, RATE, AT_ONCE, LimitEntry("t/1d", "tokens", 5000, "1d"), LimitEntry("r#x", "cost", 99, "run"))
HOLDERS = st.sampled_from(["w1", "w2", "w3"])
CLAIMS = st.lists(
    st.tuples(st.sampled_from(LIMITS), st.integers(0, 40), st.integers(0, 400)),
    min_size=1,
    max_size=3,
    unique_by=lambda claim: claim[0].id,
)
STEPS = st.one_of(
    st.tuples(st.just("take"), HOLDERS, CLAIMS),
    st.tuples(st.just("settle"), HOLDERS, st.integers(0, 100)),
    st.tuples(st.just("again"), HOLDERS, st.none()),
    st.tuples(st.just("bury"), HOLDERS, st.none()),
    st.tuples(st.just("time"), st.just(""), st.integers(-100_000, 4_000_000)),
    st.tuples(st.just("forget"), st.just(""), st.none()),
)


class _Worker:
    """What one worker holds, and its last reports."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, int], int] = {}
        self.number = 0
        self.last: list[Report] = []


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_no_limit_is_exceeded(store: str, steps: list[tuple[str, str, object]]) -> None:
    """Any interleaving of takes, reports, repeated reports, deaths, returns and jumps of the clock: what is spent and
    held of a limit stays within it, and no count falls below zero."""
    with books_of(store) as books, books_of("memory") as plain:
        ledgers = (Ledger(books), Ledger(plain))
        workers = {name: _Worker() for name in ("w1", "w2", "w3")}
        now_ms = NOW_MS
        for verb, holder, about in steps:
            if verb == "time":
                assert isinstance(about, int)
                now_ms += about
                continue
            for number, ledger in enumerate(ledgers):
                _act(ledger, verb, (holder, workers.get(holder), about), now_ms, says=number == 1)
            counts = [[ledger.count(limit.id, now_ms) for limit in LIMITS] for ledger in ledgers]
            assert counts[0] == counts[1]
            for limit, count in zip(LIMITS, counts[0], strict=True):
                revived = limit is AT_ONCE  # a worker that was no more, and is back, brings its calls along
                assert count.used >= 0 and (revived or count.used <= limit.amount)


def _act(ledger: Ledger, verb: str, who: tuple[str, _Worker | None, object], now_ms: int, *, says: bool) -> None:
    """One step; `says`: the worker takes note of it, after the last ledger has."""
    holder, worker, about = who
    if verb == "forget":
        ledger.forget(now_ms)
        return
    assert worker is not None
    if verb == "bury":
        ledger.bury(holder)
    elif verb == "again":
        ledger.settle(holder, worker.number, worker.last, now_ms)
    elif verb == "take":
        assert isinstance(about, list)
        claims = [Claim(limit.id, limit, need, wish) for limit, need, wish in about]
        answer = ledger.take(holder, [claims], now_ms)[0]
        for one in answer.slices if says else ():
            worker.held[one.key, one.start_ms] = worker.held.get((one.key, one.start_ms), 0) + one.amount
    else:
        assert isinstance(about, int)
        reports = [
            Report(key, start, *_shares(key, held, about)) for (key, start), held in worker.held.items() if held
        ]
        ledger.settle(holder, worker.number + 1, reports, now_ms)
        if says:
            worker.number += 1
            worker.last = reports
            for report in reports:
                worker.held[report.key, report.start_ms] -= report.spent + report.released


def _shares(key: str, held: int, percent: int) -> tuple[int, int]:
    """What is spent and what is given back of a slice; a call that has ended gives its place back."""
    part = held * percent // 100
    return (0, part) if key == AT_ONCE.id else (part, held - part)


PER_RUN = LimitEntry("key/a/cost/run", "cost", 100, "run")
WEEK_MS = 7 * 86_400_000


def take_run(ledger: Ledger, run: str, need: int = 1, *, runs_max: int = 4, now_ms: int = NOW_MS) -> Answer:
    """What a call of a run takes of `PER_RUN`."""
    return ledger.take("w1", [[Claim(f"{PER_RUN.id}#{run}", PER_RUN, need, runs_max=runs_max)]], now_ms)[0]


def pause(ledger: Ledger, run: str, number: int, answer: Answer) -> None:
    """All that a call of a run took is spent."""
    slice_ = answer.slices[0]
    ledger.settle("w1", number, [Report(f"{PER_RUN.id}#{run}", slice_.start_ms, slice_.amount, 0)], NOW_MS)


def test_the_run_that_is_idle_longest_makes_room(ledger: Ledger) -> None:
    """Callers choose the names of runs: there are never more than so many, and those in use stay. Another limit, and
    the calls that name no run, are no part of it."""
    other = LimitEntry("key/a/cost/run/2", "cost", 100, "run")
    ledger.take("w1", [[Claim(f"{other.id}#x", other, 9, runs_max=4)]], NOW_MS)
    assert take_run(ledger, "", 9).short is None
    for number, run in enumerate(("busy", "old", "new"), start=1):
        answer = take_run(ledger, run, 9, now_ms=NOW_MS + number)
        if run != "busy":
            pause(ledger, run, number, answer)
    pause(ledger, "old", 9, take_run(ledger, "old", 9, now_ms=NOW_MS + 9))
    for number in range(20):
        answer = take_run(ledger, f"made-up-{number}", 9, now_ms=NOW_MS + 10 + number)
        assert answer.short is None
        pause(ledger, f"made-up-{number}", 10 + number, answer)
        if number == 1:
            kept = [ledger.count(f"{PER_RUN.id}#{run}", NOW_MS + 30).used for run in ("busy", "old", "new")]
            assert kept == [9, 18, 0]
    counts = {run: ledger.count(f"{PER_RUN.id}#{run}", NOW_MS + 30).used for run in ("busy", "", "made-up-19")}
    assert counts == {"busy": 9, "": 9, "made-up-19": 9}
    assert sum(ledger.count(f"{PER_RUN.id}#made-up-{number}", NOW_MS + 30).used > 0 for number in range(20)) == 3
    assert ledger.count(f"{other.id}#x", NOW_MS + 30).used == 9


def test_a_run_beside_too_many_is_refused(ledger: Ledger) -> None:
    """Where all are in use; those that are there go on, and calls that name no run."""
    for run in range(4):
        assert take_run(ledger, f"r{run}").short is None
    short = take_run(ledger, "one more").short
    assert short is not None and short.runs == 4
    assert take_run(ledger, "r0").short is None and take_run(ledger, "").short is None


def test_runs_made_while_the_ledger_was_away_are_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was spent then is booked, and the oldest make room here too."""
    monkeypatch.setattr("asbru.governance.ledger.ledger.RUNS_MAX", 4)
    for number in range(9):
        ledger.settle("w1", number + 1, [Report(f"{PER_RUN.id}#r{number}", -1, 5, 0, PER_RUN)], NOW_MS + number)
    assert [ledger.count(f"{PER_RUN.id}#r{number}", NOW_MS).used for number in range(9)] == [0] * 5 + [5] * 4


def test_a_run_ends_a_week_after_its_last_call(ledger: Ledger) -> None:
    """It is one run for as long as it goes on; calls that name none begin anew a week after the first."""
    for run in ("r", ""):
        take_run(ledger, run, 60)
        take_run(ledger, run, 10, now_ms=NOW_MS + WEEK_MS - 1)
    assert take_run(ledger, "r", 40, now_ms=NOW_MS + WEEK_MS + 1).short is not None
    assert take_run(ledger, "", 40, now_ms=NOW_MS + WEEK_MS + 1).short is None
    assert ledger.count(f"{PER_RUN.id}#r", NOW_MS + 2 * WEEK_MS).used == 0


def test_kinds_of_limits() -> None:
    """Budgets and limits of a run count in fixed windows, rates slide, calls at once do neither."""
    assert is_sliding(RATE) and not is_sliding(BUDGET) and not is_sliding(AT_ONCE)
    assert not is_sliding(LimitEntry("x", "tokens", 1, "run"))
