"""When a child that died starts again: at once after a long life, else after a pause that doubles up to a bound."""

from __future__ import annotations

PAUSE_INITIAL_S = 0.1
PAUSE_MAX_S = 10.0
STEADY_AFTER_S = 30.0
"""A life this long forgets the deaths before it."""


class Restarts:
    """The deaths of one child, counted."""

    def __init__(self) -> None:
        self.deaths = 0

    def pause_s(self, lived_s: float) -> float:
        """Note a death after `lived_s`; how long to wait before the next start."""
        if lived_s >= STEADY_AFTER_S:
            self.deaths = 0
        pause = min(PAUSE_INITIAL_S * 2.0**self.deaths, PAUSE_MAX_S)
        self.deaths = min(self.deaths + 1, 32)
        return pause
