"""The stepper against the table in its docstring: every state, every event, `finally` exactly once."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from tests.fakes.loops import FakeLoop

from asbru.core.future import Future
from asbru.pipeline import Stepper, in_task, pause


class Run:
    """A path, its stepper and its journal."""

    def __init__(self, path: Callable[[Run], Coroutine[Any, None, None]]) -> None:
        self.journal: list[str] = []
        self.waits: list[Future[str]] = []
        self.ended: list[BaseException | None] = []
        self.stepper = Stepper()
        self._path = path

    def begin(self) -> None:
        """Give the path to the stepper."""
        self.stepper.run(self._path(self), list.append, self.ended)

    def wait(self) -> Future[str]:
        """A new wait, kept for the test to resolve."""
        self.waits.append(Future())
        return self.waits[-1]


async def three_waits(run: Run) -> None:
    """Waits three times, with a `finally` around each."""
    for number in range(3):
        run.journal.append(f"wait {number}")
        try:
            run.journal.append(await run.wait())
        finally:
            run.journal.append(f"finally {number}")
    run.journal.append("end")


def test_a_path_runs_until_it_waits_and_on_when_resolved() -> None:
    """ready -> running -> waiting -> running -> done, each step in the resolver's own stack."""
    run = Run(three_waits)
    assert run.journal == []
    run.begin()
    assert run.journal == ["wait 0"] and not run.stepper.done and not run.stepper.running
    for number in range(3):
        run.waits[number].resolve(f"got {number}")
    assert run.ended == [None] and run.stepper.done
    assert run.journal == [
        *("wait 0", "got 0", "finally 0"),
        *("wait 1", "got 1", "finally 1"),
        *("wait 2", "got 2", "finally 2", "end"),
    ]


def test_a_path_that_never_waits_ends_in_start() -> None:
    """Its end is told before `start` returns."""

    async def path(run: Run) -> None:
        run.journal.append("ran")

    run = Run(path)
    run.begin()
    assert run.journal == ["ran"] and run.ended == [None]


def test_waits_that_are_over_do_not_suspend() -> None:
    """A result that is there already is used at once."""

    async def path(run: Run) -> None:
        wait = run.wait()
        wait.resolve("early")
        run.journal.append(await wait)

    run = Run(path)
    run.begin()
    assert run.journal == ["early"] and run.stepper.done


@pytest.mark.parametrize("at", [0, 1, 2])
def test_closing_at_every_suspension_point(at: int) -> None:
    """Closed where it waits: `finally` runs once, nothing after it does, the end is told once."""
    run = Run(three_waits)
    run.begin()
    for number in range(at):
        run.waits[number].resolve("x")
    run.stepper.close()
    assert run.journal.count(f"finally {at}") == 1 and "end" not in run.journal
    assert run.ended == [None] and run.stepper.done
    before = list(run.journal)
    run.waits[at].resolve("too late")
    run.waits[at].fail(ValueError())
    run.stepper.close()
    assert run.journal == before and run.ended == [None]


def test_closing_while_idle_takes_no_other_path() -> None:
    """There is nothing to unwind and nobody to tell; a path that comes after it never begins."""
    run = Run(three_waits)
    run.stepper.close()
    with pytest.raises(RuntimeError, match="closed"):
        run.begin()
    assert run.journal == [] and run.ended == []


def test_paths_follow_each_other() -> None:
    """One stepper runs many: whole ones, failed ones, and one that its end begins; each is told once."""
    stepper = Stepper()
    told: list[tuple[str, str | None]] = []
    waits: list[Future[str]] = []

    async def path(name: str) -> None:
        waits.append(Future())
        if await waits[-1] == "fail":
            raise ValueError(name)

    def tell(name: str, error: BaseException | None) -> None:
        told.append((name, None if error is None else str(error)))
        if name == "third":
            stepper.run(path("fourth"), tell, "fourth")

    for name, result in (("first", "go on"), ("second", "fail"), ("third", "go on")):
        stepper.run(path(name), tell, name)
        assert not stepper.done
        waits[-1].resolve(result)
    assert told == [("first", None), ("second", "second"), ("third", None)]
    assert not stepper.done and len(waits) == 4
    stepper.close()
    assert told[-1] == ("fourth", None) and stepper.done


def test_a_second_path_is_refused_while_one_is_under_way() -> None:
    """Callers are answered in order; the first goes on as if nothing had been asked."""
    run = Run(three_waits)
    run.begin()
    with pytest.raises(RuntimeError, match="has a path"):
        run.begin()
    run.waits[0].resolve("on")
    assert run.journal[-1] == "wait 1"


class Watched(Stepper):
    """A stepper that can be watched: without slots it takes weak references."""


@pytest.mark.parametrize("closed", [False, True])
def test_nothing_is_left_for_the_collector(closed: bool) -> None:
    """A stepper, its path and what it waited for are freed as soon as they are let go of."""

    async def path(until: Future[None]) -> None:
        await until

    gc.disable()
    try:
        stepper = Watched()
        wait: Future[None] = Future()
        one = path(wait)
        gone = [weakref.ref(stepper), weakref.ref(one)]
        stepper.run(one, lambda *_: None, None)
        if closed:
            stepper.close()
        else:
            wait.resolve(None)
        del stepper, one, wait
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()


