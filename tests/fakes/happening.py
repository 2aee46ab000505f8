"""One-shot events that tests and fakes wait for, from any thread or loop, always with a deadline."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time

WAIT_S = 30.0


class Happening:
    """Something that happens at most once; `at_s` is when (monotonic). The first `set` counts."""

    def __init__(self, what: str = "something") -> None:
        self.what = what
        self._future: concurrent.futures.Future[float] = concurrent.futures.Future()

    def set(self) -> None:
        """It happens now."""
        if not self._future.done():
            self._future.set_result(time.monotonic())

    @property
    def is_set(self) -> bool:
        """Whether it happened."""
        return self._future.done()

    @property
    def at_s(self) -> float:
        """When it happened; fails when it did not."""
        assert self.is_set, f"{self.what} has not happened"
        return self._future.result()

    def wait(self, timeout_s: float = WAIT_S) -> float:
        """Block until it happened; returns when that was. For threads without a loop."""
        try:
            return self._future.result(timeout_s)
        except concurrent.futures.TimeoutError:
            raise AssertionError(f"not within {timeout_s} s: {self.what}") from None

    async def arrive(self, timeout_s: float = WAIT_S) -> float:
        """Await that it happened; returns when that was."""
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._future)), timeout_s)
        except TimeoutError:
            raise AssertionError(f"not within {timeout_s} s: {self.what}") from None


class Gate(Happening):
    """A place in an answer where the fake waits until the test says `open()`; `reached` tells that it is there."""

    def __init__(self, what: str = "the gate opens") -> None:
        super().__init__(what)
        self.reached = Happening(f"the fake reaches: {what}")

    def open(self) -> None:
        """Let the fake go on."""
        self.set()

    async def let_through(self) -> None:
        """For the fake: tell that the gate is reached, and wait for it to open."""
        self.reached.set()
        await asyncio.shield(asyncio.wrap_future(self._future))
