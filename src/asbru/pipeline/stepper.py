"""Runs a path without a Task: the connection steps the coroutine, and results resume it directly.

    state      event            next
    ready      step             running
    running    awaits a Wait    waiting      the Wait's `waiter` is this stepper
    running    returns, raises  done         `on_done(error or None)` is called once
    waiting    Wait resolved    running      in the caller's own stack, at once
    waiting    close            done         GeneratorExit runs the path's `finally` clauses; no awaiting there
    running    close            running      remembered; the path is closed at its next wait

A path awaits only `Wait`s. What truly needs the event loop goes through `in_task`, which runs it as a Task and
resolves a Wait when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from asbru.core.waiting import Wait

T = TypeVar("T")
S = TypeVar("S")


class Stepper(Generic[S]):
    """One path on its way. `on_done` gets `subject` and the exception that ended the path, or None; it must not
    raise."""

    __slots__ = ("_close_asked", "_coroutine", "_on_done", "_subject", "_wait", "done", "running")

    def __init__(
        self, coroutine: Coroutine[Any, None, None], on_done: Callable[[S, BaseException | None], None], subject: S
    ) -> None:
        self._coroutine = coroutine
        self._on_done = on_done
        self._subject = subject
        self._close_asked = False
        self._wait: Wait[Any] | None = None
        self.running = False
        self.done = False

    def step(self) -> None:
        """Run the path until it waits: to start it, and by what it waited for."""
        if self.running or self.done:
            raise RuntimeError("a path that is running or done was stepped")
        self.running = True
        try:
            wait: Wait[Any] = self._coroutine.send(None)
        except StopIteration:
            self._finish(None)
            return
        except BaseException as error:  # noqa: BLE001 -- `on_done` is told, and decides what the caller hears
            self._finish(error)
            return
        self.running = False
        if self._close_asked:
            self.close()
        else:
            self._wait = wait
            wait.waiter = self.step

    def close(self) -> None:
        """The caller is gone: unwind the path where it waits. Harmless when it is done."""
        if self.done:
            return
        if self.running:
            self._close_asked = True
            return
        self.running = True
        if self._wait is not None:
            self._wait.waiter = None
        try:
            self._coroutine.close()
        except BaseException as error:  # noqa: BLE001 -- `on_done` is told, and decides what the caller hears
            self._finish(error)
            return
        self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        self.done = True
        self.running = False
        self._wait = None  # or stepper and wait would keep each other until a garbage collection
        self._on_done(self._subject, error)


def in_task(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> Wait[T]:
    """Run `work` as a Task and give its result to a path. Closing the path does not cancel the work."""
    wait: Wait[T] = Wait()

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


def pause(loop: asyncio.AbstractEventLoop, seconds: float) -> Wait[None]:
    """A wait that ends by itself after `seconds`."""
    wait: Wait[None] = Wait()
    loop.call_later(seconds, wait.resolve, None)
    return wait
