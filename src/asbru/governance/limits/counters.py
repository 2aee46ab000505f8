"""What a worker holds of one limit: integers, compared and subtracted without a pause in between.

    left       of the slice in hand; good until its window ends (`good_until_s`, monotonic). That of a rate is fresh
               until its bucket ends (`fresh_until_s`), and good a little longer: then the next is asked for
    reserved   by calls under way: they hold it themselves (`holdings`)
    portions   of the slice in hand, set aside for the calls of one caller (`portions`); gathered when anyone needs it
    reports    what became of slices, by window, not told to the ledger yet; of a short bucket once, when it is over
    held       all that the ledger believes to be here: taken, and not reported

Nothing here waits or knows the time; who asks the ledger is `limits`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Report, Short, Slice
from asbru.governance.ledger.ledger import is_sliding
from asbru.governance.windows import BUCKETS, length_ms, overlap_ms

if TYPE_CHECKING:
    from asbru.governance.limits.portions import Portion

NO_WINDOW = -1
"""Stands for the window of what was spent while the ledger was away."""
WISH_SHARE = 16
"""A slice is never wished larger than this part of its limit."""
WISH_PAUSE_S = 0.02
SLICE_S = 2.0
"""A slice is to last about so long, if its window does."""
WASTE_SHARE = 4
"""A wish was too large where the window ended before one part in so many of it was used."""
BUCKET_TOLD_MS = 5000
"""What was spent in a bucket no longer than this is told when it is over, with what is given back of it: until then it
is held, which counts as much."""


class Counter:
    """See the module. `on_report` is told when there is something to report."""

    __slots__ = (
        "_bucket_told",
        "_on_report",
        "_overlap_s",
        "_settled",
        "_taken",
        "_unused",
        "dirty",
        "ends_ms",
        "fresh_until_s",
        "good_until_s",
        "held",
        "in_hand",
        "key",
        "left",
        "limit",
        "low",
        "metric",
        "owner",
        "portions",
        "quiet",
        "sliding",
        "spent",
        "start_ms",
        "told_until_s",
        "used",
        "wish",
        "wished_s",
    )

    def __init__(self, owner: str, limit: LimitEntry, key: str, on_report: Callable[[Counter], None]) -> None:
        self.owner = owner
        self.limit = limit
        self.key = key
        self.metric = limit.metric
        self.sliding = is_sliding(limit)
        self._bucket_told = self.sliding and length_ms(limit.window) // BUCKETS <= BUCKET_TOLD_MS
        self.left = 0
        self.spent = 0
        """Of the window in hand, since the last report."""
        self.dirty = False
        """Whether there is something to report, and it was said so."""
        self.in_hand = False
        """Whether idle slices of it are looked for."""
        self.start_ms = NO_WINDOW
        self.good_until_s = 0.0
        self.fresh_until_s = 0.0
        self._overlap_s = overlap_ms(limit.window) / 1000 if self.sliding else 0.0
        self.low = 0
        """Below so much the next slice is asked for ahead."""
        self.wish = 0
        self.wished_s = 0.0
        self.used = 0
        """All that was spent and held of the limit, by anyone, when the ledger last told."""
        self.ends_ms = 0
        self.told_until_s = 0.0
        """Until when that may still be true."""
        self.quiet = -1
        """What was left when idle slices were last looked for; -1: more has come since."""
        self._taken = self._unused = 0
        """All that was taken of the window in hand, and what of it was given back."""
        self.held: dict[int, int] = {}
        self.portions: dict[Portion, None] = {}
        self._settled: dict[int, list[int]] = {}
        self._on_report = on_report

    @property
    def counters(self) -> tuple[Counter, ...]:
        """It alone; see `Portion.counters`."""
        return (self,)

    @property
    def strict(self) -> bool:
        """Whether it is a budget that is never exceeded."""
        return self.metric == "cost" and self.limit.strict

    def fill(self, need: int, now_s: float) -> bool:
        """Whether there is so much, with what is set aside."""
        if self.left < need:
            self.gather()
        return self.left >= need and self.good_until_s > now_s

    def gather(self) -> None:
        """Nothing is set aside any more."""
        while self.portions:
            next(iter(self.portions)).close()

    # From the ledger

    def take_in(self, taken: Slice, asked_s: float) -> None:
        """A slice, that was asked for at a moment. It joins the one in hand, or follows it."""
        self.used = taken.used
        self.ends_ms = taken.ends_ms
        self.told_until_s = asked_s + (length_ms(self.limit.window) if self.sliding else taken.good_for_ms) / 1000
        if not taken.amount:
            return
        start_ms = taken.start_ms
        self.held[start_ms] = self.held.get(start_ms, 0) + taken.amount
        if start_ms < self.start_ms and not self.is_stale(asked_s):  # an answer that was overtaken
            self.release(start_ms, taken.amount)
            return
        if start_ms != self.start_ms:
            self.let_go()
            self._book_spent()
            self.start_ms = start_ms
            self.good_until_s = 0.0
            self._taken = 0
        self.good_until_s = max(self.good_until_s, asked_s + taken.good_for_ms / 1000)
        self.fresh_until_s = self.good_until_s - self._overlap_s
        self.left += taken.amount
        self._taken += taken.amount
        self.low = self.wish // 4
        self.quiet = -1
        self._unused = 0

    def tell_short(self, short: Short, now_s: float, known_s: float) -> None:
        """There is no room: how it stands, which is known for so long at least."""
        self.used = short.used
        self.ends_ms = 0 if self.sliding else short.resets_at_ms
        self.told_until_s = now_s + max(short.resets_in_ms / 1000, known_s)

    def is_stale(self, now_s: float) -> bool:
        """Whether the slice in hand is good no more."""
        return self.good_until_s <= now_s

    def runs_out(self, now_s: float) -> bool:
        """Whether it is time for the next slice, before a call has to wait for it."""
        return self.left < self.low or self.fresh_until_s <= now_s

    def wishes(self, need: int, now_s: float) -> int:
        """How much is wished beside what is needed: twice as much each time that the last slice was used up too soon,
        half of it where its bucket ended with most of it unused; nothing where others have asked just now."""
        asked_ago_s = now_s - self.wished_s
        if asked_ago_s < WISH_PAUSE_S:
            return 0
        self.wished_s = now_s
        wish = self.wish
        if self.fresh_until_s > now_s:
            wish = wish // 2 if asked_ago_s >= SLICE_S else wish * 2
        elif self._taken - self._unused - self._in_hand < wish // WASTE_SHARE:
            wish //= 2
        self.wish = min(max(wish, need * 4), self.limit.amount // WISH_SHARE)
        return self.wish

    @property
    def _in_hand(self) -> int:
        """What no call holds of the slice, with what is set aside."""
        return self.left + sum(portion.left for portion in self.portions)

    # To the ledger

    def spend(self, start_ms: int, amount: int) -> None:
        """So much of a window is spent."""
        if amount:
            self._settle(start_ms)[0] += amount

    def release(self, start_ms: int, amount: int) -> None:
        """So much of a slice is given back to the ledger."""
        if amount:
            self._settle(start_ms)[1] += amount

    def put_back(self, start_ms: int, amount: int, now_s: float) -> None:
        """A call does not need what it held: it is in hand again, or given back where its window is over."""
        if start_ms == self.start_ms and not self.is_stale(now_s):
            self.left += amount
        else:
            self.release(start_ms, amount)

    def let_go(self) -> None:
        """Give back the slice in hand."""
        self.gather()
        if self.left:
            self._unused, self.left = self.left, 0
            self.release(self.start_ms, self._unused)
        self.low = 0

    def reports(self, now_s: float = inf) -> list[Report]:
        """What became of slices since the last time. It stays dirty where something is told later (BUCKET_TOLD_MS)."""
        self.dirty = self._bucket_told and now_s < self.good_until_s
        if not self.dirty:
            for portion in self.portions:
                portion.book()
            self._book_spent()
            self.dirty = False
        reports: list[Report] = []
        for start_ms, (spent, released) in self._settled.items():
            limit = self.limit if start_ms == NO_WINDOW else None
            reports.append(Report(self.key, start_ms, spent, released, limit))
            left = self.held.get(start_ms, 0) - spent - released
            if left > 0:
                self.held[start_ms] = left
            else:
                self.held.pop(start_ms, None)
        self._settled.clear()
        return reports

    @property
    def idle(self) -> bool:
        """Whether nothing is held of it and nothing is to be reported."""
        return not self.held and not self.dirty

    def note(self) -> None:
        """There is something to report."""
        self.dirty = True
        self._on_report(self)

    def _book_spent(self) -> None:
        """What was spent of the window in hand, beside the others."""
        spent, self.spent = self.spent, 0
        self.spend(self.start_ms, spent)

    def _settle(self, start_ms: int) -> list[int]:
        if not self.dirty:
            self.note()
        return self._settled.setdefault(start_ms, [0, 0])
