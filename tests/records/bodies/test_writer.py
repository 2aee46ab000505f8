"""The worker's side of bodies."""

from __future__ import annotations

import asyncio

import msgspec
from tests.fakes.books import Standin, run, until

from asbru.link import frames
from asbru.link.link import Link
from asbru.records.bodies.writer import TABLE, BodyWriter


def test_bodies_travel_and_what_does_not_fit_is_shed() -> None:
    """Each call's bodies are a batch; beyond the backlog they are counted and let go."""

    async def scene() -> None:
        books = Standin()
        books.acking = False
        await books.open()
        link = Link(asyncio.get_running_loop(), books.path)
        writer = BodyWriter(link, backlog_bytes_max=1000)
        link.open()
        writer.add("r1", b"q" * 300, 300, b"a" * 300, 900)
        writer.add("r2", b"q" * 500, 500, b"a", 1)
        await until(lambda: any(frame.kind == frames.BATCH for frame in books.frames), "the batch")
        (batch,) = (frame for frame in books.frames if frame.kind == frames.BATCH)
        assert batch.name == TABLE
        assert msgspec.msgpack.decode(batch.payload) == [["r1", b"q" * 300, 300, b"a" * 300, 900]]
        assert writer.shed == 1
        await link.close(0)
        await books.close()
        books.remove()

    run(scene())
