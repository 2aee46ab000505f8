"""Circuits: one for each target and key that has failed lately; all others are closed and cost nothing.

    state       event                                           next
    closed      so many failures on end, or a rate of them      open, for `open_s`
    closed      success, and the window is over                 forgotten
    open        the time is over, and an attempt is asked for   half open: this one attempt is the probe
    half open   the probe succeeds, or any other attempt        forgotten
    half open   the probe fails                                 open, for twice as long as before, up to `open_max_s`
    half open   nothing is heard of the probe for `open_s`      the next attempt is the probe

Given the time; waits for nothing. An attempt at an open circuit that is made all the same, where there is nothing else
to try, counts as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

CIRCUITS_MAX = 4096
"""Circuits that are kept; callers choose names of models."""

CircuitState: TypeAlias = Literal["closed", "open", "half_open"]


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a target and key that fail are let alone, and for how long; each worker counts for itself."""

    enabled: Annotated[bool, Meta(description="`false`: targets are tried, however often they have failed.")] = True
    failures: Annotated[
        int, Meta(ge=1, le=1000, description="Failed attempts one after the other that open the circuit.")
    ] = 5
    failure_rate: Annotated[
        float, Meta(gt=0, le=1, description="Share of failed attempts in a window that opens the circuit.")
    ] = 0.5
    attempts_min: Annotated[
        int, Meta(ge=1, le=100_000, description="Attempts in a window below which the rate does not count.")
    ] = 20
    window_s: Annotated[float, Meta(gt=0, le=3600, description="The window of the rate, seconds.")] = 30.0
    open_s: Annotated[
        float, Meta(gt=0, le=3600, description="How long a circuit stays open before one attempt is let through.")
    ] = 10.0
    open_max_s: Annotated[
        float,
        Meta(
            gt=0,
            le=86400,
            description="Longest time that a circuit stays open; the time doubles when that attempt fails.",
        ),
    ] = 60.0


class CircuitName(NamedTuple):
    """What a circuit is about. `key` "": the provider takes calls without one."""

    provider: str
    model: str
    key: str


class _Circuit:
    __slots__ = ("attempts", "failed", "in_a_row", "open_until_s", "opened_s", "window_ends_s")

    def __init__(self, window_ends_s: float) -> None:
        self.in_a_row = 0
        self.attempts = 0
        self.failed = 0
        self.window_ends_s = window_ends_s
        self.opened_s = 0.0
        """For how long it was opened last; 0: it is closed."""
        self.open_until_s = 0.0


class Breaker:
    """The circuits of a worker. `circuits`: those that are not known to be well; empty means that nothing is to ask."""

    def __init__(self) -> None:
        self.settings = BreakerSettings()
        self.circuits: dict[CircuitName, _Circuit] = {}

    def state(self, name: CircuitName, now_s: float) -> CircuitState:
        """`half_open`: an attempt may be made, after `claim`."""
        circuit = self.circuits.get(name)
        if circuit is None or not circuit.opened_s:
            return "closed"
        return "open" if circuit.open_until_s > now_s else "half_open"

    def claim(self, name: CircuitName, now_s: float) -> None:
        """The next attempt is the probe of this circuit: for everyone else it is open meanwhile."""
        circuit = self.circuits[name]
        circuit.open_until_s = now_s + circuit.opened_s

    def wait_s(self, name: CircuitName, now_s: float) -> float:
        """How long a circuit stays open."""
        circuit = self.circuits.get(name)
        return 0.0 if circuit is None else max(0.0, circuit.open_until_s - now_s)

    def succeed(self, name: CircuitName, now_s: float) -> bool:
        """An attempt went well; True when that closed the circuit."""
        circuit = self.circuits.get(name)
        if circuit is None:
            return False
        if circuit.opened_s:
            del self.circuits[name]
            return True
        circuit.in_a_row = 0
        circuit.attempts += 1
        if circuit.window_ends_s <= now_s:
            del self.circuits[name]
        return False

    def fail(self, name: CircuitName, now_s: float) -> bool:
        """An attempt failed; True when that opened the circuit, or opened it again."""
        settings = self.settings
        circuit = self.circuits.get(name)
        if circuit is None:
            self._make_room()
            circuit = self.circuits[name] = _Circuit(now_s + settings.window_s)
        elif circuit.window_ends_s <= now_s:
            circuit.attempts = circuit.failed = 0
            circuit.window_ends_s = now_s + settings.window_s
        circuit.in_a_row += 1
        circuit.attempts += 1
        circuit.failed += 1
        if circuit.opened_s:
            circuit.opened_s = min(circuit.opened_s * 2, max(settings.open_max_s, settings.open_s))
        elif circuit.in_a_row >= settings.failures or (
            circuit.attempts >= settings.attempts_min and circuit.failed >= settings.failure_rate * circuit.attempts
        ):
            circuit.opened_s = settings.open_s
        else:
            return False
        circuit.open_until_s = now_s + circuit.opened_s
        return True

    def count(self, provider: str, state: CircuitState, now_s: float) -> int:
        """How many circuits of a provider are in a state, of those that are not forgotten."""
        return sum(name.provider == provider and self.state(name, now_s) == state for name in self.circuits)

    def open_circuits(self, now_s: float) -> Iterator[tuple[CircuitName, Literal["open", "half_open"], float]]:
        """The circuits that are not closed, with the end of their time."""
        for name, circuit in self.circuits.items():
            if circuit.opened_s:
                yield name, "open" if circuit.open_until_s > now_s else "half_open", circuit.open_until_s

    def _make_room(self) -> None:
        if len(self.circuits) >= CIRCUITS_MAX:
            closed = [name for name, circuit in self.circuits.items() if not circuit.opened_s]
            for name in closed or (next(iter(self.circuits)),):
                del self.circuits[name]
