"""The bookkeeping: which window counts, how large a slice is, who is believed. The store is `port.Books`.

A slice shrinks as its limit nears: beyond what is needed it is at most an eighth of what is left. What a worker that
has died held counts as spent; should it speak again, it was not dead, and holds it again. Reports are numbered, so that
one that comes twice counts once.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger.claims import Answer, Claim, Count, Meeting, Report, Short, Slice
from asbru.governance.ledger.port import Books, Counted
from asbru.governance.windows import FOREVER_MS, RUN, Window, bucket, fixed_window, no_window

RUNS_MAX = 10_000
"""Runs that a limit counts apart, if nothing else is said."""
RUNS_DROPPED_SHARE = 16
"""Where there are too many, so large a part of them makes room at once: looking for the idle ones costs."""
SHARE = 8
"""No slice is larger than this part of what is left, but for what is needed at once."""
SEEN_MS = 60_000
"""How often it is noted that a worker is alive, at most, where it only takes."""
UNSEEN_MS = 86_400_000
"""For so long the number of a dead worker's last reports is remembered."""


class RacedError(Exception):
    """Another ledger on the same store was faster: to be tried again."""


class Ledger:
    """See the module. Raises what the store raises, having changed nothing. `now_ms` is Unix time."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def take(self, holder: str, asks: Sequence[Sequence[Claim]], now_ms: int) -> list[Answer]:
        """Take slices for each of the asks by itself: for all of its claims, or for none."""
        books = self._books
        with books.transaction():
            known = books.holder(holder)
            if known is None or known.buried or now_ms - known.seen_ms >= SEEN_MS:
                books.note_holder(holder, known.number if known is not None else 0, now_ms)
            return [self._take(holder, claims, now_ms) for claims in asks]

    def settle(self, holder: str, number: int, reports: Sequence[Report], now_ms: int) -> None:
        """Book what became of slices, unless these reports came before: their numbers grow."""
        books = self._books
        with books.transaction():
            known = books.holder(holder)
            if known is not None and number <= known.number:
                return
            books.note_holder(holder, number, now_ms)
            books.book(holder, [report for report in reports if report.limit is None])
            for report in reports:
                if report.limit is not None:
                    total = books.total(report.key, now_ms)
                    if total is None:
                        self._runs_beside(report.key, report.limit, RUNS_MAX)
                    books.spend(report.key, _window(report.key, report.limit, total, now_ms), report.spent)

    def meet(self, holder: str, meeting: Meeting, now_ms: int) -> bool:
        """Believe a worker that says what it holds; False while settlements that it has sent are not booked yet."""
        books = self._books
        with books.transaction():
            known = books.holder(holder)
            number = known.number if known is not None else 0
            if number < meeting.number:
                return False
            books.note_holder(holder, number, now_ms)
            says: dict[tuple[str, int], int] = {}
            for one in meeting.held:
                says[one.key, one.start_ms] = says.get((one.key, one.start_ms), 0) + one.amount
            lost = ((key, at_ms, held - says.get((key, at_ms), 0)) for key, at_ms, held in books.slices(holder))
            books.book(holder, [Report(key, at_ms, 0, amount) for key, at_ms, amount in lost if amount > 0])
        return True

    def bury(self, holder: str) -> None:
        """A holder has died."""
        with self._books.transaction():
            self._books.bury(holder)

    def living(self) -> Sequence[str]:
        """The holders that have not died, as far as is known."""
        return self._books.living()

    def forget(self, now_ms: int) -> None:
        """Drop what cannot matter any more."""
        with self._books.transaction():
            self._books.forget(now_ms, now_ms - UNSEEN_MS)

    def holding(self, key: str, now_ms: int) -> Sequence[str]:
        """The holders that hold something of a limit, and may not need it."""
        return self._books.holding(key, now_ms)

    def newest_ms(self) -> int:
        """The latest moment that is known to have been: the clock of the store never goes back behind it."""
        return self._books.newest_ms()

    def count(self, key: str, now_ms: int) -> Count:
        """How a limit stands."""
        total = self._books.total(key, now_ms)
        return Count(0, 0) if total is None else Count(total.used, total.ends_ms)

    def _take(self, holder: str, claims: Sequence[Claim], now_ms: int) -> Answer:
        room: list[tuple[Claim, Window, int]] = []
        for claim in claims:
            total = self._books.total(claim.key, now_ms)
            used = 0 if total is None else total.used
            if claim.need > claim.limit.amount - used:
                return Answer((), _short(claim, self._books.counted(claim.key, now_ms), used, now_ms))
            if total is None and claim.runs_max:
                runs = self._runs_beside(claim.key, claim.limit, claim.runs_max)
                if runs >= claim.runs_max:
                    return Answer((), Short(claim.key, 0, -1, 0, runs))
            room.append((claim, _window(claim.key, claim.limit, total, now_ms), used))
        return Answer(tuple(self._hold(holder, one, now_ms) for one in room))

    def _runs_beside(self, key: str, limit: LimitEntry, runs_max: int) -> int:
        """How many other runs a limit counts, after those that are idle longest have made room for one more. Callers
        choose the names of runs."""
        if limit.window != RUN or _is_nameless(key):
            return 0
        runs = self._books.runs(limit.id)
        if runs < runs_max:
            return runs
        return runs - self._books.drop_idle_runs(limit.id, runs - runs_max + 1 + runs_max // RUNS_DROPPED_SHARE)

    def _hold(self, holder: str, room: tuple[Claim, Window, int], now_ms: int) -> Slice:
        claim, window, used = room
        limit = claim.limit.amount
        amount = slice_of(claim.need, claim.wish, limit - used)
        if amount and not self._books.hold(holder, claim.key, window, amount=amount, limit=limit, now_ms=now_ms):
            raise RacedError(claim.key)
        ends_ms = 0 if is_sliding(claim.limit) or window.ends_ms == FOREVER_MS else window.ends_ms
        return Slice(claim.key, window.start_ms, amount, window.until_ms - now_ms, used + amount, ends_ms)


def slice_of(need: int, wish: int, left: int) -> int:
    """How much is given of what is left."""
    return need + max(0, min(wish, (left - need) // SHARE))


def is_sliding(limit: LimitEntry) -> bool:
    """Whether a limit is a rate. Those of a run are counts, like budgets."""
    return limit.metric not in ("cost", "concurrency") and limit.window != RUN


def _is_nameless(key: str) -> bool:
    """Whether a limit of runs counts here the calls that name none."""
    return key.endswith("#")


def _window(key: str, limit: LimitEntry, total: Counted | None, now_ms: int) -> Window:
    """The window or bucket to count in, beside those that count already. A fixed one goes on until it ends; that of a
    run ends later with each use."""
    if limit.metric == "concurrency":
        return no_window()
    if is_sliding(limit):
        return bucket(limit.window, now_ms)
    if total is not None:
        ends_ms = total.ends_ms
        if limit.window == RUN and not _is_nameless(key):
            ends_ms = fixed_window(RUN, now_ms).ends_ms
        return Window(total.start_ms, ends_ms, ends_ms)
    return fixed_window(limit.window, now_ms, limit.timezone if limit.aligned else None)


def _short(claim: Claim, counted: Sequence[Counted], used: int, now_ms: int) -> Short:
    missing = claim.need - (claim.limit.amount - used)
    if claim.need <= claim.limit.amount and claim.limit.metric != "concurrency":
        for one in counted:
            missing -= one.used
            if missing <= 0:
                return Short(claim.key, used, one.ends_ms - now_ms, one.ends_ms)
    return Short(claim.key, used, -1, 0)
