"""Calls in flight and waiting: who is admitted, in which order, and who is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asbru.core.errors import Overloaded
from asbru.core.future import Future
from asbru.pipeline import Load


class Bench:
    """A load whose wake-ups happen when the test says so, and the calls that wait, by name."""

    def __init__(self, in_flight_max: int, queued_max: int) -> None:
        self.soon: list[Callable[[], None]] = []
        self.load = Load(self.soon.append)
        self.load.in_flight_max, self.load.queued_max, self.load.wait_s = in_flight_max, queued_max, 10.0
        self.admitted: list[str] = []

    def come(self, name: str, now_s: float = 0.0) -> Future[None] | None:
        """A call comes."""
        wait = self.load.admit(now_s)
        if wait is None:
            self.admitted.append(name)
        else:
            wait.waiter = lambda: self.admitted.append(name)
        return wait

    def end(self) -> None:
        """A call ends, as `serve` says it."""
        self.load.in_flight -= 1
        if self.load.waiting:
            self.load.wake()

    def turn(self) -> None:
        """What was asked for soon happens."""
        soon, self.soon[:] = [*self.soon], []
        for one in soon:
            one()


def test_calls_wait_in_order() -> None:
    """Above the limit first come, first served; a place is handed on in the next turn, and nobody overtakes."""
    bench = Bench(2, 3)
    for name in "abcd":
        bench.come(name)
    assert bench.admitted == ["a", "b"]
    bench.end()
    bench.come("e")  # a place is free, but others are before it
    assert bench.admitted == ["a", "b"]
    bench.turn()
    assert bench.admitted == ["a", "b", "c"]
    bench.end()
    bench.end()
    bench.turn()
    assert (bench.admitted, bench.load.in_flight) == (["a", "b", "c", "d", "e"], 2)


@pytest.mark.parametrize("queued_max", [0, 2])
def test_what_is_above_both_limits_is_refused(queued_max: int) -> None:
    """At once, with the time to come back and the name of the limit."""
    bench = Bench(1, queued_max)
    for _ in range(1 + queued_max):
        bench.come("x")
    with pytest.raises(Overloaded, match=r"limits\.requests_in_flight_max") as refused:
        bench.come("y")
    assert (refused.value.status, refused.value.retry_after_s, bench.load.refused) == (503, 1.0, 1)


def test_who_waits_too_long_is_refused() -> None:
    """Those that came later still wait."""
    bench = Bench(1, 9)
    bench.come("a", 0.0)
    late, later = bench.come("b", 0.0), bench.come("c", 5.0)
    bench.load.sweep(9.9)
    assert late is not None and later is not None and not late.done
    bench.load.sweep(10.0)
    assert late.done and not later.done
    with pytest.raises(Overloaded, match=r"overload\.wait_s"):
        late.__await__().send(None)


def test_who_left_takes_no_place() -> None:
    """A caller that went away while it waited is passed over, and does not count when the queue is full."""
    bench = Bench(1, 2)
    bench.come("a")
    gone, _ = bench.come("b"), bench.come("c")
    assert gone is not None
    gone.waiter = None
    bench.come("d")
    bench.end()
    bench.turn()
    assert (bench.admitted, bench.load.in_flight) == (["a", "c"], 1)


def test_a_place_goes_past_who_left() -> None:
    """The next one that still waits gets it, and only that one is counted."""
    bench = Bench(1, 9)
    bench.come("a")
    gone, _ = bench.come("b"), bench.come("c")
    assert gone is not None
    gone.waiter = None
    bench.end()
    bench.turn()
    assert (bench.admitted, bench.load.in_flight) == (["a", "c"], 1)
    bench.end()
    assert (bench.load.in_flight, len(bench.load.waiting)) == (0, 0)


def test_a_limit_that_is_raised_admits_those_that_wait() -> None:
    """A reload with a higher limit does not wait for a call to end."""
    bench = Bench(1, 2)
    for name in "abc":
        bench.come(name)
    bench.load.in_flight_max = 3
    bench.load.sweep(1.0)
    bench.turn()
    assert bench.admitted == ["a", "b", "c"]
