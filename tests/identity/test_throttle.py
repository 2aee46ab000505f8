"""Guessing slowly."""

from __future__ import annotations

from asbru.identity import Throttle
from asbru.identity.throttle import FORGET_S, NAMES_MAX


def test_failures_make_the_next_try_wait() -> None:
    """Four are free, then pauses double up to a minute; a success or a quarter of an hour ends them."""
    throttle = Throttle()
    waits: list[float] = []
    for _ in range(12):
        throttle.fail("ann", 0.0)
        waits.append(throttle.wait_s("ann", 0.0))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert throttle.wait_s("ann", 59.0) == 1.0 and throttle.wait_s("ann", 61.0) == 0.0
    assert throttle.wait_s("bob", 0.0) == 0.0
    throttle.fail("ann", FORGET_S + 1)
    assert throttle.wait_s("ann", FORGET_S + 1) == 0.0
    for _ in range(6):
        throttle.fail("bob", 0.0)
    throttle.succeed("bob")
    assert throttle.wait_s("bob", 0.0) == 0.0


def test_names_are_bounded() -> None:
    """Who failed longest ago is forgotten first."""
    throttle = Throttle()
    for name in ("old", *map(str, range(NAMES_MAX - 1))):
        for _ in range(6):
            throttle.fail(name, 0.0)
    throttle.fail("new", 0.0)
    assert (throttle.wait_s("old", 0.0), throttle.wait_s("0", 0.0)) == (0.0, 2.0)
