"""Messages for streams of other workers by way of the bookkeeper, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from tests.fakes.waiting import until

from asbru.app.deliveries import SETTLING_S, Deliveries
from asbru.link.host import Host
from asbru.link.link import Link
from asbru.link.peers import Peer
from asbru.mcp.servers.delivery import (
    DELIVER_SUBJECT,
    DELIVERED_SUBJECT,
    TAKEN_SUBJECT,
    Deliver,
    Delivered,
    Taken,
)


class Book:
    """A bookkeeper that passes messages on, and nothing else."""

    def __init__(self, path: Path) -> None:
        self.now_s = 0.0
        deliveries = Deliveries(self._peer_of, lambda: self.now_s)
        self.host = Host(
            path,
            stores={},
            answers={DELIVER_SUBJECT: deliveries.ask},
            listeners={TAKEN_SUBJECT: deliveries.take_taken},
            on_parted=(deliveries.part,),
        )

    def _peer_of(self, incarnation: str) -> Peer | None:
        return self.host.peer_of(incarnation)


@contextmanager
def book(path: Path) -> Iterator[Book]:
    made = Book(path)
    made.host.open()
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            made.host.turn(0.01)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()
        made.host.close()


def ask(link: Link, worker: str, data: bytes) -> asyncio.Future[bytes | None]:
    """What a worker asks to whom a message came."""
    answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    link.ask(DELIVER_SUBJECT, msgspec.msgpack.encode(Deliver(worker, "t", data, 1.0)), answered.set_result, 10.0)
    return answered


def test_a_message_reaches_the_worker_that_has_its_stream(tmp_path: Path) -> None:
    """That one and no other, in the order in which they were posted; its answer goes back. When it goes, what it has
    not answered is gone."""

    async def body() -> None:
        loop, path = asyncio.get_running_loop(), tmp_path / "book.sock"
        with book(path) as made:
            one, two, three = (Link(loop, str(path), incarnation=name) for name in ("one", "two", "three"))
            taken: list[Delivered] = []
            others: list[bytes] = []
            two.subscribe(DELIVERED_SUBJECT, lambda data: taken.append(msgspec.msgpack.decode(data, type=Delivered)))
            three.subscribe(DELIVERED_SUBJECT, others.append)
            for link in (one, two, three):
                link.open()
            await until(lambda: made.host.workers == 3, "all are here")
            answers = [ask(one, "two", b"%d" % number) for number in range(3)]
            await until(lambda: len(taken) == 3, "they are passed on")
            assert [message.data for message in taken] == [b"0", b"1", b"2"]
            two.tell(TAKEN_SUBJECT, msgspec.msgpack.encode(Taken(taken[1].number, b"gone")))
            two.tell(TAKEN_SUBJECT, msgspec.msgpack.encode(Taken(taken[0].number, b"taken")))
            assert [await answers[0], await answers[1]] == [b"taken", b"gone"]
            await two.close()
            assert await answers[2] == b"gone"
            assert others == []
            for link in (one, three):
                await link.close()

    asyncio.run(body())


def test_a_worker_that_is_not_there_is_gone_for_good(tmp_path: Path) -> None:
    """But not just after the start of a bookkeeper, to which it may be on its way."""

    async def body() -> None:
        loop, path = asyncio.get_running_loop(), tmp_path / "book.sock"
        with book(path) as made:
            one = Link(loop, str(path))
            one.open()
            assert await ask(one, "two", b"") == b"away"
            made.now_s = SETTLING_S
            assert await ask(one, "two", b"") == b"gone"
            await one.close()

    asyncio.run(body())
