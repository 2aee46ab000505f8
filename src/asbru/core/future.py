"""A one-shot cell that a stepped coroutine waits on.

Whoever will have the result keeps the `Future` and calls `resolve` or `fail` once; whoever needs it awaits it. There is
no event loop in between: `resolve` runs the waiter at once. Later calls are ignored, so that a race between a result
and a deadline has one winner.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class Future(Generic[T]):
    """A result that is not there yet. `waiter` is set by the stepper that the coroutine belongs to."""

    __slots__ = ("_error", "_value", "done", "waiter")

    def __init__(self) -> None:
        self.done = False
        self.waiter: Callable[[], None] | None = None
        self._value: T | None = None
        self._error: BaseException | None = None

    def resolve(self, value: T) -> None:
        """Give the result and run the waiter."""
        if self.done:
            return
        self.done = True
        self._value = value
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            waiter()

    def fail(self, error: BaseException) -> None:
        """Give an error in place of a result and run the waiter."""
        if self.done:
            return
        self.done = True
        self._error = error
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            waiter()

    @property
    def failure(self) -> BaseException | None:
        """What it failed with, for those who do not await it."""
        return self._error

    @property
    def value(self) -> T | None:
        """What it was resolved with, for those who do not await it; None where it was not."""
        return self._value

    def __await__(self) -> Generator[Future[T], None, T]:
        if not self.done:
            yield self
        if self._error is not None:
            raise self._error
        return self._value  # pyright: ignore[reportReturnType] -- set by resolve, None only if T allows it
