"""Spans of time, cut along the tiers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from asbru.records.rollups.fold import DAY_S, HOUR_S, MINUTE_S
from asbru.records.rollups.span import POINTS_MAX, Piece, Span, cut, plan_span

DAY = 20_000 * DAY_S


def test_a_span_is_cut_along_the_tiers() -> None:
    """Minutes to the next hour, hours to the next day, days, and back."""
    since, until = DAY - 3 * HOUR_S - 120, DAY + 2 * DAY_S + HOUR_S + 60
    assert cut(Span(since, until, 60, MINUTE_S), {}) == [
        Piece(MINUTE_S, since, since + 120),
        Piece(HOUR_S, DAY - 3 * HOUR_S, DAY),
        Piece(DAY_S, DAY, DAY + 2 * DAY_S),
        Piece(HOUR_S, DAY + 2 * DAY_S, DAY + 2 * DAY_S + HOUR_S),
        Piece(MINUTE_S, DAY + 2 * DAY_S + HOUR_S, until),
    ]


@given(st.integers(0, 10**6), st.integers(1, 10**5), st.sampled_from([MINUTE_S, HOUR_S, DAY_S]))
def test_pieces_join_and_are_few(first: int, count: int, tier: int) -> None:
    """The pieces are the span, without gap or overlap, each of whole rows; the ends are short."""
    span = Span(first * tier, (first + count) * tier, tier, tier)
    pieces = cut(span, {})
    assert (pieces[0].since, pieces[-1].until) == (span.since, span.until)
    assert all(one.until == other.since for one, other in pairwise(pieces))
    assert all(one.since % one.tier == one.until % one.tier == 0 and one.since < one.until for one in pieces)
    rows = sum((one.until - one.since) // one.tier for one in pieces if one.tier < DAY_S)
    assert rows <= 2 * 59 + 2 * 23


@given(st.integers(0, 10**12), st.integers(1, 10**11), st.one_of(st.none(), st.integers(1, 10**6)))
def test_points_are_bounded_and_stay_where_they_are(since_ms: int, length_ms: int, step_s: int | None) -> None:
    """A span holds what was asked for, begins at a multiple of its step, and never has too many points."""
    span = plan_span(since_ms, since_ms + length_ms, step_s, {})
    assert span.since * 1000 <= since_ms and span.until * 1000 >= since_ms + length_ms
    assert span.since % span.step == 0 and span.step % span.tier == 0 and span.until % span.tier == 0
    assert len(range(span.since, span.until, span.step)) <= POINTS_MAX + 2


def test_rows_that_are_gone_are_told_by_the_next_tier() -> None:
    """Where minutes were deleted hours answer; where nothing ever was, the step stays."""
    asked = ((DAY + 100) * 1000, (DAY + HOUR_S) * 1000, 60)
    kept = {MINUTE_S: DAY + 5 * HOUR_S, HOUR_S: DAY - DAY_S, DAY_S: DAY - DAY_S}
    assert plan_span(*asked, kept).tier == HOUR_S
    begun = {MINUTE_S: DAY + 5 * HOUR_S, HOUR_S: DAY + 5 * HOUR_S, DAY_S: DAY}
    assert plan_span(*asked, begun).tier == MINUTE_S
    before = Span(DAY + 3 * HOUR_S + 60, DAY + 6 * HOUR_S, 60, MINUTE_S)
    assert cut(before, kept)[0] == Piece(HOUR_S, DAY + 3 * HOUR_S, DAY + 6 * HOUR_S)
