"""Messages for streams of this worker and of others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.core.errors import Overloaded
from asbru.core.future import Future
from asbru.mcp.servers.delivery import DELIVER_SUBJECT, TAKEN_SUBJECT, Deliver, Delivered, Delivery, Taken
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools import deliveries
from asbru.pipeline.tools.deliveries import DELIVER_S, Deliveries, Others


class Book:
    """Stands for the bookkeeper, as a worker called `a` sees it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.asked: list[Deliver] = []
        self.answers: list[Future[bytes | None]] = []
        self.told: list[Taken] = []
        self.deliveries = Deliveries(Others("a", self._ask, self._tell, lambda: self.now_s))

    def _ask(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
        assert (subject, deadline_s > DELIVER_S) == (DELIVER_SUBJECT, True)
        self.asked.append(msgspec.msgpack.decode(payload, type=Deliver))
        self.answers.append(Future())
        return self.answers[-1]

    def _tell(self, subject: str, payload: bytes) -> None:
        assert subject == TAKEN_SUBJECT
        self.told.append(msgspec.msgpack.decode(payload, type=Taken))


def came_to(those: Deliveries, worker: str, data: bytes) -> list[Delivery]:
    """What comes of a message for the stream `t`: empty until that is known."""
    came: list[Delivery] = []

    async def deliver() -> None:
        came.append(await those.deliver(worker, "t", data))

    Stepper().run(deliver(), lambda _, error: _no_error(error), None)
    return came


def _no_error(error: BaseException | None) -> None:
    assert error is None


def test_a_stream_that_is_here_takes_a_message_at_once() -> None:
    """Nobody else is asked; one that is over takes none."""
    book, taken = Book(), list[bytes]()
    book.deliveries.follow("t", taken.append)
    assert came_to(book.deliveries, "a", b"1") == [Delivery.TAKEN]
    book.deliveries.forget("t")
    assert came_to(book.deliveries, "a", b"2") == [Delivery.GONE]
    assert (taken, book.asked) == ([b"1"], [])


@pytest.mark.parametrize(
    ("answer", "result"), [(b"taken", Delivery.TAKEN), (b"gone", Delivery.GONE), (None, Delivery.AWAY)]
)
def test_another_worker_is_asked(answer: bytes | None, result: Delivery) -> None:
    """Nothing is said before it has answered; where nobody answers in time it is away."""
    book = Book()
    came = came_to(book.deliveries, "b", b"1")
    assert book.asked == [Deliver("b", "t", b"1", 100.0 + DELIVER_S)]
    assert came == []
    book.answers[0].resolve(answer)
    assert came == [result]


def test_what_came_to_another_worker_is_taken_and_told() -> None:
    """A stream that is gone says so. A message that is late, whose sender has given up, is not taken."""
    book, taken = Book(), list[bytes]()
    book.deliveries.follow("t", taken.append)

    def came(token: str, until_s: float) -> Any:
        book.deliveries.on_delivered(msgspec.msgpack.encode(Delivered(7, token, b"1", until_s)))
        return book.told[-1]

    assert came("t", 101.0) == Taken(7, b"taken")
    assert came("u", 101.0) == Taken(7, b"gone")
    assert came("t", 99.0) == Taken(7, b"away")
    assert taken == [b"1"]


def test_without_other_workers_only_own_streams_are_there() -> None:
    """As in a library."""
    alone = Deliveries()
    assert came_to(alone, "b", b"1") == [Delivery.GONE]


def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; one that is over makes room."""
    monkeypatch.setattr(deliveries, "STREAMS_MAX", 1)
    own = Deliveries()
    own.follow("a", print)
    with pytest.raises(Overloaded):
        own.follow("b", print)
    own.forget("a")
    own.follow("b", print)
