"""The bookkeeper's side: who waits for slices to come back, who is buried, and a database that refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger.claims import Answer, Claim, Held, Meeting, Recall, Report, Settlement
from asbru.governance.ledger.host import RECALL_S, RETRY_FIRST_S, RETURN_S, LedgerHost
from asbru.link.peers import Question
from asbru.storage import StorageError, open_database, open_reader, sqlite_url

BUDGET = LimitEntry("team/blue/cost/1d", "cost", 100, "1d")
NOW_MS = 1_795_785_000_000


class Peer:
    """A worker's connection."""

    def __init__(self, incarnation: str) -> None:
        self.incarnation = incarnation


class Asked:
    """A question, and what it was answered."""

    def __init__(self, books: Books, worker: str, need: int, wish: int = 0) -> None:
        self.peer = Peer(worker)
        self.payload = msgspec.msgpack.encode([[Claim(BUDGET.id, BUDGET, need, wish)]])
        self.refused = False
        self.answer: Answer | None = None
        told = books.host.answer(cast("Question", self))
        if told is not None:
            self.reply(told)

    def reply(self, answer: bytes) -> None:
        """It is answered; once."""
        assert self.answer is None and not self.refused
        self.answer = msgspec.msgpack.decode(answer, type=list[Answer])[0]

    def refuse(self) -> None:
        """There will be no answer."""
        assert self.answer is None and not self.refused
        self.refused = True

    @property
    def got(self) -> int | None:
        """What was given; None for a refusal of the limit."""
        assert self.answer is not None
        return self.answer.slices[0].amount if self.answer.slices else None


class Books:
    """The host over a database of its own; time stands still unless the test turns it."""

    def __init__(self, folder: Path) -> None:
        self.url = sqlite_url(folder / "x.sqlite")
        self.now_s = 10.0
        self.pushed: list[Recall] = []
        self.numbers: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """A bookkeeper is started."""
        self.host = LedgerHost(self.url, self.push, clock=lambda: self.now_s, unix_ms=lambda: NOW_MS)
        self.host.open()

    def push(self, subject: str, payload: bytes) -> None:
        """To all workers."""
        assert subject == "ledger.recall"
        self.pushed.append(msgspec.msgpack.decode(payload, type=Recall))

    def meet(self, worker: str, *held: Held) -> None:
        """A worker connects."""
        meeting = Meeting(self.numbers.get(worker, 0), held)
        self.host.meet(cast("Any", Peer(worker)), msgspec.msgpack.encode(meeting))
        self.turn()

    def settle(self, worker: str, *reports: Report, recalled: int = 0) -> None:
        """A worker reports, and a turn ends."""
        self.numbers[worker] = self.numbers.get(worker, 0) + 1
        settlement = Settlement(worker, self.numbers[worker], reports, recalled)
        self.host.keep(msgspec.msgpack.encode(settlement))
        self.turn()

    def turn(self) -> bool:
        """The end of a turn: whether all is written."""
        return self.host.commit(self.now_s)

    def count(self) -> tuple[int, int]:
        """What is spent and held."""
        database = open_reader(self.url)
        assert database is not None
        found = database.run("SELECT SUM(spent), SUM(held) FROM ledger_counts")[0]
        database.close()
        return cast("tuple[int, int]", found)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """A bookkeeper with two workers."""
    made = Books(tmp_path)
    made.meet("w1")
    made.meet("w2")
    yield made
    made.host.close()


def test_slices_are_called_back_before_anybody_is_refused(books: Books) -> None:
    """Who is short waits until those who hold have answered, and takes what they gave back."""
    first = Asked(books, "w1", 60)
    assert first.got == 60 and first.answer is not None
    second = Asked(books, "w2", 50)
    third = Asked(books, "w2", 60)
    assert second.answer is None and third.answer is None
    assert books.pushed == [Recall(1, (BUDGET.id,))], "asked once in a turn"
    start = first.answer.slices[0].start_ms
    books.settle("w1", Report(BUDGET.id, start, 10, 40))
    assert second.answer is None, "this was no answer to the recall"
    books.settle("w1", Report(BUDGET.id, start, 0, 10), recalled=1)
    assert second.got == 50 and third.got is None
    assert books.count() == (10, 50)


def test_nobody_waits_for_ever(books: Books) -> None:
    """Who does not answer a recall holds the others up for a moment, and is not waited for once it has gone."""
    Asked(books, "w1", 60)
    second = Asked(books, "w2", 50)
    assert books.host.retry_at_s == books.now_s + RECALL_S
    books.now_s += RECALL_S
    books.turn()
    assert second.answer is not None and second.got is None
    third = Asked(books, "w2", 50)
    books.host.part("w1")
    books.turn()
    assert third.answer is not None and third.got is None


