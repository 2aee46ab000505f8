"""Slows down who guesses: after a few failures under one name the next try has to wait, twice as long each time.

    failures of a name   0..4   5     6     7   ...
    pause after it        -     1 s   2 s   4 s ... 60 s; forgotten FORGET_S after the last

Time is given. Names are bounded: the one that failed longest ago is forgotten first.
"""

from __future__ import annotations

FREE_FAILURES = 4
PAUSE_S_MAX = 60.0
FORGET_S = 900.0
NAMES_MAX = 10_000


class Throttle:
    """See the module."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}
        """By name: how many, and when the last; the oldest first."""

    def wait_s(self, name: str, now_s: float) -> float:
        """How long this name has to wait; 0 when it may try."""
        count, last_s = self._failures.get(name, (0, now_s))
        if count <= FREE_FAILURES or now_s - last_s > FORGET_S:
            return 0.0
        pause_s = min(2.0 ** (count - FREE_FAILURES - 1), PAUSE_S_MAX)
        return max(0.0, last_s + pause_s - now_s)

    def fail(self, name: str, now_s: float) -> None:
        """It failed; to be said before the outcome is known, so that many at once do not count as one."""
        count, last_s = self._failures.pop(name, (0, now_s))
        if now_s - last_s > FORGET_S:
            count = 0
        while len(self._failures) >= NAMES_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[name] = (count + 1, now_s)

    def succeed(self, name: str) -> None:
        """It succeeded: forget its failures."""
        self._failures.pop(name, None)
