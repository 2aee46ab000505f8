"""How stores of the cache outside of this process wait: as paths, with a deadline or with one of their own.

Not here: what they do when something fails (`cache.remote`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from traceback import format_exception
from typing import TYPE_CHECKING, Any, TypeVar

from asbru.pipeline.stepper import Stepper, pause, within
from asbru.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asbru.core.future import Future

T = TypeVar("T")


class Paths:
    """A `cache.remote.Loop` for work that awaits nothing but Futures."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def clock(self) -> float:
        """See `Loop`."""
        return self._loop.time()

    def within(self, work: Coroutine[Any, Any, T], seconds: float) -> Awaitable[T]:
        """See `Loop`."""
        return within(self._loop, work, seconds)

    def run(self, path: Coroutine[Any, Any, None]) -> None:
        """See `Loop`."""
        Stepper().run(path, _ended, None)

    def pause(self, seconds: float) -> Future[None]:
        """See `Loop`."""
        return pause(self._loop, seconds)


class Bounded(Paths):
    """The same for work that ends in time by itself, as commands of `kv` do: a timer for each hit costs as much as the
    command."""

    def within(self, work: Coroutine[Any, Any, T], seconds: float) -> Awaitable[T]:
        """See `Loop`."""
        del seconds
        return work


def _ended(subject: None, error: BaseException | None) -> None:
    del subject
    if error is not None:
        log("error", "a bug, please report it", why="".join(format_exception(error)))
