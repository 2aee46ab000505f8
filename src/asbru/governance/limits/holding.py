"""What one call holds of counters while it runs, and what becomes of that when it ends.

Where a call held of portions and spent no more than there is, that is a subtraction in each; else it is settled with
every counter of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from asbru.governance.limits.counters import Counter
from asbru.governance.limits.portions import Portion, Start

Part: TypeAlias = "tuple[Counter, int, int]"
"""Counter, start of the window, amount."""


class Holding:
    """What one call holds of counters, by window. Settled once. `mixed`: there may be several parts of one counter."""

    __slots__ = ("closed", "mixed", "parts")

    def __init__(self) -> None:
        self.parts: list[tuple[Counter | Portion, Start, int]] = []
        self.mixed = False
        self.closed = False
        """Whether nobody waits for more any longer."""

    def join(self, other: Holding, among: Collection[Counter] | None = None) -> None:
        """It holds what another one held, too: of all counters, or of those `among` some."""
        self.mixed = True
        theirs = _parts(other.parts)
        mine = [part for part in theirs if among is None or part[0] in among]
        other.parts = [part for part in theirs if part not in mine]
        self.parts += mine

    def counters(self) -> dict[Counter, None]:
        """What it holds something of, each once."""
        return dict.fromkeys(counter for source, _, _ in self.parts for counter in source.counters)

    def put_back(self, now_s: float) -> None:
        """It holds nothing any more."""
        parts, self.parts = self.parts, []
        for counter, start_ms, amount in _parts(parts):
            counter.put_back(start_ms, amount, now_s)

    def settle(self, amounts: Mapping[str, int], now_s: float, *, at_least_held: bool = False) -> bool:
        """It is over. `amounts`: what was spent, by metric, which may be more than was held; nothing of those that are
        left out (calls at once). `at_least_held`: but no less than was held. Whether all that it held of is in hand."""
        parts, self.parts = self.parts, []
        self.closed = True
        in_hand = True
        if self.mixed or at_least_held:
            _settle_mixed(_parts(parts), amounts, now_s, at_least_held=at_least_held)
            return False
        for source, start_ms, amount in parts:
            spent = amounts.get(source.metric, 0)
            left = source.left + amount - spent
            if left >= 0 and start_ms == source.start_ms and now_s < source.good_until_s:
                source.left = left
                if spent:
                    source.spent += spent
                    if not source.dirty:
                        source.note()
                if source.in_hand:
                    continue
            else:
                for counter, began_ms, held in _parts(((source, start_ms, amount),)):
                    _settle_one(counter, [(began_ms, held)], spent, now_s)
            in_hand = False
        return in_hand


def _parts(parts: Iterable[tuple[Counter | Portion, Start, int]]) -> list[Part]:
    """What is held of each counter: of portions, the same amount of all of theirs."""
    found: list[Part] = []
    for source, start_ms, amount in parts:
        if isinstance(start_ms, tuple):
            found += [(one, began_ms, amount) for one, began_ms in zip(source.counters, start_ms, strict=True)]
        else:
            found += [(one, start_ms, amount) for one in source.counters]
    return found


def _settle_mixed(parts: Iterable[Part], amounts: Mapping[str, int], now_s: float, *, at_least_held: bool) -> None:
    by_counter: dict[Counter, list[tuple[int, int]]] = {}
    for counter, start_ms, amount in parts:
        by_counter.setdefault(counter, []).append((start_ms, amount))
    for counter, held in by_counter.items():
        spent = amounts.get(counter.metric, 0)
        if at_least_held and counter.metric in amounts:
            spent = max(spent, sum(amount for _, amount in held))
        _settle_one(counter, held, spent, now_s)


def _settle_one(counter: Counter, held: Sequence[tuple[int, int]], spent: int, now_s: float) -> None:
    for start_ms, amount in held:
        part = min(spent, amount)
        spent -= part
        counter.spend(start_ms, part)
        counter.put_back(start_ms, amount - part, now_s)
    if spent:
        # More than was held: of the slice in hand as far as it goes, the rest is told.
        counter.gather()
        if not counter.is_stale(now_s):
            part = min(counter.left, spent)
            counter.left -= part
            counter.spend(counter.start_ms, part)
            spent -= part
        counter.spend(held[-1][0], spent)
