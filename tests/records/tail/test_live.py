"""The control process's side of the live tail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.fakes.books import WAIT_S, Standin, row, row_id, run, until

from asbru.core.errors import Overloaded
from asbru.link import frames
from asbru.link.link import Link
from asbru.records.tail import live
from asbru.records.tail.followers import FOLLOW, MISSED, WRITTEN
from asbru.records.tail.live import LiveTail
from asbru.records.wanted import Wanted


@asynccontextmanager
async def following(**bounds: int) -> AsyncIterator[tuple[Standin, LiveTail]]:
    """A tail whose link is connected to a stand-in."""
    books = Standin()
    await books.open()
    link = Link(asyncio.get_running_loop(), books.path)
    tail = LiveTail(link, **bounds)
    link.open()
    try:
        yield books, tail
    finally:
        tail.close()
        await link.close(0)
        await books.close()
        books.remove()


def push(books: Standin, *rows: object) -> None:
    """A batch that was written."""
    books.send(frames.write_frame(frames.PUSH, 0, WRITTEN, msgspec.msgpack.encode(rows)))


async def event(events: AsyncIterator[bytes]) -> tuple[str, Any]:
    """The next event that is no comment."""
    async with asyncio.timeout(WAIT_S):
        while (said := await anext(events)).startswith(b":"):
            pass
    name, data, *_ = said.decode().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_client_that_may_no_longer_see_records_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told why, before the next record and where none comes, and others go on."""
    monkeypatch.setattr(live, "ASK_S", 0.0)
    monkeypatch.setattr(live, "COMMENT_S", 0.01)

    async def scene() -> None:
        async with following() as (books, tail):
            refused = list[str]()
            busy, idle = (tail.admit(Wanted(), lambda: "".join(refused)) for _ in range(2))
            for events in (busy, idle):
                assert await anext(events) == await anext(events) == b":\n\n"
            free = tail.admit(Wanted())
            assert await anext(free) == b":\n\n"
            await until(lambda: any(frame.name == FOLLOW for frame in books.frames), "the connection")
            refused.append("the token is gone")
            assert await event(idle) == ("dropped", {"reason": "the token is gone"})
            push(books, row(1))
            assert await event(busy) == ("dropped", {"reason": "the token is gone"})
            assert (await event(free))[0] == "record"
            assert tail.clients == 1
            await free.aclose()  # type: ignore[attr-defined]  # it is a generator

    run(scene())


def test_clients_get_what_they_asked_for() -> None:
    """Each record once to each client whose filters it fits; the bookkeeper is asked for as long as there is one."""

    async def scene() -> None:
        async with following() as (books, tail):
            every, some = tail.admit(Wanted()), tail.admit(Wanted({"caller": "app"}))
            assert await anext(every) == await anext(some) == b":\n\n"
            await until(lambda: any(frame.name == FOLLOW for frame in books.frames), "the bookkeeper to be asked")
            push(books, row(1, stream=True), row(2, caller="app"))
            first = await event(every)
            assert first[0] == "record" and (first[1]["id"], first[1]["stream"]) == (row_id(1), 1)
            assert (await event(every))[1]["id"] == (await event(some))[1]["id"] == row_id(2)
            books.send(frames.write_frame(frames.PUSH, 0, MISSED))
            assert (await event(some))[0] == "missed"
            await some.aclose()  # pyright: ignore[reportAttributeAccessIssue] -- a generator
            assert tail.clients == 1
            tail.close()
            assert (await event(every))[0] == "missed"
            assert await event(every) == ("dropped", {"reason": "the gateway is stopping"})

    run(scene())


def test_a_slow_client_is_dropped() -> None:
    """With a full queue it is told so at its end, and nothing more waits for it; others go on."""

    async def scene() -> None:
        async with following(queued_max=3) as (books, tail):
            slow, quick = tail.admit(Wanted()), tail.admit(Wanted({"caller": "app"}))
            await anext(slow), await anext(quick)
            await until(lambda: books.connections, "the connection")
            await until(lambda: books.frames, "the first message")
            push(books, *(row(number) for number in range(10)), row(11, caller="app"))
            assert (await event(quick))[1]["id"] == row_id(11)
            assert [(await event(slow))[0] for _ in range(4)] == ["record", "record", "record", "dropped"]
            with pytest.raises(StopAsyncIteration):
                await anext(slow)
            assert tail.clients == 1

    run(scene())


def test_clients_are_bounded() -> None:
    """One too many is refused, and let in when another is gone."""

    async def scene() -> None:
        async with following(clients_max=1) as (_, tail):
            first = tail.admit(Wanted())
            await anext(first)
            with pytest.raises(Overloaded, match="1 clients follow"):
                tail.admit(Wanted())
            await first.aclose()  # pyright: ignore[reportAttributeAccessIssue] -- a generator
            await anext(tail.admit(Wanted()))

    run(scene())
