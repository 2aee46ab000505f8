"""How many calls a worker answers at once, and how many wait for their turn.

    in flight   waiting     a call comes
    below max   none        admitted
    at max      below max   waits, first come first served, up to `wait_s`
    at max      at max      refused: 503 with Retry-After

With no places to wait every call above the limit is refused at once. A call that ends hands its place on in the next
turn of the loop, not in its own stack: or one that ends at once would end the next, and so on, each deeper than the
one before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from asbru.core.errors import Overloaded
from asbru.core.future import Future

RETRY_AFTER_S = 1.0


class Load:
    """See the module. `call_soon` is the loop's."""

    __slots__ = ("_call_soon", "_waking", "in_flight", "in_flight_max", "queued_max", "refused", "wait_s", "waiting")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self.in_flight = 0
        self.in_flight_max = 0
        self.queued_max = 0
        self.wait_s = 0.0
        self.waiting: deque[tuple[Future[None], float]] = deque()
        self.refused = 0
        """Calls refused so far."""
        self._call_soon = call_soon
        self._waking = False

    def admit(self, now_s: float) -> Future[None] | None:
        """Count a call in; or a wait that ends with its being counted in. Raises `Overloaded`, as the wait does."""
        if self.in_flight < self.in_flight_max and not self.waiting:
            self.in_flight += 1
            return None
        if len(self.waiting) >= self.queued_max:
            self.waiting = deque(one for one in self.waiting if not _has_left(one[0]))
            if len(self.waiting) >= self.queued_max:
                self.refused += 1
                waiting = f" and {self.queued_max} wait (overload.queued_max)" if self.queued_max else ""
                raise Overloaded(
                    f"{self.in_flight_max} calls are in flight (limits.requests_in_flight_max){waiting}; try again "
                    "shortly",
                    retry_after_s=RETRY_AFTER_S,
                )
        wait: Future[None] = Future()
        self.waiting.append((wait, now_s + self.wait_s))
        if self.in_flight < self.in_flight_max:
            self.wake()
        return wait

    def wake(self) -> None:
        """A place may be free: the next ones that wait are admitted soon."""
        if not self._waking:
            self._waking = True
            self._call_soon(self._hand_on)

    def _hand_on(self) -> None:
        self._waking = False
        while self.waiting and self.in_flight < self.in_flight_max:
            wait, _ = self.waiting.popleft()
            if not _has_left(wait):
                self.in_flight += 1
                wait.resolve(None)

    def sweep(self, now_s: float) -> None:
        """Refuse those that have waited too long. They stand in the order in which they came."""
        while self.waiting and self.waiting[0][1] <= now_s:
            wait, _ = self.waiting.popleft()
            if not _has_left(wait):
                self.refused += 1
                wait.fail(
                    Overloaded(
                        f"no call in flight ended within {self.wait_s:g} s (overload.wait_s); try again shortly",
                        retry_after_s=RETRY_AFTER_S,
                    )
                )
        if self.waiting:
            self.wake()  # the limit may have been raised


def _has_left(wait: Future[None]) -> bool:
    """Whether the caller went away while it waited: then nobody waits for this any more."""
    return wait.waiter is None
