"""Portions: what is set aside for the calls of one key is never lost, and nobody is refused because of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledgers import Desk

from asbru.core.future import Future
from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry
from asbru.governance.ledger import Claim, Report
from asbru.governance.limits import Counter, Holding
from asbru.governance.limits.portions import SHARE, Portion

TEAM, AMOUNT = "team/blue/tokens/1m", 10_000


def tokens(owner: str, amount: int = AMOUNT, window: str = "1m") -> LimitEntry:
    """A limit of tokens."""
    return LimitEntry(f"{owner}/tokens/{window}", "tokens", amount, window)


def desk(window: str = "1m") -> Desk:
    """A worker that knows the keys `a` and `b` of the team `blue`: each has a limit, and the team has one for both."""
    made = Desk()
    for name in "ab":
        know(made, name, window)
    team = OwnerEntry("blue", limits=(tokens("team/blue", window=window),))
    made.limits.owners.owners.put("team/blue", msgspec.msgpack.encode(team))
    return made


def know(made: Desk, name: str, window: str = "1m") -> None:
    """The feed tells of a key."""
    limits = (tokens(f"key/{name}", window=window),)
    entry = KeyEntry(name, ("*",), owner_id=f"key/{name}", parent="team/blue", limits=limits)
    made.limits.owners.keys.put(name, msgspec.msgpack.encode(entry))


def portion(made: Desk, key: str) -> Portion:
    """What the calls of a key take of."""
    (found,) = made.limits.owners.chain(key).portions
    return found


def team(made: Desk) -> Counter:
    """The counter of the team."""
    return made.limits.owners.counters[TEAM]


class Held:
    """What a call of a key holds, or waits for."""

    def __init__(self, made: Desk, key: str, need: int) -> None:
        self.made, self.need = made, need
        self.holding = Holding()
        needs = [(source, need) for source in made.limits.owners.chain(key).held]
        self.future: Future[None] | None = made.limits.take(needs, self.holding)

    @property
    def granted(self) -> bool:
        """Whether it holds what it needs."""
        return self.future is None or (self.future.done and self.future.failure is None)

    def settle(self, spent: int, *, at_least_held: bool = False) -> None:
        """It is over."""
        self.made.limits.settle(self.holding, {"tokens": spent}, at_least_held=at_least_held)


@pytest.fixture
def warm() -> Iterator[Desk]:
    """A worker whose slices have just come."""
    made = desk()
    for key in ("a", "b"):
        call = Held(made, key, 80)
        made.answer()
        call.settle(0)
    yield made


def test_a_call_subtracts_once(warm: Desk) -> None:
    """The next call of a key fills its portion, and those after it leave the counters alone."""
    left = team(warm).left
    calls = [Held(warm, "a", 1) for _ in range(3)]
    aside = left // SHARE
    assert [one.granted for one in calls] == [True] * 3
    assert (portion(warm, "a").left, team(warm).left) == (aside - 3, left - aside)
    for one in calls:
        one.settle(1)
    assert (portion(warm, "a").left, portion(warm, "a").spent, team(warm).spent) == (aside - 3, 3, 0)
    assert not warm.limits.reports(100), "it is told when its bucket is over"
    warm.now_s += 1.5
    reports = warm.limits.reports(100)
    assert {(one.key, one.spent) for one in reports if one.spent} == {("key/a/tokens/1m", 3), (TEAM, 3)}
    assert not warm.limits.reports(100), "it is told once"


def test_what_several_keys_spent_is_told_together(warm: Desk) -> None:
    """Calls of two keys spend of the portion of each, and one of them of the team's own slice, too, before the ledger
    is told: it hears of all of that."""
    for key, spent in (("a", 2), ("b", 3)):
        call = Held(warm, key, 4)
        assert portion(warm, key).in_hand
        call.settle(spent)
    portion(warm, "a").close()
    Held(warm, "a", 4).settle(1)
    warm.now_s += 1.5
    reports = warm.limits.reports(100)
    told = {(one.key, one.spent) for one in reports if one.spent}
    assert told == {("key/a/tokens/1m", 3), ("key/b/tokens/1m", 3), (TEAM, 6)}


def test_a_share_is_that_of_the_smallest_slice(warm: Desk) -> None:
    """The counters of a portion have unlike slices in hand: as much is set aside as the smallest one can spare."""
    key_a = warm.limits.owners.counters["key/a/tokens/1m"]
    key_a.left = least = 40
    left = team(warm).left
    assert left > 4 * least
    Held(warm, "a", 1).settle(0)
    aside = least // SHARE
    assert portion(warm, "a").left == aside
    assert (key_a.left, team(warm).left) == (least - aside, left - aside)


def test_little_is_not_set_aside(warm: Desk) -> None:
    """Calls that need much of a small slice take of each counter."""
    left = team(warm).left
    call = Held(warm, "a", left // SHARE)
    assert call.future is None and not portion(warm, "a").in_hand
    assert team(warm).left == left - left // SHARE
    call.settle(1)
    assert team(warm).left == left - 1


def test_others_get_what_is_set_aside(warm: Desk) -> None:
    """A call of another key that needs the whole slice has it without asking the ledger."""
    left = team(warm).left
    Held(warm, "a", 1).settle(0)
    assert portion(warm, "a").in_hand
    key_b = warm.limits.owners.counters["key/b/tokens/1m"].left
    need = min(left, key_b)
    assert need > left - left // SHARE
    assert Held(warm, "b", need).future is None
    assert not portion(warm, "a").in_hand and team(warm).left + portion(warm, "b").left == left - need


def test_what_a_call_of_a_closed_portion_held(warm: Desk) -> None:
    """Goes back to the counters, and what it spent beyond that comes out of what is set aside by then."""
    left = team(warm).left
    first, second = Held(warm, "a", 5), Held(warm, "a", 5)
    team(warm).gather()
    assert team(warm).left == left - 10
    first.settle(2)
    assert (team(warm).left, team(warm).held) == (left - 7, {team(warm).start_ms: left})
    Held(warm, "a", 1).settle(0)
    second.settle(left - 2 + 100)
    assert team(warm).left == 0
    reports = {one.key: one for one in warm.limits.reports(100)}
    assert reports[TEAM] == Report(TEAM, team(warm).start_ms, left + 100, 0)


def test_a_call_that_told_nothing_spent_what_it_held(warm: Desk) -> None:
    """Of every counter."""
    left = team(warm).left
    Held(warm, "a", 5).settle(0, at_least_held=True)
    team(warm).gather()
    assert team(warm).left == left - 5
    assert {one.key: one.spent for one in warm.limits.reports(100)} == {"key/a/tokens/1m": 5, TEAM: 5}


def test_a_window_that_ends_closes_what_is_set_aside(warm: Desk) -> None:
    """What was spent counts in the window it was held in, and a slice that is over is not used."""
    start_ms = team(warm).start_ms
    held = Held(warm, "a", 3)
    held.settle(3)
    late = Held(warm, "a", 4)
    warm.now_s += 2.0
    after = Held(warm, "a", 1)
    assert after.future is not None
    warm.answer()
    assert after.granted and team(warm).start_ms > start_ms
    late.settle(4)
    warm.limits.reports(100)
    warm.flush(seconds=1.0)
    assert warm.ledger.count(TEAM, warm.now_ms).used >= 3 + 4 + 1


def test_what_is_settled_late_counts_in_its_own_window(warm: Desk) -> None:
    """A call that held of a portion which was filled anew in a later window adds nothing to that one."""
    start_ms = team(warm).start_ms
    late = Held(warm, "a", 4)
    warm.now_s += 2.0
    after = Held(warm, "a", 4)
    warm.answer()
    after.settle(0)
    Held(warm, "a", 1).settle(0)
    warm.limits.reports(100)
    found, left, aside = portion(warm, "a"), team(warm).left, portion(warm, "a").left
    assert found.in_hand and start_ms not in found.start_ms
    late.settle(3)
    assert (found.left, found.spent, team(warm).left) == (aside, 0, left)
    assert Report(TEAM, start_ms, 3, 1) in warm.limits.reports(100)


def test_what_is_settled_after_its_window_goes_back_to_the_ledger(warm: Desk) -> None:
    """Nothing joins a slice that is over, though no other slice has come."""
    start_ms = team(warm).start_ms
    late = Held(warm, "a", 4)
    left, aside = team(warm).left, portion(warm, "a").left
    warm.now_s += 2.0
    late.settle(3)
    assert (portion(warm, "a").left, team(warm).left) == (aside, left)
    assert Report(TEAM, start_ms, 3, 1) in warm.limits.reports(100)


def test_what_is_spent_beyond_what_was_held_comes_out_of_other_portions(warm: Desk) -> None:
    """Else the worker would go on with slices that the ledger believes to be spent."""
    left = team(warm).left
    Held(warm, "a", 1).settle(0)
    assert portion(warm, "a").left
    call = Held(warm, "b", 1)
    call.settle(left - 1)
    assert (team(warm).left, portion(warm, "a").left, portion(warm, "b").left) == (1, 0, 0)
    warm.limits.reports(100)
    assert team(warm).held == {team(warm).start_ms: 1}


def test_a_slice_whose_portions_are_used_is_not_idle() -> None:
    """The sweep gives back what nobody used, and a call that takes of a portion uses the slices below it."""
    made = desk("1d")
    call = Held(made, "a", 80)
    made.answer()
    call.settle(0)
    for _ in range(4):
        call = Held(made, "a", 1)
        assert call.future is None
        call.settle(1)
        made.flush(seconds=1.0)
    counter = made.limits.owners.counters["team/blue/tokens/1d"]
    assert made.ledger.count(counter.key, made.now_ms).used == 4 + counter.left and counter.left > 80


def test_no_more_is_asked_of_the_ledger_than_is_missing(warm: Desk) -> None:
    """A call that has to wait for one of its limits holds of the others what is set aside for other keys."""
    left = team(warm).left
    Held(warm, "a", 1).settle(0)
    of_key = "key/b/tokens/1m"
    warm.recall(1, [of_key])
    assert team(warm).left < left
    waits = Held(warm, "b", left)
    warm.run()
    ((payload, _),) = warm.link.questions
    ((claim,),) = msgspec.msgpack.decode(payload, type=list[tuple[Claim, ...]])
    assert (claim.key, claim.need) == (of_key, left)
    warm.answer()
    assert waits.granted


def test_recalled_slices_and_idle_ones_go_back_whole(warm: Desk) -> None:
    """Also what is set aside of them."""
    Held(warm, "a", 1).settle(1)
    recalled = warm.recall(1, [TEAM])
    assert sum(one.released for one in recalled.reports if one.key == TEAM) > 0
    assert not portion(warm, "a").in_hand and team(warm).left == 0
    warm.flush(seconds=1.0)
    warm.flush(seconds=1.0)
    assert warm.ledger.count(TEAM, warm.now_ms).used == 1
    assert not warm.limits.held() and not warm.limits.owners.counters["key/a/tokens/1m"].left


def test_what_is_set_aside_for_a_caller_is_not_used(warm: Desk) -> None:
    """Callers read what is left to them; what another key has set aside counts as used, as slices of others do."""
    Held(warm, "a", 1).settle(1)
    (_, of_team) = warm.limits.standing("a")
    assert of_team.spent == team(warm).used - team(warm).left - portion(warm, "a").left
    (_, for_other) = warm.limits.standing("b")
    assert for_other.spent == team(warm).used - team(warm).left


def test_what_is_alike_is_one_portion() -> None:
    """Limits of one sort of several owners; but not budgets that hold the worst case beside those that expect the
    usual one, and not places of calls at once."""
    made = Desk()
    own = (tokens("key/a"), LimitEntry("k", "cost", 9, "1d"), LimitEntry("c", "concurrency", 9))
    key = KeyEntry("a", ("*",), owner_id="key/a", parent="team/blue", limits=own)
    above = (tokens("team/blue"), LimitEntry("t", "cost", 9, "1d", strict=False), LimitEntry("d", "concurrency", 9))
    made.limits.owners.keys.put("a", msgspec.msgpack.encode(key))
    made.limits.owners.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue", limits=above)))
    chain = made.limits.owners.chain("a")
    assert [[counter.key for counter in one.counters] for one in chain.held] == [
        ["key/a/tokens/1m", TEAM],
        ["k"],
        ["t"],
    ]
    assert [one.counters[0].key for one, _ in chain.admitted] == ["c", "d"] and chain.expects


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.integers(1, AMOUNT // 8)),
        st.tuples(st.sampled_from("ab"), st.integers(1, 9)),
        st.tuples(st.sampled_from(["settle", "silent", "over"]), st.integers(0, 100)),
        st.tuples(st.just("pass"), st.integers(0, 3000)),
        st.tuples(st.sampled_from(["answer", "drop", "recall", "change"]), st.just(0)),
    ),
    max_size=60,
)


class Life:
    """One worker through which calls of two keys go, and what they spent."""

    def __init__(self) -> None:
        self.made = desk("1d")
        self.calls: list[Held] = []
        self.spent = 0

    def take(self, key: str, need: int) -> None:
        """A call begins."""
        self.calls.append(Held(self.made, key, need))

    def settle(self, how: str, number: int) -> None:
        """One of the calls ends: it spent a part of what it held, or more, or told nothing."""
        if not self.calls:
            return
        call = self.calls.pop(number % len(self.calls))
        silent = how == "silent" and call.granted
        used = call.need * (number + 100 * (how == "over")) // 100 if call.granted else 0
        call.settle(used, at_least_held=silent)
        self.spent += max(used, call.need) if silent else used

    def connect_anew(self) -> None:
        """The connection is lost, and there again."""
        made = self.made
        made.link.drop()
        made.run()
        made.link.connect()
        made.flush()
        made.ledger.meet("w1", made.meeting(), made.now_ms)

    def step(self, verb: str, number: int) -> None:
        """What may happen."""
        match verb:
            case "a" | "b":
                self.take(verb, number)
            case "answer":
                self.made.answer()
            case "pass":
                self.made.flush(seconds=number / 1000)
            case "recall":
                self.made.recall(1, ["team/blue/tokens/1d"])
            case "change":
                know(self.made, "a", "1d")
            case "drop":
                self.connect_anew()
            case _:
                self.settle(verb, number)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_nothing_is_lost_or_used_twice(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: nothing falls below zero, and in the end the ledger has what calls of both
    keys spent, and nothing else."""
    life = Life()
    counters = [one for key in "ab" for one in life.made.limits.owners.chain(key).counters]
    for verb, number in [*steps, ("answer", 0), *[("settle", 50)] * 60]:
        life.step(verb, number)
        assert all(one.left >= 0 for one in counters)
        assert all(one.left >= 0 for counter in counters for one in counter.portions)
    life.made.flush()
    life.made.answer()
    life.made.limits.close()
    life.made.book()
    assert not any(one.portions for one in counters)
    used = {one.key: life.made.ledger.count(one.key, life.made.now_ms).used for one in counters}
    assert used["team/blue/tokens/1d"] == used["key/a/tokens/1d"] + used["key/b/tokens/1d"] == life.spent
