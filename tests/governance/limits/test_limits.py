"""Limits in one worker: slices in hand, waiting for the ledger, giving back, and the ledger away."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledgers import Desk

from asbru.core.errors import BudgetExceeded, LedgerAway, RateLimited
from asbru.core.future import Future
from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry
from asbru.governance.ledger import Claim
from asbru.governance.limits import Counter, Holding
from asbru.governance.limits.limits import AHEAD_SOON_S
from asbru.governance.limits.owners import CHAINS_MAX

USD = 1_000_000_000
BUDGET = LimitEntry("team/blue/cost/1M", "cost", USD, "1M")
RATE = LimitEntry("key/a/requests/1m", "requests", 60, "1m")
AT_ONCE = LimitEntry("key/a/concurrency", "concurrency", 2)


def desk(**changed: object) -> Desk:
    """A worker that knows the key `a` of the team `blue`."""
    made = Desk()
    budget = msgspec.structs.replace(BUDGET, **changed)
    key = KeyEntry("a", ("*",), owner_id="key/a", parent="team/blue", limits=(RATE, AT_ONCE))
    made.limits.owners.keys.put("1", msgspec.msgpack.encode(key))
    made.limits.owners.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue", limits=(budget,))))
    return made


def cost(made: Desk) -> Counter:
    """The counter of the team's budget."""
    return made.limits.owners.chain("a").held[0]


class Taken:
    """A take: what it holds, and whether it waits."""

    def __init__(self, made: Desk, *needs: tuple[Counter, int]) -> None:
        self.made = made
        self.holding = Holding()
        self.future: Future[None] | None = made.limits.take(needs, self.holding)

    @property
    def waits(self) -> bool:
        return self.future is not None and not self.future.done

    def error(self) -> BaseException | None:
        """What it was refused with."""
        if self.future is None:
            return None
        assert self.future.done
        try:
            next(self.future.__await__())
        except StopIteration:
            return None
        except BaseException as error:  # noqa: BLE001 -- it is what the test asks for
            return error
        raise AssertionError("it waits")

    def settle(self, spent: int) -> None:
        """It is over."""
        self.made.limits.settle(self.holding, {"cost": spent, "requests": spent})


def test_the_first_call_waits_and_the_next_does_not() -> None:
    """A slice is asked for when it is needed, larger than that, and written down before it is used."""
    made = desk()
    first = Taken(made, (cost(made), 1000))
    assert first.waits
    made.answer()
    assert not first.waits and first.error() is None
    assert Taken(made, (cost(made), 1000)).future is None
    assert made.ledger.count(BUDGET.id, made.now_ms).used == cost(made).left + 2000


def test_what_does_not_fit_is_refused_with_the_amounts() -> None:
    """The refusal names owner, amounts and reset, and leaves nothing held."""
    made = desk()
    taken = Taken(made, *made.limits.owners.chain("a").admitted, (cost(made), USD + 1))
    made.answer()
    error = taken.error()
    assert isinstance(error, BudgetExceeded)
    assert (error.owner, error.metric, error.amount, error.spent) == ("team/blue", "cost", USD, 0)
    assert "team 'blue' has used 0.00 USD of its budget of 1.00 USD per month" in error.message
    assert "more than the whole limit" in error.message and not taken.holding.parts
    made.flush(seconds=1.0)
    made.flush(seconds=2.0)
    assert made.ledger.count(RATE.id, made.now_ms).used == 0


def test_a_budget_that_is_spent_says_when_it_begins_anew() -> None:
    """Retry-After and the time of the reset."""
    made = desk()
    first = Taken(made, (cost(made), USD))
    made.answer()
    first.settle(USD)
    made.flush()
    second = Taken(made, (cost(made), 5))
    made.answer()
    error = second.error()
    assert isinstance(error, BudgetExceeded) and error.spent == USD and error.retry_after_s is not None
    assert error.resets_at_ms == made.ledger.count(BUDGET.id, made.now_ms).ends_ms
    assert "resets at 20" in error.message
    assert not made.limits.room("team/blue") and made.limits.room("key/a")
    made.now_s += 1.0
    assert made.limits.room("team/blue")


def test_calls_at_once() -> None:
    """A place is free again as soon as a call is over."""
    made = desk()
    at_once = made.limits.owners.chain("a").admitted[1][0]
    taken = [Taken(made, (at_once, 1)) for _ in range(3)]
    made.answer()
    assert [one.error() is None for one in taken] == [True, True, False]
    assert isinstance(taken[2].error(), RateLimited)
    taken[0].settle(0)
    assert Taken(made, (at_once, 1)).error() is None


