"""The ledger of one worker in the test's own stack: what a link would carry, and answers when the test says so.

Refuses what the real ones refuse: no answer while away, none twice; reports are numbered by the client itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
from tests.fakes.loops import FakeLoop

from asbru.governance.ledger import Claim, Ledger, MemoryBooks
from asbru.governance.ledger.claims import MEET, RECALL, TAKE, Meeting, Recall, Settlement
from asbru.governance.ledger.client import FLUSH_S
from asbru.governance.limits import Limits

NOW_MS = 1_795_785_000_000


class _Batches:
    def __init__(self, link: FakeLink) -> None:
        self._link = link

    @property
    def room(self) -> int:
        return self._link.room

    def add(self, payload: bytes, rows: int) -> bool:
        assert rows > 0
        self._link.batches_sent.append(msgspec.msgpack.decode(payload, type=Settlement))
        return True

    def flush(self) -> None:
        """All that was added is sent."""


class FakeLink:
    """A link whose questions wait in `questions` until they are answered."""

    incarnation = "w1"

    def __init__(self, loop: FakeLoop) -> None:
        self._loop = loop
        self.connected = True
        self.room = 1 << 30
        self.questions: list[tuple[bytes, Callable[[bytes | None], None]]] = []
        self.batches_sent: list[Settlement] = []
        self.subscribers: dict[str, Callable[[bytes], None]] = {}
        self.on_connects: list[Callable[[], None]] = []
        self.told: list[tuple[str, bytes]] = []

    def batches(self, table: str) -> _Batches:
        assert table == "ledger.settle"
        return _Batches(self)

    def subscribe(self, subject: str, on_message: Callable[[bytes], None]) -> None:
        assert subject not in self.subscribers
        self.subscribers[subject] = on_message

    def on_connect(self, call: Callable[[], None]) -> None:
        self.on_connects.append(call)

    def ask(self, subject: str, payload: bytes, on_reply: Callable[[bytes | None], None], deadline_s: float) -> None:
        assert subject == TAKE and deadline_s > 0
        if not self.connected:
            self._loop.call_soon(on_reply, None)
            return
        self.questions.append((payload, on_reply))

    def tell(self, subject: str, payload: bytes) -> bool:
        self.told.append((subject, payload))
        return True

    def drop(self) -> None:
        """The connection is lost: questions are answered with None."""
        self.connected = False
        questions, self.questions = self.questions, []
        for _, on_reply in questions:
            self._loop.call_soon(on_reply, None)

    def connect(self) -> None:
        """It is back."""
        self.connected = True
        for call in self.on_connects:
            call()


class Desk:
    """`Limits` of one worker over a ledger in memory. Time stands still unless the test turns it."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.loop = FakeLoop()
        self.now_s = 100.0
        self.link = FakeLink(self.loop)
        self.ledger = ledger or Ledger(MemoryBooks())
        cast("Any", self.loop).time = lambda: self.now_s
        self.limits = Limits(cast("asyncio.AbstractEventLoop", self.loop), cast("Any", self.link), lambda: self.now_s)

    @property
    def now_ms(self) -> int:
        """The ledger's time."""
        return NOW_MS + round((self.now_s - 100.0) * 1000)

    def run(self) -> None:
        """What is due in the loop, but no timer."""
        while self.loop.soon:
            self.loop.run_soon()

    def answer(self) -> None:
        """The ledger books what was reported, then answers all questions."""
        self.run()
        self.book()
        while self.link.questions:
            payload, on_reply = self.link.questions.pop(0)
            asks = msgspec.msgpack.decode(payload, type=list[tuple[Claim, ...]])
            on_reply(msgspec.msgpack.encode(self.ledger.take("w1", asks, self.now_ms)))
            self.run()

    def book(self) -> None:
        """The ledger books what was reported."""
        batches, self.link.batches_sent = self.link.batches_sent, []
        for one in batches:
            self.ledger.settle(one.holder, one.number, one.reports, self.now_ms)

    def flush(self, *, seconds: float = 0.0) -> None:
        """Timers run, and what they report is booked."""
        self.now_s += seconds
        self.loop.pass_time(max(seconds, FLUSH_S))
        self.run()
        self.book()

    def expire(self) -> None:
        """The calls that wait have waited for their deadline."""
        self.flush(seconds=2.0)

    def recall(self, number: int, keys: Sequence[str]) -> Settlement:
        """The ledger calls slices back; what it is answered."""
        self.link.subscribers[RECALL](msgspec.msgpack.encode(Recall(number, tuple(keys))))
        return self.link.batches_sent[-1]

    def meeting(self) -> Meeting:
        """What the worker last said it holds."""
        subject, payload = self.link.told[-1]
        assert subject == MEET
        return msgspec.msgpack.decode(payload, type=Meeting)
