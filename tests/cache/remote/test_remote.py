"""A store across the network: rests after failures, a bounded line of writes, clearings that are done in the end."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from tests.fakes.paths import RunningPath, run_path

from asbru.cache import Clearing
from asbru.cache.remote import Remote
from asbru.core.errors import GatewayError
from asbru.core.future import Future

T = TypeVar("T")


class Loop:
    """Time that the test turns; pauses that it ends."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.paused: list[Future[None]] = []
        self.deadlines: list[float] = []
        self.paths: list[RunningPath[None]] = []

    def clock(self) -> float:
        return self.now_s

    def within(self, work: Coroutine[Any, Any, T], seconds: float) -> Coroutine[Any, Any, T]:
        self.deadlines.append(seconds)
        return work

    def run(self, path: Coroutine[Any, Any, None]) -> None:
        self.paths.append(RunningPath(path))

    def pause(self, seconds: float) -> Future[None]:
        self.now_s += seconds
        self.paused.append(Future())
        return self.paused[-1]

    def go_on(self) -> None:
        self.paused.pop().resolve(None)


class Server:
    """What is asked and told, while it is there."""

    def __init__(self) -> None:
        self.away = False
        self.done: list[object] = []
        self.hangs: Future[None] | None = None

    async def get(self) -> str:
        if self.hangs is not None:
            await self.hangs
        if self.away:
            raise GatewayError("away")
        self.done.append("get")
        return "x"

    async def clear(self, clearing: Clearing) -> None:
        await self.get()
        self.done[-1] = clearing


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def remote(loop: Loop) -> Remote:
    return Remote("test", loop, 0.25)


def test_after_a_failure_it_rests_twice_as_long_each_time(loop: Loop, server: Server, remote: Remote) -> None:
    """While it rests nobody asks; the first answer makes the rest short again."""
    server.away = True
    asked_at: list[float] = []
    for step in range(240):
        loop.now_s = step / 4
        before = remote.problems["away"]
        assert run_path(remote.ask(server.get)) is None
        if remote.problems["away"] > before:
            asked_at.append(loop.now_s)
    assert asked_at == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    server.away, loop.now_s = False, 100.0
    assert run_path(remote.ask(server.get)) == "x"
    server.away = True
    run_path(remote.ask(server.get))
    server.away, loop.now_s = False, 100.5
    assert run_path(remote.ask(server.get)) == "x"


def test_a_lost_write_is_lost(server: Server, remote: Remote, loop: Loop) -> None:
    """It is help, not an account."""
    server.away = True
    remote.tell(server.get, 10)
    assert (remote.waiting, remote.line_bytes, server.done) == (0, 0, [])
    server.away, loop.now_s = False, 1.0
    remote.tell(server.get, 10)
    assert server.done == ["get"]


def test_the_line_is_bounded(server: Server, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is not written, and counted."""
    monkeypatch.setattr("asbru.cache.remote.remote.LINE_BYTES_MAX", 25)
    server.hangs = Future()
    for _ in range(4):
        remote.tell(server.get, 10)
    assert (remote.waiting, remote.line_bytes, remote.problems["shed"]) == (2, 20, 2)
    server.hangs.resolve(None)
    assert (remote.waiting, remote.line_bytes, server.done) == (0, 0, ["get", "get"])


def test_a_clearing_is_repeated_until_it_is_done(loop: Loop, server: Server, remote: Remote) -> None:
    """Meanwhile nothing is found: it might have been cleared."""
    server.away = True
    remote.clear(server.clear, Clearing(tag="t"))
    loop.go_on()
    server.away = False
    assert run_path(remote.ask(server.get)) is None
    loop.go_on()
    assert (remote.waiting, server.done) == (0, [Clearing(tag="t")])
    assert run_path(remote.ask(server.get)) == "x"


def test_many_clearings_become_one_of_everything(server: Server, remote: Remote, loop: Loop) -> None:
    """What waits does not grow, and nothing that was to be cleared stays."""
    server.away = True
    for number in range(200):
        remote.clear(server.clear, Clearing(key=str(number)))
    assert remote.waiting <= 65
    server.away = False
    while loop.paused:
        loop.go_on()
    assert remote.waiting == 0
    assert Clearing() in server.done
    assert run_path(remote.ask(server.get)) == "x"


def test_a_bug_in_one_write_does_not_stop_the_next(remote: Remote, server: Server, loop: Loop) -> None:
    """It is raised for the log, and forgotten."""

    async def bug() -> None:
        raise KeyError("x")

    remote.tell(bug, 1)
    assert isinstance(loop.paths[0].error, KeyError)
    remote.tell(server.get, 1)
    assert (server.done, remote.waiting) == (["get"], 0)


def test_one_that_is_retired_stops_trying_to_clear(loop: Loop, server: Server, remote: Remote) -> None:
    """It says what is left, tries once more, and is over."""
    server.away = True
    remote.clear(server.clear, Clearing(tag="a"))
    remote.clear(server.clear, Clearing(tag="b"))
    assert remote.retire() == [Clearing(tag="a"), Clearing(tag="b")]
    loop.go_on()
    assert not loop.paused and not remote.waiting and not remote.clears and server.done == []
