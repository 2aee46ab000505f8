"""How long a dead child stays dead."""

from __future__ import annotations

from asbru.app.restarts import PAUSE_INITIAL_S, PAUSE_MAX_S, STEADY_AFTER_S, Restarts


def test_pauses_double_up_to_a_bound() -> None:
    """Deaths in a row wait longer each time, never longer than the bound."""
    restarts = Restarts()
    pauses = [restarts.pause_s(0.0) for _ in range(100)]
    assert pauses[:3] == [PAUSE_INITIAL_S, PAUSE_INITIAL_S * 2, PAUSE_INITIAL_S * 4]
    assert max(pauses) == pauses[-1] == PAUSE_MAX_S


def test_long_life_forgets() -> None:
    """A child that lived long starts again at once."""
    restarts = Restarts()
    for _ in range(10):
        restarts.pause_s(0.0)
    assert restarts.pause_s(STEADY_AFTER_S) == PAUSE_INITIAL_S
