"""How stores of the cache outside of this process wait: as paths, or in tasks of the event loop.

Not here: what they do when something fails (`cache.remote`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from traceback import format_exception
from typing import TYPE_CHECKING, Any, TypeVar

from asbru.core.errors import GatewayError
from asbru.pipeline.stepper import Stepper, in_task, pause, within
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


class Tasks(Paths):
    """The same for work that needs the event loop."""

    def within(self, work: Coroutine[Any, Any, T], seconds: float) -> Awaitable[T]:
        """See `Loop`."""
        return in_task(self._loop, _limited(work, seconds))


async def _limited(work: Coroutine[Any, Any, T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise GatewayError(f"no answer within {seconds:g} s") from None


def _ended(subject: None, error: BaseException | None) -> None:
    del subject
    if error is not None:
        log("error", "a bug, please report it", why="".join(format_exception(error)))
