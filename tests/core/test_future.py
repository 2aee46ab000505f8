"""The one-shot cell: who resolves first wins, and the waiter runs at once, in the resolver's own stack."""

from __future__ import annotations

import pytest

from asbru.core.future import Future


def run(wait: Future[int]) -> tuple[object, list[object]]:
    """Awaits `wait` by hand: what the coroutine yielded first, and a list its end will be put into."""
    ended: list[object] = []

    async def path() -> None:
        try:
            ended.append(await wait)
        except ValueError as error:
            ended.append(error)

    coroutine = path()

    def step() -> object:
        try:
            return coroutine.send(None)
        except StopIteration:
            return None

    wait.waiter = step
    return step(), ended


def test_what_is_resolved_is_what_is_awaited() -> None:
    """The coroutine waits with the Wait itself in hand and gets the value in the resolver's stack."""
    wait: Future[int] = Future()
    yielded, ended = run(wait)
    assert yielded is wait and not ended
    wait.resolve(7)
    assert ended == [7] and wait.done


def test_a_failure_is_raised_where_it_is_awaited() -> None:
    """`fail` raises the very error object in the waiting coroutine."""
    wait: Future[int] = Future()
    _, ended = run(wait)
    error = ValueError("no")
    wait.fail(error)
    assert ended == [error]


@pytest.mark.parametrize("failed", [False, True])
def test_a_wait_that_is_over_does_not_suspend(failed: bool) -> None:
    """Awaiting a done Wait goes on at once, with the value or the error."""
    wait: Future[int] = Future()
    error = ValueError("no")
    if failed:
        wait.fail(error)
    else:
        wait.resolve(3)
    yielded, ended = run(wait)
    assert yielded is None
    assert ended == [error if failed else 3]


@pytest.mark.parametrize("first", ["resolve", "fail"])
def test_only_the_first_outcome_counts(first: str) -> None:
    """A race between a result and a deadline has one winner, and the waiter runs once."""
    wait: Future[int] = Future()
    steps: list[int] = []
    wait.waiter = lambda: steps.append(1)
    error = ValueError("late")
    if first == "resolve":
        wait.resolve(1)
        wait.fail(error)
    else:
        wait.fail(error)
        wait.resolve(1)
    wait.resolve(2)
    assert steps == [1]
    _, ended = run(wait)
    assert ended == [1 if first == "resolve" else error]


def test_none_is_a_value() -> None:
    """A Wait of None resolves like any other."""
    wait: Future[None] = Future()
    wait.resolve(None)
    _, ended = run(wait)  # type: ignore[arg-type]  # the type of the value does not matter here
    assert ended == [None]