def test_closing_what_is_running_waits_for_its_next_wait() -> None:
    """Closed from its own stack (the caller left while it was answered): it unwinds at the next wait."""

    async def path(run: Run) -> None:
        try:
            run.stepper.close()
            run.journal.append("still running")
            await run.wait()
            run.journal.append("never")
        finally:
            run.journal.append("finally")

    run = Run(path)
    run.begin()
    assert run.journal == ["still running", "finally"] and run.ended == [None]


def test_closing_what_is_running_and_ends_is_an_end() -> None:
    """No wait follows: the path simply ends, once."""

    async def path(run: Run) -> None:
        run.stepper.close()
        run.journal.append("done")

    run = Run(path)
    run.begin()
    assert run.journal == ["done"] and run.ended == [None]


def test_a_failure_is_raised_where_the_path_waits() -> None:
    """It can be caught there, and the path goes on."""

    async def path(run: Run) -> None:
        try:
            await run.wait()
        except ValueError as error:
            run.journal.append(f"caught {error}")
        run.journal.append(await run.wait())

    run = Run(path)
    run.begin()
    run.waits[0].fail(ValueError("no"))
    run.waits[1].resolve("yes")
    assert run.journal == ["caught no", "yes"] and run.ended == [None]


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError(), KeyboardInterrupt(), StopIteration()])
def test_whatever_ends_a_path_is_told(error: BaseException) -> None:
    """Also what is not an Exception: the door must never be left waiting."""

    async def path(run: Run) -> None:
        await run.wait()

    run = Run(path)
    run.begin()
    run.waits[0].fail(error)
    assert len(run.ended) == 1 and run.stepper.done
    assert run.ended[0] is error or isinstance(run.ended[0], RuntimeError)


def test_an_error_while_closing_is_told() -> None:
    """A `finally` that raises ends the path with its error; the closer is not hit by it."""

    async def path(run: Run) -> None:
        try:
            await run.wait()
        finally:
            raise ValueError("in finally")

    run = Run(path)
    run.begin()
    run.stepper.close()
    assert [str(error) for error in run.ended] == ["in finally"]


def test_awaiting_in_finally_is_an_error_not_a_hang() -> None:
    """A closed path may not wait again: that is a bug, told as one."""

    async def path(run: Run) -> None:
        try:
            await run.wait()
        finally:
            await run.wait()

    run = Run(path)
    run.begin()
    run.stepper.close()
    assert isinstance(run.ended[0], RuntimeError) and run.stepper.done


def test_stepping_a_running_path_is_refused() -> None:
    """Re-entry would run two steps of one path at once."""

    async def path(run: Run) -> None:
        with pytest.raises(RuntimeError, match="running or done"):
            run.stepper.step()
        run.journal.append("refused")

    run = Run(path)
    run.begin()
    assert run.journal == ["refused"]
    with pytest.raises(RuntimeError, match="running or done"):
        run.stepper.step()
    assert run.ended == [None]


def test_one_path_may_resume_another() -> None:
    """Resolving from inside a path runs the other at once, and then returns to the first."""
    other = Run(three_waits)
    other.begin()

    async def path(run: Run) -> None:
        other.waits[0].resolve("from the first")
        run.journal.append("back")

    run = Run(path)
    run.begin()
    assert other.journal[1] == "from the first" and run.journal == ["back"]


@pytest.mark.parametrize("fails", [False, True])
def test_work_in_a_task_gives_its_result_to_the_path(fails: bool) -> None:
    """`in_task` runs beside the path; its value or its error arrives as the Wait's."""
    loop = FakeLoop()

    async def work() -> str:
        if fails:
            raise ValueError("work failed")
        return "worked"

    async def path(run: Run) -> None:
        run.journal.append(await in_task(cast("asyncio.AbstractEventLoop", loop), work()))

    run = Run(path)
    run.begin()
    assert run.ended == []
    loop.run_tasks()
    assert run.journal == ([] if fails else ["worked"])
    assert str(run.ended[0]) == ("work failed" if fails else "None")


def test_closing_leaves_work_in_its_task() -> None:
    """The work goes on and its late result is ignored."""
    loop = FakeLoop()

    async def work() -> str:
        return "late"

    async def path(run: Run) -> None:
        run.journal.append(await in_task(cast("asyncio.AbstractEventLoop", loop), work()))

    run = Run(path)
    run.begin()
    run.stepper.close()
    loop.run_tasks()
    assert run.journal == [] and run.ended == [None]


def test_a_pause_ends_by_the_loops_clock() -> None:
    """`pause` asks the loop for a timer of so many seconds; closing makes it mean nothing."""
    loop = FakeLoop()

    async def path(run: Run) -> None:
        await pause(cast("asyncio.AbstractEventLoop", loop), 2.5)
        run.journal.append("on")

    run, closed = Run(path), Run(path)
    run.begin()
    closed.begin()
    closed.stepper.close()
    assert loop.run_timers() == [2.5, 2.5]
    assert (run.journal, closed.journal) == (["on"], [])
