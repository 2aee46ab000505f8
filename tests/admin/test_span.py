"""Spans of time, as requests ask about them."""

from __future__ import annotations

import time

import pytest

from asbru.admin.span import DAY_MS, read_span
from asbru.core.errors import BadRequest


def test_a_span_is_the_last_day_unless_a_request_says_otherwise() -> None:
    """Its end may be given without its beginning; no span begins before 1970."""
    before_ms = int(time.time() * 1000)
    since, until = read_span(None, None)
    assert before_ms <= until <= int(time.time() * 1000) and until - since == DAY_MS
    assert read_span(None, DAY_MS + 5) == (5, DAY_MS + 5)
    assert read_span(None, 5) == (0, 5)
    assert read_span(3, 5) == (3, 5)


@pytest.mark.parametrize(("since_ms", "until_ms"), [(5, 5), (6, 5), (None, 0), (10**14, None)])
def test_a_span_that_ends_before_it_begins_is_refused(since_ms: int | None, until_ms: int | None) -> None:
    """Also one that begins after now."""
    with pytest.raises(BadRequest, match="expected a `since_ms` before `until_ms`"):
        read_span(since_ms, until_ms)
