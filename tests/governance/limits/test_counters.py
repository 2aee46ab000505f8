"""What a worker holds of one limit: slices that come in and go out, by window."""

from __future__ import annotations

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Report, Slice
from asbru.governance.limits import Counter, Holding

RATE = LimitEntry("r", "requests", 600, "1m")


def counter(limit: LimitEntry = RATE) -> Counter:
    """A counter that tells nobody."""
    return Counter("key/a", limit, limit.id, lambda one: None)


def taken(start_ms: int, amount: int, *, good_for_ms: int = 1000) -> Slice:
    """A slice of a bucket, good for a second."""
    return Slice("r", start_ms, amount, good_for_ms, amount, 0)


def test_a_newer_window_follows() -> None:
    """What is left of the old one goes back; an answer that was overtaken goes back whole."""
    made = counter()
    made.take_in(taken(1000, 5), 0.0)
    made.take_in(taken(1000, 3), 0.1)
    assert (made.left, made.held) == (8, {1000: 8})
    made.take_in(taken(2000, 4), 0.2)
    made.take_in(taken(1000, 2), 0.3)
    assert made.left == 4
    assert made.reports() == [Report("r", 1000, 0, 10)]
    assert made.held == {2000: 4} and not made.reports() and not made.idle


def test_a_slice_is_good_until_its_end() -> None:
    """Counted from when it was asked for, so that it is never used too long."""
    made = counter()
    made.take_in(taken(1000, 5), 10.0)
    assert not made.is_stale(10.9) and made.is_stale(11.0)
    made.put_back(1000, 1, 10.9)
    assert made.left == 6
    made.put_back(1000, 1, 11.0)
    assert made.left == 6 and made.reports() == [Report("r", 1000, 0, 1)]


def test_a_call_over_two_windows() -> None:
    """What it spent counts in the window it was held in first; the rest goes back to the other."""
    made = counter()
    holding = Holding()
    made.take_in(taken(1000, 5), 0.0)
    made.left -= 5
    holding.parts.append((made, 1000, 5))
    made.take_in(taken(2000, 5), 1.0)
    made.left -= 5
    more = Holding()
    more.parts.append((made, 2000, 5))
    holding.join(more)
    holding.settle({"requests": 7}, 1.5)
    assert holding.closed and made.left == 3
    assert made.reports() == [Report("r", 1000, 5, 0), Report("r", 2000, 2, 0)]


def test_more_than_was_held() -> None:
    """Comes out of the slice in hand as far as it goes, and is told in any case."""
    made = counter()
    holding = Holding()
    made.take_in(taken(1000, 5), 0.0)
    made.left -= 2
    holding.parts.append((made, 1000, 2))
    holding.settle({"requests": 9}, 0.5)
    assert made.left == 0 and made.reports() == [Report("r", 1000, 9, 0)]
    assert made.held == {} and made.idle


def test_wishes_grow_with_use() -> None:
    """Twice as much where a slice did not last two seconds, less where it did, a part of the limit at most; nobody asks
    twice at once."""
    made = counter()
    made.take_in(taken(1000, 1, good_for_ms=60_000), 9.0)
    assert [made.wishes(1, at_s) for at_s in (10.0, 10.01, 10.1, 10.2, 10.3, 10.4)] == [4, 0, 8, 16, 32, 37]
    assert made.wishes(1, 20.0) == 18


def test_wishes_stay_where_the_window_ended_the_slice() -> None:
    """However long ago that was; less is wished only where little was used of it."""
    made = counter()
    made.wish = 32
    for start_ms, used in ((1000, 32), (2000, 8), (3000, 7)):
        made.take_in(taken(start_ms, 32), start_ms / 1000)
        made.left -= used
        assert made.is_stale(start_ms / 1000 + 1)
        made.let_go()
        assert made.wishes(1, start_ms / 1000 + 1) == (32 if used >= 8 else 16)


def test_a_bucket_is_told_when_it_is_over() -> None:
    """What is given back is told at once, for others may need it."""
    made = counter()
    made.take_in(taken(1000, 10), 0.0)
    holding = Holding()
    made.left -= 3
    holding.parts.append((made, 1000, 3))
    holding.settle({"requests": 3}, 0.2)
    assert not made.reports(0.5) and made.dirty and not made.idle
    made.let_go()
    assert made.reports(0.5) == [Report("r", 1000, 0, 7)] and made.dirty and made.held == {1000: 3}
    assert made.reports(1.0) == [Report("r", 1000, 3, 0)] and made.idle


def test_a_long_bucket_is_told_as_it_goes() -> None:
    """Whoever asks how a limit stands would wait too long."""
    made = Counter("key/a", LimitEntry("h", "requests", 600, "1h"), "h", lambda _: None)
    made.take_in(taken(1000, 10, good_for_ms=60_000), 0.0)
    holding = Holding()
    made.left -= 3
    holding.parts.append((made, 1000, 3))
    holding.settle({"requests": 3}, 0.2)
    assert made.reports(0.5) == [Report("h", 1000, 3, 0)]


def test_the_usual_call() -> None:
    """It held of one slice, and spent less: the rest is in hand again, and what was spent is told once."""
    told: list[Counter] = []
    made = Counter("key/a", RATE, RATE.id, told.append)
    made.take_in(taken(1000, 10), 0.0)
    for _ in range(2):
        holding = Holding()
        made.left -= 3
        holding.parts.append((made, 1000, 3))
        holding.settle({"requests": 1}, 0.5)
    assert made.left == 8 and told == [made] and not made.idle
    made.take_in(taken(2000, 1), 1.0)
    assert made.reports() == [Report("r", 1000, 2, 8)]
    holding = Holding()
    made.left -= 1
    holding.parts.append((made, 2000, 1))
    holding.settle({"cost": 1}, 1.5, at_least_held=True)
    assert made.left == 1, "what is not named is not spent"


def test_what_is_not_known_is_all_that_was_held() -> None:
    """And more, where more is known to be spent."""
    made = counter()
    made.take_in(taken(1000, 10), 0.0)
    for spent, left in ((1, 7), (4, 3)):
        holding = Holding()
        made.left -= 3
        holding.parts.append((made, 1000, 3))
        holding.settle({"requests": spent}, 0.5, at_least_held=True)
        assert made.left == left
