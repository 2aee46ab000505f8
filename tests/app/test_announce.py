"""Telling the others what was stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from tests.fakes.books import run, until

from asbru.app import announce
from asbru.app.announce import Announcer
from asbru.app.stored_feed import FEED_CHANGED


class Away:
    """A link whose bookkeeper answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Callable[[bytes | None], None]] = []

    def ask(self, subject: str, payload: bytes, on_reply: Callable[[bytes | None], None], _: float) -> None:
        """Keep the question."""
        assert (subject, payload) == (FEED_CHANGED, b"")
        self.asked.append(on_reply)


def test_the_bookkeeper_is_asked_until_it_has_answered() -> None:
    """A question that is refused comes again; what changes meanwhile is asked once more; a snapshot is said at once."""
    run(answered())


async def answered() -> None:
    """The test's body."""
    link, said = Away(), list[str]()
    announcer = Announcer(cast("Any", link), lambda: said.append("changed"))
    await announcer(feed=False, snapshot=True)
    assert (said, link.asked) == (["changed"], [])
    telling = asyncio.create_task(announcer(feed=True, snapshot=False))
    await until(lambda: len(link.asked) == 1, "the question")
    link.asked[0](None)
    await until(lambda: len(link.asked) == 2, "the question again")
    also = asyncio.create_task(announcer(feed=True, snapshot=False))
    await asyncio.sleep(0)
    link.asked[1](b"")
    await until(lambda: len(link.asked) == 3, "what changed meanwhile")
    assert not telling.done()
    link.asked[2](b"")
    await telling
    await also
    await announcer.close()


def test_the_first_key_is_compiled() -> None:
    """What is in the feed alone is said to the supervisor for as long as no key was ever compiled."""

    async def first_key() -> None:
        link, said, untold = Away(), list[str](), [True, False]
        announcer = Announcer(cast("Any", link), lambda: said.append("changed"), compiles_feed=lambda: untold.pop(0))
        for _ in range(2):
            telling = asyncio.create_task(announcer(feed=True, snapshot=False))
            await until(lambda: bool(link.asked), "the question")
            link.asked.pop()(b"")
            await telling
        assert said == ["changed"]
        await announcer.close()

    run(first_key())


def test_what_is_told_at_start_compiles_nothing() -> None:
    """Telling the feed alone asks the bookkeeper, and nothing of the supervisor, who has compiled just before."""

    async def at_start() -> None:
        link, said = Away(), list[str]()
        announcer = Announcer(cast("Any", link), lambda: said.append("changed"), compiles_feed=lambda: True)
        telling = asyncio.create_task(announcer.tell_feed())
        await until(lambda: bool(link.asked), "the question")
        link.asked.pop()(b"")
        await telling
        assert said == []
        await announcer.close()

    run(at_start())


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer the change stands, and is told later."""
    monkeypatch.setattr(announce, "WAIT_S", 0.01)
    run(unanswered())


async def unanswered() -> None:
    """The test's body."""
    link = Away()
    announcer = Announcer(cast("Any", link), lambda: None)
    await announcer(feed=True, snapshot=False)
    assert len(link.asked) == 1
    await announcer.close()
