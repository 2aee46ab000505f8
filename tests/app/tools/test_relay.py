"""Questions to the tools process by way of the bookkeeper, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from tests.fakes.waiting import until

from asbru.app.tools.messages import ANSWERED, ASKED, HERE, Answered, Asked
from asbru.app.tools.relay import Relay
from asbru.link.host import Host
from asbru.link.link import Link


@contextmanager
def bookkeeper(folder: Path) -> Iterator[str]:
    """A host with nothing but a relay; the path of its socket."""
    relay = Relay(lambda: None)
    path = folder / "book.sock"
    host = Host(
        path,
        stores={},
        answers={"q": partial(relay.ask, "q")},
        listeners={HERE: relay.take_tools, ANSWERED: relay.take_answer},
        on_parted=(relay.part,),
    )
    host.open()
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            host.turn(0.01)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield str(path)
    finally:
        over.set()
        thread.join()
        host.close()


def ask(link: Link, payload: bytes) -> asyncio.Future[bytes | None]:
    """A question of a worker."""
    answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    link.ask("q", payload, answered.set_result, 10.0)
    return answered


async def test_answers_go_back_to_who_asked_and_nobody_waits_for_a_process_that_is_away(tmp_path: Path) -> None:
    """Without the tools process a question is refused at once; with it, each answer goes to its question, in whatever
    order; when it goes, what waits is refused."""
    loop = asyncio.get_running_loop()
    with bookkeeper(tmp_path) as path:
        worker, tools = Link(loop, path), Link(loop, path)
        worker.open()
        assert await ask(worker, b"nobody") is None
        taken: list[Asked] = []
        tools.subscribe(ASKED, lambda payload: taken.append(msgspec.msgpack.decode(payload, type=Asked)))
        tools.open()
        tools.tell(HERE, b"")
        assert await ask_until_passed_on(worker, taken) is not None
        first, second, third = (ask(worker, word) for word in (b"1", b"2", b"3"))
        await until(lambda: len(taken) == 4, "three more questions")
        for asked, answer in ((taken[2], b"two"), (taken[1], b"one")):
            tools.tell(ANSWERED, msgspec.msgpack.encode(Answered(asked.number, answer)))
        assert (await first, await second) == (b"one", b"two")
        assert [one.payload for one in taken[1:]] == [b"1", b"2", b"3"]
        await tools.close()
        assert await third is None
        assert await ask(worker, b"nobody") is None
        await worker.close()


async def ask_until_passed_on(worker: Link, taken: list[Asked]) -> Asked:
    """Ask until a question reaches the tools process, which has just come."""
    while not taken:
        waiting = [ask(worker, b"0")]
        await until(lambda: taken or waiting[0].done(), "the question is passed on or refused")  # noqa: B023 -- awaited
    return taken[0]
