"""Names: one look-up for all who ask, in a thread of its own; what is known is used again for a while."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from asbru.upstream.resolve import FOUND_KEPT_S, LOOKUPS_MAX, NOT_FOUND_KEPT_S, Address, Resolver

HERE: Address = (socket.AF_INET, ("127.0.0.1", 1))
WAIT_S = 30.0


class System:
    """A resolver of a system: hangs for "hangs" until it is let go, does not know "unknown"."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()
        self.now_s = 0.0
        self.resolver = Resolver(self.lookup, lambda: self.now_s)

    def lookup(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host.startswith("hangs"):
            self.let_go.wait(WAIT_S)
        if host == "unknown":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        if host == "bad..name":
            raise UnicodeError("label empty")
        return [HERE]


def run(test: Callable[[System], Any]) -> None:
    """Run `test` in a loop, and let what hangs go."""
    system = System()

    async def within() -> None:
        async with asyncio.timeout(WAIT_S):
            await test(system)

    try:
        asyncio.run(within())
    finally:
        system.let_go.set()


def test_addresses_are_not_looked_up() -> None:
    """Of either family, as they are dialled."""

    async def test(system: System) -> None:
        assert await system.resolver.resolve("10.0.0.1", 5) == ((socket.AF_INET, ("10.0.0.1", 5)),)
        assert await system.resolver.resolve("::1", 5) == ((socket.AF_INET6, ("::1", 5, 0, 0)),)
        assert not system.asked

    run(test)


def test_one_look_up_serves_all_and_is_kept_for_a_while() -> None:
    """Dials at the same time share it, later ones use what is known until it is old."""

    async def test(system: System) -> None:
        resolve = system.resolver.resolve
        assert await asyncio.gather(*(resolve("a", 1) for _ in range(5))) == [[HERE]] * 5
        system.now_s = FOUND_KEPT_S - 1
        await resolve("a", 1)
        assert system.asked == ["a"]
        system.now_s = FOUND_KEPT_S + 1
        await resolve("a", 1)
        assert system.asked == ["a", "a"]

    run(test)


@pytest.mark.parametrize("name", ["unknown", "bad..name"])
def test_a_name_that_is_none_is_known_as_such_for_a_moment(name: str) -> None:
    """All who ask get an error of their own raising; soon it is asked for again."""

    async def test(system: System) -> None:
        for now_s in (0.0, NOT_FOUND_KEPT_S - 0.1, NOT_FOUND_KEPT_S + 0.1):
            system.now_s = now_s
            with pytest.raises(socket.gaierror):
                await system.resolver.resolve(name, 1)
        assert system.asked == [name, name]

    run(test)


def test_a_name_that_hangs_holds_up_nobody_else() -> None:
    """Dials that wait for it may give up, and take one thread together; other names are answered meanwhile, until too
    many hang."""

    async def test(system: System) -> None:
        waiting = [asyncio.ensure_future(system.resolver.resolve("hangs", 1)) for _ in range(12)]
        assert await system.resolver.resolve("b", 1) == [HERE]
        waiting.pop().cancel()
        assert system.asked.count("hangs") == 1
        more = [asyncio.ensure_future(system.resolver.resolve(f"hangs{n}", 1)) for n in range(LOOKUPS_MAX - 1)]
        await asyncio.wait({asyncio.ensure_future(system.resolver.resolve("10.0.0.1", 1))})
        with pytest.raises(OSError, match="other names are being resolved"):
            await system.resolver.resolve("c", 1)
        system.let_go.set()
        assert await asyncio.gather(*waiting, *more) == [[HERE]] * (len(waiting) + len(more))
        assert await system.resolver.resolve("c", 1) == [HERE]

    run(test)
