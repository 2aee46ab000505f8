"""Runs paths without a Task: the connection steps the coroutine, and results resume it directly.

    state      event            next
    idle       run              running
    running    awaits a Wait    waiting      the Wait's `waiter` is this stepper
    running    returns, raises  idle         `on_done(subject, error or None)` is called once
    waiting    Wait resolved    running      in the caller's own stack, at once
    waiting    close            closed       GeneratorExit runs the path's `finally` clauses; no awaiting there
    running    close            running      remembered; closed at the path's next wait, or at its end
    idle       close            closed

A path awaits only `Future`s. What truly needs the event loop goes through `in_task`, which runs it as a Task and
resolves a Wait when it is done.

A connection has one stepper for all its paths, which follow each other. They run below one generator that never ends:
a coroutine that is sent to from outside ends in an exception, and making, raising and catching that one costs more
than all the steps of a short path.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

from asbru.core.errors import GatewayError
from asbru.core.future import Future

T = TypeVar("T")
S = TypeVar("S")

Path: TypeAlias = Coroutine[Any, None, None]
_Performance: TypeAlias = Generator[Future[Any] | None, None, None]


class _Stage:
    """What the generator and its stepper share; neither holds the other, or only a collection could free them."""

    __slots__ = ("error", "path")

    def __init__(self) -> None:
        self.path: Path | None = None
        self.error: BaseException | None = None


@types.coroutine
def _perform(stage: _Stage) -> _Performance:
    """Runs the path on the stage, then yields None and waits for the next."""
    while True:
        try:
            assert stage.path is not None
            yield from stage.path
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 -- `on_done` is told, and decides what the caller hears
            stage.error = error
        yield None


class Stepper:
    """See the module."""

    __slots__ = ("_close_asked", "_on_done", "_performance", "_stage", "_subject", "_wait", "done", "running")

    def __init__(self) -> None:
        self._stage = _Stage()
        self._performance = cast("_Performance", _perform(self._stage))
        self._on_done: Callable[[Any, BaseException | None], None] = _nobody_asks
        self._subject: object = None
        self._close_asked = False
        self._wait: Future[Any] | None = None
        self.running = False
        self.done = True
        """Whether no path is under way."""

    def run(self, path: Path, on_done: Callable[[S, BaseException | None], None], subject: S) -> None:
        """Begin a path, and step it until it waits. `on_done` gets `subject` and the exception that ended the path, or
        None; it must not raise."""
        if not self.done or self._close_asked:
            path.close()
            raise RuntimeError("a stepper that is closed or has a path was given another")
        self._stage.path = path
        self._on_done = on_done
        self._subject = subject
        self.done = False
        self.step()

    def step(self) -> None:
        """Run the path until it waits: called by what it waited for."""
        if self.running or self.done:
            raise RuntimeError("a path that is running or done was stepped")
        self.running = True
        wait = self._performance.send(None)
        self.running = False
        if wait is None:
            self._finish(self._stage.error)
        elif self._close_asked:
            self.close()
        else:
            self._wait = wait
            wait.waiter = self.step

    def close(self) -> None:
        """The caller is gone: unwind the path where it waits, and take no other. Harmless when there is none."""
        self._close_asked = True
        if self.done or self.running:
            return
        self.running = True
        if self._wait is not None:
            self._wait.waiter = None
        error: BaseException | None = None
        try:
            assert self._stage.path is not None
            self._stage.path.close()
        except BaseException as raised:  # noqa: BLE001 -- `on_done` is told, and decides what the caller hears
            error = raised
        self.running = False
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        self.done = True
        self._wait = None  # or stepper and wait would keep each other until a garbage collection
        if error is not None:
            self._stage.error = None
        subject = self._subject
        self._subject = None
        self._on_done(subject, error)


def _nobody_asks(subject: object, error: BaseException | None) -> None:
    """Whom a stepper tells before its first path."""
    del subject, error


def in_task(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run `work` as a Task and give its result to a path. Closing the path does not cancel the work."""
    wait: Future[T] = Future()

    def finished(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            wait.fail(asyncio.CancelledError())
            return
        error = task.exception()
        if error is None:
            wait.resolve(task.result())
        else:
            wait.fail(error)

    loop.create_task(work).add_done_callback(finished)
    return wait


def pause(loop: asyncio.AbstractEventLoop, seconds: float) -> Future[None]:
    """A wait that ends by itself after `seconds`."""
    wait: Future[None] = Future()
    loop.call_later(seconds, wait.resolve, None)
    return wait


@types.coroutine
def within(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, None, T], deadline_s: float
) -> Generator[Future[Any], None, T]:
    """Await `work`, which awaits nothing but Futures, and close it when it takes longer than `deadline_s` in all: then
    raises `GatewayError` (503, code "stage_timeout")."""
    race: Future[None] = Future()  # ends with what `work` waits for, or with the deadline
    late = False

    def expire() -> None:
        nonlocal late
        late = True
        race.resolve(None)

    timer = loop.call_later(deadline_s, expire)
    try:
        while True:
            try:
                waited = cast("Future[Any]", work.send(None))
            except StopIteration as done:
                return cast("T", done.value)
            race = Future()
            waited.waiter = partial(race.resolve, None)
            try:
                yield race
            finally:
                waited.waiter = None
            if late:
                raise GatewayError(
                    f"a check of this call did not complete within {deadline_s:g} s", status=503, code="stage_timeout"
                )
    finally:
        timer.cancel()
        work.close()
