"""Single flight: of identical calls at the same time one asks, and the others wait for its reply.

    begin -> under way --wait--> waiters     land: they look into the store, and ask on their own if it has nothing

Each worker counts for itself. The one that asks always lands, however it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from asbru.core.future import Future


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None: ...


class Flight:
    """A call that asks, and who waits for it."""

    __slots__ = ("key", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiting: list[Future[None]] = []


class Flights:
    """See the module. `call_later(seconds, call)`, `call_soon(call)`: the loop's."""

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], object]], Timer],
        call_soon: Callable[[Callable[[], object]], object],
    ) -> None:
        self._call_later = call_later
        self._call_soon = call_soon
        self._under_way: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def under_way(self, key: str) -> Flight | None:
        """The call that asks for this, if there is one."""
        return self._under_way.get(key)

    def begin(self, key: str) -> Flight:
        """This call asks."""
        flight = self._under_way[key] = Flight(key)
        return flight

    async def wait(self, flight: Flight, seconds: float) -> None:
        """Until it has landed, but no longer than `seconds`."""
        landed: Future[None] = Future()
        flight.waiting.append(landed)
        timer = self._call_later(seconds, lambda: landed.resolve(None))
        try:
            await landed
        finally:
            timer.cancel()
            if landed in flight.waiting:
                flight.waiting.remove(landed)

    def land(self, flight: Flight) -> None:
        """It is over. Waiters go on in turns of their own, never in the stack of whoever lands."""
        if self._under_way.get(flight.key) is flight:
            del self._under_way[flight.key]
        waiting, flight.waiting = flight.waiting, []
        for landed in waiting:
            self._call_soon(lambda landed=landed: landed.resolve(None))