def test_a_slice_of_a_rate_is_good_for_a_bucket_and_a_half() -> None:
    """After it, what is left goes back and a new slice is asked for."""
    made = desk()
    rate = made.limits.owners.chain("a").admitted[0][0]
    first = Taken(made, (rate, 1))
    made.answer()
    first.settle(1)
    left = rate.left
    assert left > 0
    made.now_s += 1.5
    second = Taken(made, (rate, 1))
    assert second.waits
    made.answer()
    second.settle(1)
    made.flush()
    assert made.ledger.count(RATE.id, made.now_ms).used == 2 + rate.left


def test_calls_do_not_wait_where_a_bucket_ends() -> None:
    """The first call of the next bucket takes of the slice in hand, and has the next one asked for. What is left of the
    first goes back when that comes."""
    made = desk()
    rate = made.limits.owners.chain("a").admitted[0][0]
    first = Taken(made, (rate, 1))
    made.answer()
    first.settle(1)
    buckets = {rate.start_ms}
    for _ in range(5):
        made.now_s += 1.0
        call = Taken(made, (rate, 1))
        assert call.future is None and not made.link.questions
        made.loop.pass_time(AHEAD_SOON_S)
        made.run()
        assert len(made.link.questions) == 1
        made.answer()
        buckets.add(rate.start_ms)
        call.settle(1)
        assert Taken(made, (rate, 1)).future is None
        assert not made.loop.soon, "it is asked for once"
    assert len(buckets) == 6
    made.flush()
    assert made.ledger.count(RATE.id, made.now_ms).used == 11 + rate.left


def test_what_a_call_needs_next_is_asked_for_with_what_it_waits_for() -> None:
    """Slices of several rates end at the same moment: the call waits once, and the ledger is asked once."""
    made = Desk()
    limits = tuple(LimitEntry(f"key/a/{metric}/1m", metric, 10**6, "1m") for metric in ("requests", "tokens"))
    made.limits.owners.keys.put("1", msgspec.msgpack.encode(KeyEntry("a", ("*",), owner_id="key/a", limits=limits)))
    chain = made.limits.owners.chain("a")
    (requests, _), *_ = chain.admitted
    (tokens,) = chain.held
    for _ in range(2):
        held = Taken(made, (requests, 1)), Taken(made, (tokens, 5))
        made.answer()
        for one in held:
            one.settle(1)
        made.now_s += 1.5
    holding = Holding()
    made.limits.take(((requests, 1),), holding, (tokens,))
    made.run()
    assert len(made.link.questions) == 1
    made.answer()
    assert Taken(made, (tokens, 5)).future is None


def test_a_call_that_lacks_one_of_its_limits_takes_nothing_of_the_others() -> None:
    """Also where the one before it had enough: after the refusal as much is in hand as before, and the call holds
    nothing."""
    made = desk()
    chain = made.limits.owners.chain("a")
    rate, budget = chain.admitted[0][0], cost(made)
    for source in (rate, budget):
        first = Taken(made, (source, 4))
        made.answer()
        first.settle(0)
    left = rate.left
    call = Taken(made, (rate, 1), (budget, 2 * USD))
    made.answer()
    assert isinstance(call.error(), BudgetExceeded)
    assert rate.left == left > 1 and not call.holding.parts


def test_what_is_in_hand_at_the_end_is_told() -> None:
    """Also of a bucket that is not over."""
    made = desk()
    rate = made.limits.owners.chain("a").admitted[0][0]
    call = Taken(made, (rate, 1))
    made.answer()
    call.settle(1)
    made.flush()
    made.limits.close()
    made.book()
    assert made.limits.leases == 0
    assert made.ledger.count(RATE.id, made.now_ms).used == 1


def test_what_nobody_uses_goes_back() -> None:
    """A slice that was idle for a second is given back."""
    made = desk()
    Taken(made, (cost(made), 1000))
    made.answer()
    assert cost(made).left > 0
    made.flush(seconds=1.0)
    made.flush(seconds=1.0)
    made.flush()
    assert cost(made).left == 0
    assert made.ledger.count(BUDGET.id, made.now_ms).used == 1000


def test_a_slice_that_looks_like_the_last_one_is_in_use() -> None:
    """As much is left of it as of the one before when idle slices were looked for: it stays, for calls go on."""
    made = desk()
    rate = made.limits.owners.chain("a").admitted[0][0]
    left: list[int] = []
    for _ in range(4):
        call = Taken(made, (rate, 1))
        made.loop.pass_time(AHEAD_SOON_S)
        made.answer()
        call.settle(1)
        left.append(rate.left)
        made.flush(seconds=1.0)
    assert left[1:] == left[:1] * 3 and rate.left == left[0]


