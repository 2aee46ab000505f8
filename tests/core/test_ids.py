"""Call ids: sortable by time and order, unique across processes, safe in a header."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from asbru.core.ids import IdSource

MS_2026 = 1_770_000_000_000


def test_the_shape_of_an_id() -> None:
    """`req_`, 11 hex digits of milliseconds, 8 of the process, a counter from 1."""
    source = IdSource("0a1b2c3d")
    assert source.next(MS_2026) == b"req_%011x0a1b2c3d1" % MS_2026
    assert source.next(MS_2026).endswith(b"0a1b2c3d2")


def test_ids_of_one_process_never_repeat() -> None:
    """A thousand ids of one millisecond differ, and so do those of two processes."""
    one, two = IdSource("00000001"), IdSource("00000002")
    made = [source.next(MS_2026) for source in (one, two) for _ in range(1000)]
    assert len(set(made)) == 2000
    assert all(re.fullmatch(rb"req_[0-9a-f]{20,}", identity) for identity in made)


@given(st.integers(0, 2**44 - 2), st.integers(1, 1000))
def test_later_ids_sort_later(now_ms: int, passed_ms: int) -> None:
    """The order of ids as text is the order of time, for as long as eleven digits last (the year 2527)."""
    source = IdSource("ffffffff")
    later_ms = min(now_ms + passed_ms, 2**44 - 1)
    assert source.next(now_ms) < IdSource("00000000").next(later_ms)