def test_what_a_dead_worker_asked_is_not_taken(books: Books) -> None:
    """Its question is dropped, its slices count as spent."""
    first = Asked(books, "w1", 60)
    second = Asked(books, "w2", 50)
    books.host.part("w2")
    books.turn()
    assert first.answer is not None
    books.settle("w1", Report(BUDGET.id, first.answer.slices[0].start_ms, 0, 60), recalled=1)
    assert second.answer is None and not second.refused
    assert books.count() == (0, 0)


def test_a_worker_that_parts_is_buried_after_its_last_words(books: Books) -> None:
    """What came before its end is booked first; should it come back, it says what it holds."""
    first = Asked(books, "w1", 60)
    assert first.answer is not None
    start = first.answer.slices[0].start_ms
    books.host.part("w1")
    books.settle("w1", Report(BUDGET.id, start, 10, 20))
    assert books.count() == (40, 0)
    books.meet("w1", Held(BUDGET.id, start, 25))
    assert books.count() == (10, 25)


def test_a_new_bookkeeper_waits_for_its_workers(books: Books) -> None:
    """Those who come back hold what they held; the others are buried when they have had time to."""
    first = Asked(books, "w1", 30)
    Asked(books, "w2", 40)
    assert first.answer is not None
    books.host.close()
    books.start()
    books.turn()
    assert books.count() == (0, 70)
    books.meet("w1", Held(BUDGET.id, first.answer.slices[0].start_ms, 30))
    books.now_s += RETURN_S
    books.turn()
    assert books.count() == (40, 30)


def test_a_worker_is_believed_when_its_settlements_are_here(books: Books) -> None:
    """Until then its takes are refused: what it says it holds does not count them."""
    first = Asked(books, "w1", 30)
    assert first.answer is not None
    start = first.answer.slices[0].start_ms
    books.numbers["w1"] = 1  # sent, and not here yet
    books.meet("w1", Held(BUDGET.id, start, 20))
    assert Asked(books, "w1", 1).refused
    books.numbers["w1"] = 0
    books.settle("w1", Report(BUDGET.id, start, 10, 0))
    assert Asked(books, "w1", 1).got == 1
    assert books.count() == (10, 21)


def test_a_database_that_refuses(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes are refused, settlements wait and are not acknowledged, and go through when it lets them."""
    first = Asked(books, "w1", 30)
    assert first.answer is not None
    locked = open_database(books.url)
    locked.run("BEGIN IMMEDIATE")
    assert Asked(books, "w1", 10).refused
    assert books.host.failures == 1
    assert Asked(books, "w2", 10).refused
    assert books.host.failures == 1, "the database was not even asked"
    books.settle("w1", Report(BUDGET.id, first.answer.slices[0].start_ms, 30, 0))
    assert not books.turn() and books.host.retry_at_s is not None
    assert books.host.failures >= 2
    locked.close()
    books.now_s += RETRY_FIRST_S * 4
    assert books.turn()
    assert books.count() == (30, 0)
    # One that cannot even be opened.
    monkeypatch.setattr("asbru.storage.reopening.reopened.open_database", refuse)
    other = LedgerHost("sqlite:////nowhere/x.sqlite", books.push, clock=lambda: books.now_s)
    other.open()
    assert other.retry_at_s is not None
    other.close()


def refuse(url: str) -> None:
    """A database that cannot be opened."""
    raise StorageError(url)


def test_what_cannot_be_read_is_let_go(books: Books) -> None:
    """A batch that makes no sense, or holds what no row takes, holds up no other."""
    books.host.keep(b"\xc1")
    books.settle("w1", Report(BUDGET.id, 2**63, 1, 0))
    first = Asked(books, "w1", 30)
    assert first.answer is not None
    books.settle("w1", Report(BUDGET.id, first.answer.slices[0].start_ms, 30, 0))
    assert books.turn() and books.count() == (30, 0)


def test_time_does_not_go_back_between_two_lives(books: Books) -> None:
    """A clock that was set back does not make windows of the past count anew."""
    assert Asked(books, "w1", 100).got == 100
    books.settle("w1")
    books.host.close()
    books.host = LedgerHost(books.url, books.push, clock=lambda: books.now_s, unix_ms=lambda: NOW_MS - 10**10)
    books.host.open()
    books.meet("w2")
    assert Asked(books, "w2", 1).got is None
