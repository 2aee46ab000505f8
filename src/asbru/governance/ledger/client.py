"""The worker's side of the ledger: asks that wait for their answer, and reports that are sent once.

    ask      queued --(next turn of the loop, few at a time)--> asked --> answered
             away, refused: queued again after AGAIN_S, until its deadline; then its answer is None
    answer   too late for its ask: what it brings is taken in all the same, to be given back
    report   gathered by whoever keeps slices, packed every FLUSH_S, numbered, kept by the link until it is committed

A question is never given up while its connection stands: its answer may have taken slices. What a lost connection
answered is found out by `Meeting`, which each new one begins with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from asbru.governance.ledger.claims import (
    MEET,
    RECALL,
    SETTLE,
    TAKE,
    Answer,
    Claim,
    Held,
    Meeting,
    Recall,
    Report,
    Settlement,
)
from asbru.telemetry import log

if TYPE_CHECKING:
    import asyncio

    from asbru.link.link import Link

ASK_DEADLINE_S = 2.0
"""How long a call waits for the ledger."""
ASK_DEADLINE_AWAY_S = 0.1
"""The same once the ledger has not answered for AWAY_S."""
AWAY_S = 1.0
AGAIN_S = 0.05
FLUSH_S = 1.0
"""Each counter that calls touch is a row to be written each time. Others need not know sooner: what is held here counts
against the limit all the same, and a recall is answered at once."""
ASKS_MAX = 256
"""Asks in one question."""
QUESTIONS_MAX = 32
"""Questions that are not answered; more asks wait here, until their deadline."""
QUEUED_MAX = 10_000
REPORTS_MAX = 2000
"""Reports in one batch."""
QUESTION_DEADLINE_S = 86_400.0

OnAnswer: TypeAlias = Callable[[Answer | None], None]
OnLateAnswer: TypeAlias = Callable[[Answer], None]


class Keeper(Protocol):
    """Who keeps the slices of this worker."""

    def reports(self, reports_max: int) -> list[Report]:
        """What became of slices since the last time; at most so many, the rest next time."""
        ...

    def held(self) -> Sequence[Held]:
        """What is held, but for what was reported."""
        ...

    def give_back(self, keys: Sequence[str]) -> None:
        """Report as given back what no call needs of these limits."""
        ...


class _Ask:
    __slots__ = ("claims", "late", "on_answer", "timer")

    def __init__(self, claims: Sequence[Claim], on_answer: OnAnswer, late: OnLateAnswer) -> None:
        self.claims = claims
        self.on_answer = on_answer
        self.late = late
        self.timer: asyncio.TimerHandle | None = None


class LedgerClient:
    """See the module. To be made before the link is opened."""

    def __init__(self, loop: asyncio.AbstractEventLoop, link: Link, keeper: Keeper) -> None:
        self._loop = loop
        self._link = link
        self._keeper = keeper
        self._queue: deque[_Ask] = deque()
        self._questions = 0
        self._send_due = False
        self._flush_timer: asyncio.TimerHandle | None = None
        self._failing_since_s: float | None = None
        self._number = 0
        self._recalled = 0
        self._batches = link.batches(SETTLE)
        self._encode = msgspec.msgpack.Encoder().encode
        self._read_answers = msgspec.msgpack.Decoder(list[Answer]).decode
        self._read_recall = msgspec.msgpack.Decoder(Recall).decode
        link.subscribe(RECALL, self._on_recall)
        link.on_connect(self._meet)

    @property
    def away(self) -> bool:
        """Whether the ledger has not answered for a while, although it was asked."""
        since_s = self._failing_since_s
        return since_s is not None and self._loop.time() - since_s >= AWAY_S

    def ask(self, claims: Sequence[Claim], on_answer: OnAnswer, late: OnLateAnswer) -> None:
        """Take slices; `on_answer` is told once, later, None where the ledger does not answer in time: should it answer
        after all, `late` is told. They do not raise."""
        ask = _Ask(claims, on_answer, late)
        if len(self._queue) >= QUEUED_MAX:
            self._loop.call_soon(on_answer, None)
            return
        deadline_s = ASK_DEADLINE_AWAY_S if self.away else ASK_DEADLINE_S
        ask.timer = self._loop.call_later(deadline_s, self._expire, ask)
        self._queue.append(ask)
        self._send_soon()

    def report_soon(self) -> None:
        """There is something to report."""
        if self._flush_timer is None:
            self._flush_timer = self._loop.call_later(FLUSH_S, self._on_flush)

    def flush(self) -> None:
        """Report what there is now."""
        while self._pack():
            pass
        self._batches.flush()

    # Asks

    def _send_soon(self) -> None:
        if not self._send_due and self._questions < QUESTIONS_MAX:
            self._send_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._send_due = False
        asks: list[_Ask] = []
        while self._queue and len(asks) < ASKS_MAX:
            ask = self._queue.popleft()
            if ask.timer is not None:  # else it has expired
                asks.append(ask)
        if not asks:
            return
        self._questions += 1
        if self._failing_since_s is None:
            self._failing_since_s = self._loop.time()
        payload = self._encode([ask.claims for ask in asks])
        self._link.ask(TAKE, payload, lambda reply: self._on_reply(asks, reply), QUESTION_DEADLINE_S)
        if self._queue:
            self._send_soon()

    def _on_reply(self, asks: list[_Ask], reply: bytes | None) -> None:
        self._questions -= 1
        answers: list[Answer] | None = None
        if reply is not None:
            try:
                answers = self._read_answers(reply)
            except (msgspec.MsgspecError, ValueError) as error:
                log("error", "an answer of the ledger cannot be read", why=error)
        if answers is None or len(answers) != len(asks):
            self._queue.extendleft(ask for ask in reversed(asks) if ask.timer is not None)
            self._loop.call_later(AGAIN_S, self._send_soon)
            return
        self._failing_since_s = self._loop.time() if self._questions else None
        for ask, answer in zip(asks, answers, strict=True):
            if ask.timer is None:
                ask.late(answer)
            else:
                ask.timer.cancel()
                ask.timer = None
                ask.on_answer(answer)
        self._send_soon()

    def _expire(self, ask: _Ask) -> None:
        ask.timer = None
        ask.on_answer(None)

    # Reports

    def _on_flush(self) -> None:
        self._flush_timer = None
        self.flush()

    def _pack(self) -> bool:
        """Hand a batch to the link; True while there is more. What the backlog has no room for waits here: the numbers
        have no gap."""
        if not self._batches_have_room():
            self.report_soon()
            return False
        reports = self._keeper.reports(REPORTS_MAX)
        if not reports:
            return False
        self._add(reports)
        return len(reports) >= REPORTS_MAX

    def _batches_have_room(self) -> bool:
        return self._batches.room >= REPORTS_MAX * 512

    def _add(self, reports: Sequence[Report]) -> None:
        self._number += 1
        settlement = Settlement(self._link.incarnation, self._number, tuple(reports), self._recalled)
        self._batches.add(self._encode(settlement), max(1, len(reports)))

    # What the ledger says

    def _on_recall(self, payload: bytes) -> None:
        try:
            recall = self._read_recall(payload)
        except (msgspec.MsgspecError, ValueError) as error:
            log("error", "a recall of the ledger cannot be read", why=error)
            return
        self._recalled = recall.number
        self._keeper.give_back(recall.keys)
        before = self._number
        self.flush()
        if self._number == before and self._batches_have_room():
            self._add(())  # the answer is that there is nothing
            self._batches.flush()

    def _meet(self) -> None:
        self._recalled = 0  # a bookkeeper that was started anew counts anew
        self._link.tell(MEET, self._encode(Meeting(self._number, tuple(self._keeper.held()))))
        self._failing_since_s = None
        self._send_soon()