def test_a_recall_is_answered() -> None:
    """What no call needs is given back at once, and the answer says which recall it is to."""
    made = desk()
    Taken(made, (cost(made), 1000))
    made.answer()
    answer = made.recall(7, [BUDGET.id, "unknown"])
    assert answer.recalled == 7 and answer.reports[0].released > 0
    made.book()
    assert made.ledger.count(BUDGET.id, made.now_ms).used == 1000
    assert made.recall(8, [BUDGET.id]).recalled == 8


def test_a_call_that_goes_away_takes_nothing() -> None:
    """What comes for a caller who has gone is in hand for others."""
    made = desk()
    taken = Taken(made, (cost(made), 1000))
    taken.settle(0)
    made.answer()
    assert cost(made).left >= 1000 and not taken.holding.parts


def test_the_ledger_away() -> None:
    """Closed, a call is refused with 503; open, it is served and counted later, but never under a strict budget."""
    made = desk()
    made.link.connected = False
    rate = made.limits.owners.chain("a").admitted[0][0]
    closed = Taken(made, (rate, 1))
    made.run()
    assert closed.waits
    made.expire()
    assert isinstance(closed.error(), LedgerAway)
    made.limits.store_away = "open"
    strict, open_ = Taken(made, (cost(made), 1000)), Taken(made, (rate, 1))
    made.expire()
    assert isinstance(strict.error(), LedgerAway) and open_.error() is None
    open_.settle(1)
    made.flush()
    assert made.ledger.count(RATE.id, made.now_ms).used == 1


def test_what_a_lost_connection_answered_is_given_back() -> None:
    """The worker says what it holds; a late answer is taken in all the same."""
    made = desk()
    taken = Taken(made, (cost(made), 1000))
    made.run()
    made.ledger.take("w1", [[Claim(BUDGET.id, BUDGET, 1000, 0)]], made.now_ms)  # it was answered, and never heard
    made.link.drop()
    made.run()
    made.link.connect()
    assert made.meeting().held == ()
    assert made.ledger.meet("w1", made.meeting(), made.now_ms)
    assert made.ledger.count(BUDGET.id, made.now_ms).used == 0
    made.flush()
    made.answer()
    assert taken.error() is None
    made.link.connect()
    assert sum(one.amount for one in made.meeting().held) == made.ledger.count(BUDGET.id, made.now_ms).used


def test_a_late_answer_is_kept_for_others() -> None:
    """The ledger answers after the caller was refused: the slice is in hand, and goes back when nobody needs it."""
    made = desk()
    taken = Taken(made, (cost(made), 1000))
    made.run()
    made.expire()
    assert isinstance(taken.error(), LedgerAway)
    made.answer()
    assert cost(made).left > 0
    made.limits.close()
    made.book()
    assert made.ledger.count(BUDGET.id, made.now_ms).used == 0


def test_room_of_patterns() -> None:
    """A glob of models, or a key's limit at any provider, that is used up leaves no room for all that it is about."""
    made = desk()
    made.limits.note_full("model/p/gpt*", made.now_s + 1)
    made.limits.note_full("key/a/provider/*", made.now_s + 1)
    assert not made.limits.room("model/p/gpt-4") and not made.limits.room("key/a/provider/p")
    assert made.limits.room("model/p/o1") and made.limits.room("key/b/provider/p")
    made.now_s += 1
    assert made.limits.room("model/p/gpt-4")


def test_standing() -> None:
    """What others may ask: every limit, and how full the fullest of each sort is."""
    made = desk()
    taken = Taken(made, (cost(made), USD // 2))
    made.answer()
    assert [one.limit_id for one in made.limits.standing("a")] == [RATE.id, AT_ONCE.id, BUDGET.id]
    assert made.limits.used("a").budget_used == 50.0
    taken.settle(0)
    assert made.limits.used("a").requests == 0.0 and made.limits.used("nobody").budget_used == 0.0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, USD // 3)),
        st.tuples(st.just("settle"), st.integers(0, 100)),
        st.tuples(st.just("pass"), st.integers(0, 3000)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("drop"), st.just(0)),
        st.tuples(st.just("recall"), st.just(0)),
    ),
    max_size=50,
)


