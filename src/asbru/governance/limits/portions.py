"""Part of the slices in hand, set aside for the calls of one key, so that each subtracts once and not from every owner.

    closed    nothing is set aside: `left` is 0, and no window is its own
    open      `left` is set aside of each of the counters, in the windows that they had when it was filled
    fill      closed --(each counter has enough for some calls, and its slice is good)--> open, with a share of it
    close     what is left goes back to each counter, and each is told what was spent

It is no slice of its own: the ledger does not know of it. Whoever needs more of a counter than is there gathers all
portions of it first, as does whoever gives a slice back, so that nothing is refused or kept because it is set aside.
"""

from __future__ import annotations

from typing import TypeAlias

from asbru.governance.limits.counters import Counter

SHARE = 2
"""One part in so many of a slice is set aside: other keys of the same owners need theirs. With a smaller part, half of
the calls of a hundred keys would find too little for it, and subtract from each counter."""
CALLS_MIN = 4
"""Less than what so many calls need is not set aside: filling a portion costs as much as it saves for two of them."""

Start: TypeAlias = "int | tuple[int, ...]"
"""The window that something is held in: of a counter, or of each counter of a portion."""


class Portion:
    """See the module. Its counters have one metric, and calls hold the same of each. To a call it looks like one
    counter: `left`, `good_until_s`, `fresh_until_s`, `start_ms`, `low`, `spent`, `dirty`, `in_hand`."""

    __slots__ = (
        "counters",
        "dirty",
        "fresh_until_s",
        "good_until_s",
        "in_hand",
        "left",
        "low",
        "metric",
        "spent",
        "start_ms",
        "strict",
    )

    def __init__(self, counters: tuple[Counter, ...]) -> None:
        self.counters = counters
        self.metric = counters[0].metric
        self.strict = counters[0].strict
        self.left = 0
        self.spent = 0
        self.dirty = False
        self.start_ms: tuple[int, ...] = ()
        self.good_until_s = self.fresh_until_s = 0.0
        self.low = 0
        """It is not filled ahead; its counters are."""
        self.in_hand = False
        """Whether it is open. Then its counters are in hand, too."""

    def fill(self, need: int, now_s: float) -> bool:
        """Set something aside for calls that need about so much; False, and it is closed, where a counter has too
        little for that."""
        if self.in_hand:
            self.close()
        enough = need * CALLS_MIN * SHARE
        for one in self.counters:
            if one.left < enough or one.good_until_s <= now_s:
                return False
        self.left = amount = min(one.left for one in self.counters) // SHARE
        for one in self.counters:
            one.left -= amount
            one.portions[self] = None
        self.start_ms = tuple(one.start_ms for one in self.counters)
        # While a counter's slice is fresh, only until it no longer is: then all are looked at.
        self.good_until_s = min(
            one.fresh_until_s if one.fresh_until_s > now_s else one.good_until_s for one in self.counters
        )
        self.fresh_until_s = self.good_until_s
        self.in_hand = True
        return True

    def close(self) -> None:
        """Nothing is set aside."""
        if not self.in_hand:
            return
        self.book()
        for one in self.counters:
            one.left += self.left
            del one.portions[self]
        self.left = 0
        self.start_ms = ()
        self.good_until_s = self.fresh_until_s = 0.0
        self.in_hand = False

    def note(self) -> None:
        """Something was spent."""
        self.dirty = True
        for one in self.counters:
            if not one.dirty:
                one.note()

    def book(self) -> None:
        """Tell the counters what was spent."""
        spent, self.spent = self.spent, 0
        self.dirty = False
        if spent:
            for one in self.counters:
                one.spent += spent
                if not one.dirty:
                    one.note()
