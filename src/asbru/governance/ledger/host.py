"""The bookkeeper's side of the ledger: answers takes, books settlements, calls slices back, buries who has gone.

    take     enough:  one transaction, then the answer
             short:   others hold of the limit -> they are asked to give back what they do not need -> taken again
                      when they have, or after RECALL_S; then the answer, whatever it is
    settle   held until written, as records are; acknowledged then
    parted   buried after the worker's last settlements are written

    met      a new connection of a worker: what it says it holds is what it holds, for answers to its last takes may
             have been lost; its takes are refused until that is written

A worker that was there before the bookkeeper has RETURN_S to come back before it is taken for dead. A question that the
database refuses is refused: its worker asks again. Time does not jump while this process lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from asbru.governance.ledger.claims import RECALL, Answer, Claim, Meeting, Recall, Settlement
from asbru.governance.ledger.ledger import Ledger, RacedError
from asbru.governance.ledger.sql import SqlBooks
from asbru.link.peers import Peer, Question
from asbru.storage import NewerSchema, RowError, StorageError
from asbru.storage.reopening import Reopened
from asbru.telemetry import log

RECALL_S = 0.25
RETURN_S = 10.0
FORGET_S = 5.0
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 1.0

_FAILURES = (StorageError, OSError, MemoryError, NewerSchema, RacedError)
_read_asks = msgspec.msgpack.Decoder(list[tuple[Claim, ...]]).decode
_read_meeting = msgspec.msgpack.Decoder(Meeting).decode
_read_settlement = msgspec.msgpack.Decoder(Settlement).decode
_write = msgspec.msgpack.Encoder().encode


class _Parked(NamedTuple):
    """A question that waits for slices to come back."""

    question: Question
    asks: list[tuple[Claim, ...]]
    answers: list[Answer]
    recall: int
    waits_for: set[str]
    until_s: float


class LedgerHost:
    """See the module, and `link.host.Store`. `push` sends a message to every worker; `clock` is that of the host,
    `unix_ms` one that does not jump."""

    def __init__(
        self,
        url: str,
        push: Callable[[str, bytes], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        unix_ms: Callable[[], int] | None = None,
    ) -> None:
        self.failures = 0
        """Takes and settlements that the database refused."""
        self._push = push
        self._clock = clock
        self._unix_ms = unix_ms or _steady_clock()
        self._ahead_ms = 0
        """How far the ledger's time is ahead, after the machine's clock was set back between two lives of it."""
        self._database = Reopened(url, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        self._ledger = Ledger(SqlBooks(self._database.connect))
        self._held: list[Settlement] = []
        self._parked: list[_Parked] = []
        self._recalls = 0
        self._recalled: dict[str, int] = {}
        """Limits whose slices were called back in this turn, and by which recall."""
        self._missing: dict[str, float] = {}
        """Holders that are not connected, and when they are buried."""
        self._present: set[str] = set()
        self._meetings: dict[str, Meeting] = {}
        self._began = False
        self._refuses_until_s = 0.0
        self._forget_at_s = 0.0

    # link.host.Store

    @property
    def retry_at_s(self) -> float | None:
        """When there is something to do although nothing comes."""
        times = [one.until_s for one in self._parked]
        if self._database.retry_at_s is not None:
            times.append(self._database.retry_at_s)
        else:
            times += self._missing.values()
        return min(times, default=None)

    def open(self) -> None:
        """Open the database if it can be opened now. Raises NewerSchema: nothing will mend that."""
        try:
            self._begin()
        except NewerSchema:
            raise
        except _FAILURES as error:
            self._fail(self._clock(), error)

    def keep(self, batch: bytes) -> None:
        """Hold settlements until the next commit. A worker sends no more than the link's window unacknowledged, which
        bounds what is held."""
        try:
            self._held.append(_read_settlement(batch))
        except (msgspec.MsgspecError, ValueError) as error:
            log("error", "settlements of a worker cannot be read, they are lost", why=error)

    def commit(self, now_s: float) -> bool:
        """Write what is held, bury who has gone, answer who waited. True when nothing is held any more."""
        self._recalled.clear()
        if not self._database.waits(now_s):
            try:
                self._begin()
                self._settle()
                self._meet()
                self._bury(now_s)
                self._forget(now_s)
            except _FAILURES as error:
                self._fail(now_s, error)
            else:
                self._database.succeed()
        self._answer_parked(now_s)
        return not self._held

    def close(self) -> None:
        """Refuse who waits, and close the database."""
        for parked in self._parked:
            parked.question.refuse()
        self._parked.clear()
        if self._held:
            log(
                "error",
                "settlements are lost: the database refuses them and the bookkeeper ends",
                batches=len(self._held),
            )
        self._database.close()

    # Handlers

    def answer(self, question: Question) -> bytes | None:
        """To TAKE."""
        asks = _read_asks(question.payload)
        holder = question.peer.incarnation
        if holder in self._meetings or self._clock() < self._refuses_until_s:
            question.refuse()
            return None
        try:
            self._begin()
            now_ms = self._now_ms()
            answers = self._ledger.take(holder, asks, now_ms)
            short = {answer.short.key for answer in answers if answer.short is not None}
            others = {one for key in short for one in self._ledger.holding(key, now_ms) if one != holder}
        except RowError:
            raise
        except _FAILURES as error:
            # The others of this turn are not tried: each would wait for the database as long as this one did.
            self._refuses_until_s = self._clock() + RETRY_FIRST_S
            self.failures += 1
            self._note(error)
            question.refuse()
            return None
        others &= self._present
        if not others:
            return _write(answers)
        until_s = self._clock() + RECALL_S
        self._parked.append(_Parked(question, asks, answers, self._recall(short), others, until_s))
        return None

    def meet(self, peer: Peer, payload: bytes) -> None:
        """A worker says what it holds: MEET. Written with the next commit."""
        self._meetings[peer.incarnation] = _read_meeting(payload)
        self._present.add(peer.incarnation)
        self._missing.pop(peer.incarnation, None)

    def part(self, incarnation: str) -> None:
        """A worker has gone; it is buried with the next commit."""
        self._present.discard(incarnation)
        self._meetings.pop(incarnation, None)
        self._missing[incarnation] = 0.0
        # What nobody hears is not taken: it would be held for ever.
        self._parked = [one for one in self._parked if one.question.peer.incarnation != incarnation]
        for parked in self._parked:
            parked.waits_for.discard(incarnation)

    # The rest

    def _settle(self) -> None:
        while self._held:
            one = self._held[0]
            try:
                self._ledger.settle(one.holder, one.number, one.reports, self._now_ms())
            except RowError as error:
                log("error", "settlements cannot be written, they are lost", worker=one.holder, why=error)
                self._ledger.settle(one.holder, one.number, (), self._now_ms())
            del self._held[0]
            for parked in self._parked:
                if one.recalled >= parked.recall:
                    parked.waits_for.discard(one.holder)

    def _meet(self) -> None:
        """Believe the workers whose earlier settlements are all written."""
        for holder, meeting in list(self._meetings.items()):
            if self._ledger.meet(holder, meeting, self._now_ms()):
                del self._meetings[holder]

    def _bury(self, now_s: float) -> None:
        for holder in [holder for holder, at_s in self._missing.items() if at_s <= now_s]:
            self._ledger.bury(holder)
            del self._missing[holder]

    def _forget(self, now_s: float) -> None:
        if now_s >= self._forget_at_s and now_s != float("inf"):
            self._ledger.forget(self._now_ms())
            self._forget_at_s = now_s + FORGET_S

    def _recall(self, keys: set[str]) -> int:
        """Have slices of limits called back; the number of the recall that covers them all."""
        if not keys <= self._recalled.keys():
            self._recalls += 1
            self._recalled.update(dict.fromkeys(keys, self._recalls))
            self._push(RECALL, _write(Recall(self._recalls, tuple(sorted(keys)))))
        return max(self._recalled[key] for key in keys)

    def _answer_parked(self, now_s: float) -> None:
        ready = [one for one in self._parked if not one.waits_for or one.until_s <= now_s]
        if not ready:
            return
        self._parked = [one for one in self._parked if one not in ready]
        for one in ready:
            again = [asked for asked, answer in zip(one.asks, one.answers, strict=True) if answer.short is not None]
            try:
                anew = iter(self._ledger.take(one.question.peer.incarnation, again, self._now_ms()))
            except _FAILURES as error:
                self._note(error)
                one.question.reply(_write(one.answers))
                continue
            one.question.reply(_write([next(anew) if answer.short is not None else answer for answer in one.answers]))

    def _begin(self) -> None:
        """With the first connection to the database: when is now, and who is missing."""
        if self._began:
            return
        self._ahead_ms = max(0, self._ledger.newest_ms() - self._unix_ms())
        until_s = self._clock() + RETURN_S
        self._missing.update((holder, until_s) for holder in self._ledger.living() if holder not in self._present)
        self._began = True

    def _now_ms(self) -> int:
        return self._unix_ms() + self._ahead_ms

    def _fail(self, now_s: float, error: Exception) -> None:
        self.failures += 1
        if self._database.fail(now_s):
            log("error", "the ledger cannot be written, settlements wait", why=_why(error))
        self._note(error)

    def _note(self, error: Exception) -> None:
        """A failed disk may leave an old connection useless; whoever raced has a good one."""
        if not isinstance(error, RacedError):
            self._database.close()


def _steady_clock() -> Callable[[], int]:
    """Unix time as it was now, going on as time does, also while the machine sleeps, whatever its clock is set to."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    offset_s = time.time() - time.clock_gettime(clock)
    return lambda: int((offset_s + time.clock_gettime(clock)) * 1000)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
