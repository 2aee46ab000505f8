"""Whose are the requests of a server that come outside of calls: decided over all workers."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from asbru.app.tools.outside import Outside
from asbru.mcp.servers.outside import ASKED_SUBJECT, GIVEN_SUBJECT, OutsideAsked, OutsideGiven, OutsideTold

ONE = (b"call-1",)


class Workers:
    """Two workers that tell what they are given to tell: calls under way, and whether one was left."""

    def __init__(self, **tells: tuple[tuple[bytes, ...], bool] | None) -> None:
        self.given: list[OutsideGiven] = []
        self.tells = tells
        self.outside = Outside(self._take, workers_min=2)
        for name in tells:
            self.outside.meet(name.encode())

    def _take(self, subject: str, payload: bytes) -> None:
        if subject == GIVEN_SUBJECT:
            self.given.append(msgspec.msgpack.decode(payload, type=OutsideGiven))
            return
        assert subject == ASKED_SUBJECT
        asked = msgspec.msgpack.decode(payload, type=OutsideAsked)
        assert (asked.server, asked.session) == ("one", "s1")
        for name, told in self.tells.items():
            if told is None:
                asyncio.get_running_loop().call_soon(self.outside.part, name)
            else:
                self.outside.take_told(msgspec.msgpack.encode(OutsideTold(asked.number, name, *told)))


@pytest.mark.parametrize(
    ("tells", "is_given"),
    [
        ({"a": (ONE, False), "b": ((), False)}, True),
        ({"a": ((), False), "b": ((), False)}, False),
        ({"a": (ONE, False), "b": ((b"call-2",), False)}, False),
        ({"a": ((*ONE, b"call-2"), False), "b": ((), False)}, False),
        ({"a": (ONE, False), "b": ((), True)}, False),
        ({"a": (ONE, True), "b": ((), False)}, False),
        ({"a": (ONE, False), "b": None}, False),
        ({"a": (ONE, False)}, False),
    ],
)
async def test_a_request_is_given_to_the_only_call_there_is(
    tells: dict[str, tuple[tuple[bytes, ...], bool] | None], is_given: bool
) -> None:
    """One call over all workers gets it. None do, and nobody, where there are more, where one was given up a moment
    ago, where a worker goes while it is asked, and where fewer are known than there should be."""
    workers = Workers(**tells)
    assert await workers.outside.give("one", "", "s1", b"{}", asks="sampling") is is_given
    assert workers.given == ([OutsideGiven("a", b"call-1", b"{}", "one")] if is_given else [])


async def test_workers_tell_again_that_they_are_here() -> None:
    """After a new connection nothing is known of them, and a worker that is asked has to have told so."""
    workers = Workers(a=(ONE, False), b=((), False))
    workers.outside.begin()
    assert not await workers.outside.give("one", "", "s1", b"{}", asks="sampling")
    workers.outside.meet(b"a")
    workers.outside.meet(b"b")
    assert await workers.outside.give("one", "", "s1", b"{}", asks="sampling")


async def test_a_worker_that_does_not_tell_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its calls are not known, so nobody is asked."""
    monkeypatch.setattr("asbru.app.tools.outside.TOLD_S", 0.01)
    workers = Workers(a=(ONE, False))
    workers.outside.meet(b"silent")
    assert not await workers.outside.give("one", "", "s1", b"{}", asks="sampling")
    assert workers.given == []


@pytest.mark.parametrize(
    ("tells", "given"),
    [
        ({"a": OutsideTold(0, "a", ONE), "b": OutsideTold(0, "b", streams=(b"s",))}, ("a", b"call-1")),
        ({"a": OutsideTold(0, "a", ONE, streams=(b"s",)), "b": OutsideTold(0, "b", (b"call-2",))}, ("a", b"s")),
        ({"a": OutsideTold(0, "a", ONE), "b": OutsideTold(0, "b", (b"call-2",))}, ("a", b"call-1")),
        ({"a": OutsideTold(0, "a", left=True), "b": OutsideTold(0, "b", streams=(b"s",))}, ("b", b"s")),
        ({"a": OutsideTold(0, "a", streams=(b"s",)), "b": None}, ("a", b"s")),
        ({"a": OutsideTold(0, "a"), "b": OutsideTold(0, "b")}, None),
    ],
    ids=["the call", "several: a stream", "several: one of them", "no call: a stream", "a worker is gone", "nobody"],
)
async def test_in_the_session_of_a_user_only_the_user_can_be_meant(
    tells: dict[str, OutsideTold | None], given: tuple[str, bytes] | None
) -> None:
    """So it needs neither one call alone, nor every worker; nobody is asked where the user has nothing open."""
    workers = UserWorkers(tells)
    assert await workers.outside.give("one", "ada", "s1", b"{}", asks="sampling") is (given is not None)
    assert workers.given == ([] if given is None else [OutsideGiven(*given, b"{}", "one")])


class UserWorkers:
    """Two of three workers, that tell this of a user; None: it goes instead."""

    def __init__(self, tells: dict[str, OutsideTold | None]) -> None:
        self.given: list[OutsideGiven] = []
        self.tells = tells
        self.outside = Outside(self._take, workers_min=3)
        for name in tells:
            self.outside.meet(name.encode())

    def _take(self, subject: str, payload: bytes) -> None:
        if subject == GIVEN_SUBJECT:
            self.given.append(msgspec.msgpack.decode(payload, type=OutsideGiven))
            return
        asked = msgspec.msgpack.decode(payload, type=OutsideAsked)
        assert (asked.user, asked.asks) == ("ada", "sampling")
        for name, told in self.tells.items():
            if told is None:
                asyncio.get_running_loop().call_soon(self.outside.part, name)
            else:
                mine = msgspec.structs.replace(told, number=asked.number)
                self.outside.take_told(msgspec.msgpack.encode(mine))