def test_a_refresh_tells_how_limits_stand() -> None:
    """Before the first call the ledger is asked: what others have used, and when the window ends, or would if a call
    began it now. It takes nothing, and is not asked more often than once a second."""
    made = desk(window="1d")
    future = made.limits.refresh("a")
    assert future is not None and made.limits.refresh("a") is None
    made.answer()
    assert future.done and not made.ledger.count(BUDGET.id, made.now_ms).used
    assert made.limits.standing("a")[2].resets_at_ms == made.now_ms + 86_400_000
    other = made.ledger.take(
        "w2", [[Claim(BUDGET.id, msgspec.structs.replace(BUDGET, window="1d"), 400)]], made.now_ms
    )
    assert other[0].slices
    made.now_s += 1.0
    future = made.limits.refresh("a")
    made.answer()
    assert future is not None and future.done and made.limits.standing("a")[2].spent == 400


def test_a_refresh_of_a_limit_that_was_lowered() -> None:
    """More is used than it allows: that is told too."""
    made = desk(window="1d")
    assert Taken(made, (cost(made), 500)).waits
    made.answer()
    budget = msgspec.structs.replace(BUDGET, window="1d", amount=100)
    made.limits.owners.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue", limits=(budget,))))
    future = made.limits.refresh("a")
    made.answer()
    told = made.limits.standing("a")[2]
    assert future is not None and future.done and (told.amount, told.spent >= 500) == (100, True)


def test_a_refresh_ends_although_the_ledger_is_away() -> None:
    """With what is known: nothing."""
    made = desk()
    made.link.connected = False
    future = made.limits.refresh("a")
    made.expire()
    assert future is not None and future.done
    assert {one.resets_at_ms for one in made.limits.standing("a")} == {None}
    assert made.limits.refresh("nobody") is None


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_nothing_is_lost_or_used_twice(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: nothing falls below zero, what calls hold and the slice in hand are covered
    by the ledger, and in the end it has what was spent and nothing else."""
    made = desk()
    calls: list[tuple[Taken, int]] = []
    spent = 0
    for verb, number in [*steps, *[("settle", 50)] * 50]:
        if verb == "take":
            calls.append((Taken(made, (cost(made), number)), number))
        elif verb == "settle" and calls:
            taken, need = calls.pop()
            granted = not taken.waits and taken.error() is None
            held = sum(amount for _, _, amount in taken.holding.parts)
            assert taken.waits or held == (need if granted else 0)
            used = need * number // 100 if granted else 0
            taken.settle(used)
            spent += used
        elif verb == "pass":
            made.flush(seconds=number / 1000)
        elif verb == "answer":
            made.answer()
        elif verb == "drop":
            made.link.drop()
            made.run()
            made.link.connect()
            made.flush()
            made.ledger.meet("w1", made.meeting(), made.now_ms)
        elif verb == "recall":
            made.recall(1, [BUDGET.id])
        assert cost(made).left >= 0
        assert made.ledger.count(BUDGET.id, made.now_ms).used <= USD
    made.flush()
    made.answer()
    made.limits.close()
    made.book()
    assert made.ledger.count(BUDGET.id, made.now_ms).used == spent


def test_counters_of_runs_are_forgotten_under_load() -> None:
    """Callers name runs as they like; that some slice is always in hand keeps none of them."""
    made = desk()
    per_run = LimitEntry("key/b/cost/run", "cost", USD, "run")
    key = KeyEntry("b", ("*",), owner_id="key/b", limits=(per_run,))
    made.limits.owners.keys.put("2", msgspec.msgpack.encode(key))
    for run in range(CHAINS_MAX + 1):
        made.limits.owners.chain("b", str(run))
    taken = Taken(made, (cost(made), 1000))
    made.answer()
    for _ in range(3):
        taken.settle(10)
        made.flush(seconds=1.0)
        taken = Taken(made, (cost(made), 1000))
    assert cost(made).in_hand and len(made.limits.owners.counters) < 10


def test_a_call_that_is_too_large_fills_nothing() -> None:
    """That one call does not fit says nothing about others: they are not kept away from where there is room."""
    made = desk()
    for need in (USD + 1, USD):
        small = Taken(made, (cost(made), USD // 10))
        made.answer()
        large = Taken(made, (cost(made), need))
        made.answer()
        made.answer()
        assert isinstance(large.error(), BudgetExceeded) and small.error() is None
        assert made.limits.room("team/blue")
    full = Taken(made, (cost(made), USD - 2 * USD // 10))
    made.answer()
    assert full.error() is None
    refused = Taken(made, (cost(made), 1000))
    made.answer()
    assert isinstance(refused.error(), BudgetExceeded) and not made.limits.room("team/blue")
