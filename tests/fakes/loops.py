"""A transport and an event loop for unit tests: nothing moves until the test says so.

Not a network and not a clock: what is written is kept, what is scheduled waits in a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any


class FakeTransport:
    """Keeps what is written. `lose` ends the connection, as a loop does after `close` and `abort`."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol
        self.written = b""
        self.closing = False
        self.aborted = False
        self.lost = False
        self.reading = True
        self.write_bytes_max = 64 * 1024
        protocol.connection_made(self)  # type: ignore[arg-type]  # as much of a transport as protocols use

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.written += data

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        assert self.reading, "paused twice"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading, "resumed without a pause"
        self.reading = True

    def set_write_buffer_limits(self, high: int) -> None:
        self.write_bytes_max = high

    def get_extra_info(self, name: str, default: object = None) -> object:
        del name
        return default

    def lose(self, error: Exception | None = None) -> None:
        """The connection is gone; only the first time counts."""
        self.closing = True
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(error)

    def get_write_buffer_size(self) -> int:
        """All that was written has left."""
        return 0

    def receive(self, data: bytes) -> None:
        """Bytes arrive, unless nobody can hear them any more."""
        if not self.lost and not self.closing:
            self.protocol.data_received(data)


class FakeTask:
    """A coroutine that runs when it is told to."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        self._callbacks: list[Callable[[Any], object]] = []
        self._error: BaseException | None = None
        self._result: Any = None

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        return isinstance(self._error, asyncio.CancelledError)

    def exception(self) -> BaseException | None:
        return self._error

    def result(self) -> Any:
        return self._result

    def run(self) -> None:
        """Run to the end, in a loop of its own."""
        try:
            self._result = asyncio.run(self.coroutine)
        except BaseException as error:  # noqa: BLE001 -- whoever asks for the result is told
            self._error = error
        for callback in self._callbacks:
            callback(self)


PATIENCE_S = 30.0
"""Timers longer than this are deadlines: they run when the test lets time pass, and not before."""


class FakeTimer:
    """Something scheduled, which can be called off."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self.seconds = seconds
        self.call = call
        self.off = False

    def cancel(self) -> None:
        self.off = True


class FakeLoop:
    """What is asked of it waits in `tasks`, `soon` and `timers`."""

    def __init__(self) -> None:
        self.tasks: list[FakeTask] = []
        self.soon: list[Callable[[], object]] = []
        self.timers: list[FakeTimer] = []

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> FakeTask:
        task = FakeTask(coroutine)
        self.tasks.append(task)
        return task

    def call_soon(self, call: Callable[..., object], *args: object) -> None:
        self.soon.append(lambda: call(*args))

    def call_later(self, seconds: float, call: Callable[..., object], *args: object) -> FakeTimer:
        timer = FakeTimer(seconds, lambda: call(*args))
        self.timers.append(timer)
        return timer

    async def run_in_executor(self, executor: None, call: Callable[..., Any], *args: object) -> Any:
        """What an executor would do, here."""
        return call(*args)

    def run_tasks(self) -> None:
        """Run every task there is, and those they start."""
        while self.tasks:
            self.tasks.pop(0).run()

    def run_soon(self) -> None:
        """Run what was scheduled, and what that schedules."""
        while self.soon:
            self.soon.pop(0)()

    def run_timers(self) -> list[float]:
        """Run every timer there is now, but deadlines; their delays."""
        return self._run_timers(PATIENCE_S)

    def pass_time(self, seconds: float) -> None:
        """Run the deadlines that fall within so many seconds."""
        self._run_timers(seconds)

    @property
    def busy(self) -> bool:
        """Whether anything waits to run but deadlines."""
        due = any(timer.seconds <= PATIENCE_S and not timer.off for timer in self.timers)
        return bool(self.tasks or self.soon or due)

    def _run_timers(self, longest_s: float) -> list[float]:
        due = [timer for timer in self.timers if timer.seconds <= longest_s and not timer.off]
        self.timers = [timer for timer in self.timers if timer not in due and not timer.off]
        for timer in due:
            timer.call()
        return [timer.seconds for timer in due]
