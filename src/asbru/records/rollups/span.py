"""A span of time, cut along the tiers: pure arithmetic, in Unix seconds.

    09:58 ......... 10:00 ................. 00:00 ................ 00:00 ... 11:00 .. 11:02
    | minutes        | hours                 | days                 | hours    | minutes |

So a span of any length takes few rows of each series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from asbru.records.rollups.fold import DAY_S, HOUR_S, MINUTE_S, TIERS

POINTS_MAX: Final = 1_500
POINTS_USUAL: Final = 120
STEPS: Final = (MINUTE_S, 300, 900, HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S)


class Piece(NamedTuple):
    """From `since` on, before `until`, by the rows of one tier."""

    tier: int
    since: int
    until: int


class Span(NamedTuple):
    """From `since` on, before `until`, in points of `step`; `tier`: the finest that it needs."""

    since: int
    until: int
    step: int
    tier: int

    @property
    def before(self) -> Span:
        """The span of the same length before it."""
        return self._replace(since=2 * self.since - self.until, until=self.since)


def plan_span(since_ms: int, until_ms: int, step_s: int | None, oldest: Mapping[int, int]) -> Span:
    """The span that answers for one that is asked for: begun at a multiple of its step, ended at the end of a row.
    `oldest`: where the rows of each tier begin, for a tier whose older rows are gone is of no use before that."""
    since = since_ms // 1000
    until = max(-(-until_ms // 1000), since + 1)
    step = max(step_s or usual_step(until - since), -(-(until - since) // POINTS_MAX))
    tier = next(tier for tier in reversed(TIERS) if tier <= max(step, MINUTE_S))
    while tier != DAY_S and _is_pruned(tier, since, oldest):
        tier = _coarser(tier)
    step = max(1, -(-step // tier)) * tier
    since = since // step * step
    return Span(since, -(-until // tier) * tier, step, tier)


def cut(span: Span, oldest: Mapping[int, int]) -> list[Piece]:
    """The pieces of a span; one that begins before the rows of its tier begins earlier still, with a coarser one."""
    tier, since = span.tier, span.since
    while tier != DAY_S and _is_pruned(tier, since, oldest):
        tier = _coarser(tier)
        since = since // tier * tier
    return list(_cut(Piece(span.tier, since, span.until)))


def _cut(piece: Piece) -> Iterator[Piece]:
    """The part in the middle that whole rows of the next tier tell, and the ends."""
    tier, since, until = piece
    if tier != DAY_S:
        larger = _coarser(tier)
        first, last = -(-since // larger) * larger, until // larger * larger
        if first < last:
            if since < first:
                yield Piece(tier, since, first)
            yield from _cut(Piece(larger, first, last))
            if last < until:
                yield Piece(tier, last, until)
            return
    yield piece


def usual_step(length_s: int) -> int:
    """The step of a span where none is asked for."""
    return next((step for step in STEPS if length_s <= step * POINTS_USUAL), STEPS[-1])


def _coarser(tier: int) -> int:
    return TIERS[TIERS.index(tier) + 1]


def _is_pruned(tier: int, since: int, oldest: Mapping[int, int]) -> bool:
    """Whether rows of a tier are gone that those of the next still tell."""
    larger = _coarser(tier)
    if tier not in oldest or larger not in oldest:
        return False
    return since < oldest[tier] and oldest[larger] < oldest[tier] // larger * larger
