"""The worker's way to the ledger: asks with a deadline, reports that are numbered without a gap, recalls, meetings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from tests.fakes.ledgers import FakeLink
from tests.fakes.loops import FakeLoop

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Answer, Claim, Report
from asbru.governance.ledger.claims import RECALL, Held, Meeting, Recall
from asbru.governance.ledger.client import ASKS_MAX, QUESTIONS_MAX, REPORTS_MAX, LedgerClient

LIMIT = LimitEntry("x", "cost", 100, "1d")
CLAIM = Claim("x", LIMIT, 1)
YES = msgspec.msgpack.encode([Answer(())])


class Keeper:
    """Who keeps slices; what it has to report is set by the test."""

    def __init__(self) -> None:
        self.waiting: list[Report] = []
        self.asked_back: list[str] = []

    def reports(self, reports_max: int) -> list[Report]:
        taken, self.waiting = self.waiting[:reports_max], self.waiting[reports_max:]
        return taken

    def held(self) -> Sequence[Held]:
        return [Held("x", 1, 5)]

    def give_back(self, keys: Sequence[str]) -> None:
        self.asked_back += keys


class Desk:
    """A client over a link that does what the test says."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.now_s = 100.0
        cast("Any", self.loop).time = lambda: self.now_s
        self.link = FakeLink(self.loop)
        self.keeper = Keeper()
        self.answers: list[Answer | None] = []
        self.late: list[Answer] = []
        self.client = LedgerClient(cast("asyncio.AbstractEventLoop", self.loop), cast("Any", self.link), self.keeper)

    def ask(self, count: int = 1) -> None:
        """So many calls ask."""
        for _ in range(count):
            self.client.ask([CLAIM], self.answers.append, self.late.append)
        self.run()

    def run(self) -> None:
        """What is due."""
        while self.loop.soon:
            self.loop.run_soon()

    def answer(self, reply: bytes | None = YES) -> None:
        """The oldest question is answered."""
        self.link.questions.pop(0)[1](reply)
        self.run()


def test_asks_of_one_turn_travel_together() -> None:
    """Up to a number; the rest follows, and at most so many questions are open."""
    desk = Desk()
    desk.ask(ASKS_MAX + 1)
    assert [len(msgspec.msgpack.decode(payload)) for payload, _ in desk.link.questions] == [ASKS_MAX, 1]
    for _ in range(QUESTIONS_MAX):
        desk.ask()
    assert len(desk.link.questions) == QUESTIONS_MAX
    desk.answer(msgspec.msgpack.encode([Answer(())] * ASKS_MAX))
    assert len(desk.answers) == ASKS_MAX and len(desk.link.questions) == QUESTIONS_MAX


def test_what_is_refused_is_asked_again_until_its_deadline() -> None:
    """Then the call is told that there is no answer; one that comes after all is given to `late`."""
    desk = Desk()
    desk.ask()
    for reply in (None, b"\xc1", msgspec.msgpack.encode([])):
        desk.answer(reply)
        assert not desk.answers
        desk.loop.pass_time(0.05)
        desk.run()
        assert len(desk.link.questions) == 1
    desk.loop.pass_time(2.0)
    assert desk.answers == [None]
    desk.answer()
    assert desk.answers == [None] and desk.late == [Answer(())]


def test_away() -> None:
    """Once nothing was answered for a while calls wait only shortly; the first answer ends it."""
    desk = Desk()
    desk.ask()
    assert not desk.client.away
    desk.now_s += 1.0
    assert desk.client.away
    desk.ask()
    desk.loop.pass_time(0.1)
    assert desk.answers == [None]
    desk.answer()
    desk.answer()
    assert not desk.client.away


def test_reports_are_numbered_without_a_gap() -> None:
    """What the backlog has no room for waits; a recall is answered also where there is nothing to report."""
    desk = Desk()
    report = Report("x", 1, 1, 0)
    desk.keeper.waiting = [report] * (REPORTS_MAX + 1)
    desk.client.flush()
    desk.link.room = 0
    desk.keeper.waiting = [report]
    desk.client.flush()
    assert [len(one.reports) for one in desk.link.batches_sent] == [REPORTS_MAX, 1]
    desk.link.room = 1 << 30
    desk.link.subscribers[RECALL](msgspec.msgpack.encode(Recall(4, ("x",))))
    desk.link.subscribers[RECALL](msgspec.msgpack.encode(Recall(5, ("y",))))
    desk.link.subscribers[RECALL](b"\xc1")
    assert desk.keeper.asked_back == ["x", "y"]
    assert [(one.number, one.recalled) for one in desk.link.batches_sent[2:]] == [(3, 4), (4, 5)]


def test_each_connection_begins_with_a_meeting() -> None:
    """What is held besides the reports that were numbered; asks that were lost with the last one go again."""
    desk = Desk()
    desk.keeper.waiting = [Report("x", 1, 1, 0)]
    desk.client.flush()
    desk.ask()
    desk.link.drop()
    desk.run()
    desk.link.connect()
    desk.run()
    assert msgspec.msgpack.decode(desk.link.told[-1][1], type=Meeting) == Meeting(1, (Held("x", 1, 5),))
    assert len(desk.link.questions) == 1
