"""The breaker as a machine: what opens a circuit, for how long, what a probe decides, and that it forgets."""

from __future__ import annotations

from asbru.routing.breaker import Breaker, BreakerSettings, CircuitName
from asbru.routing.breaker.breaker import CIRCUITS_MAX

NAME = CircuitName("openai", "gpt", "k")


def breaker(**settings: float) -> Breaker:
    """One with small numbers."""
    made = Breaker()
    made.settings = BreakerSettings(**{"failures": 3, "open_s": 10.0, "open_max_s": 60.0, **settings})
    return made


def opened(**settings: float) -> Breaker:
    """One whose circuit was opened at 0."""
    made = breaker(**settings)
    assert [made.fail(NAME, 0.0) for _ in range(3)] == [False, False, True]
    return made


def test_failures_on_end_open_it() -> None:
    """The third failure opens; a success in between begins the count anew."""
    made = breaker()
    made.fail(NAME, 0.0)
    made.fail(NAME, 1.0)
    made.succeed(NAME, 2.0)
    assert [made.fail(NAME, 3.0) for _ in range(2)] == [False, False]
    assert made.state(NAME, 3.0) == "closed"
    assert made.fail(NAME, 4.0)
    assert (made.state(NAME, 4.0), made.state(NAME, 13.9), made.state(NAME, 14.0)) == ("open", "open", "half_open")
    assert made.wait_s(NAME, 5.0) == 9.0


def test_a_rate_of_failures_opens_it() -> None:
    """Half of at least eight attempts in a window, though no two fail on end; not in two windows."""
    made = breaker(attempts_min=8, failure_rate=0.5, window_s=30.0)
    told: list[bool] = []
    for at in range(4):
        told.append(made.fail(NAME, float(at)))
        made.succeed(NAME, float(at))
    assert told == [False] * 4
    assert made.fail(NAME, 5.0)
    slow = breaker(attempts_min=8, failure_rate=0.5, window_s=30.0)
    for at in range(0, 300, 10):
        assert not slow.fail(NAME, float(at))
        slow.succeed(NAME, float(at))


def test_a_rate_below_does_not_open_it() -> None:
    """One in three stays closed where half is what opens."""
    made = breaker(attempts_min=6, failure_rate=0.5, window_s=1000.0)
    for at in range(90):
        if at % 3:
            made.succeed(NAME, float(at))
        else:
            assert not made.fail(NAME, float(at))


def test_one_probe_at_a_time() -> None:
    """Once the time is over one attempt may be made; until it is decided the circuit is open for all others."""
    made = opened()
    assert made.state(NAME, 10.0) == "half_open"
    made.claim(NAME, 10.0)
    assert made.state(NAME, 10.0) == "open"
    assert made.state(NAME, 20.0) == "half_open"  # nothing was heard of the probe


def test_a_probe_that_succeeds_closes() -> None:
    """All is forgotten: it takes three failures again."""
    made = opened()
    made.claim(NAME, 10.0)
    assert made.succeed(NAME, 11.0)
    assert not made.circuits
    assert not made.fail(NAME, 12.0)


def test_probes_that_fail_become_rare() -> None:
    """10, 20, 40 and then 60 s: in a minute after opening there are two probes."""
    made = opened()
    now_s, pauses = 0.0, []
    for _ in range(5):
        pauses.append(made.wait_s(NAME, now_s))
        now_s += pauses[-1]
        made.claim(NAME, now_s)
        assert made.fail(NAME, now_s)
    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0]


def test_what_is_well_is_forgotten() -> None:
    """Once the window with the failure in it is over, a success leaves nothing behind."""
    made = breaker(window_s=30.0)
    made.fail(NAME, 0.0)
    made.succeed(NAME, 1.0)
    assert made.circuits
    made.succeed(NAME, 31.0)
    assert not made.circuits
    assert not made.succeed(NAME, 32.0)


def test_circuits_are_bounded() -> None:
    """Callers choose names: of very many, closed ones go first, then the oldest; open ones stay as long as they can."""
    made = opened()
    for number in range(CIRCUITS_MAX * 2):
        made.fail(CircuitName("openai", f"m{number}", "k"), 1.0)
        assert len(made.circuits) <= CIRCUITS_MAX
    assert made.state(NAME, 1.0) == "open"
    for number in range(CIRCUITS_MAX):
        for _ in range(3):
            made.fail(CircuitName("openai", f"o{number}", "k"), 2.0)
    assert len(made.circuits) <= CIRCUITS_MAX


def test_states_are_counted() -> None:
    """By provider, for the metrics."""
    made = opened()
    made.fail(CircuitName("openai", "other", "k"), 0.0)
    assert (made.count("openai", "open", 1.0), made.count("openai", "half_open", 10.0)) == (1, 1)
    assert made.count("groq", "open", 1.0) == 0
