"""Counting what passes: never less than was written, however it comes, and not absurdly more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import BudgetExceeded
from asbru.pipeline.output_meter import OutputMeter


def event(text: str) -> bytes:
    """An event with so much text."""
    return b"data: " + json.dumps({"id": "c", "choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


@given(sizes=st.lists(st.integers(1, 200), min_size=20, max_size=200), together=st.integers(1, 5))
def test_tokens_are_counted_by_what_is_alike(sizes: list[int], together: int) -> None:
    """At least one for each event, and what is longer than the shortest counts by its bytes."""
    meter = OutputMeter(10**9, lambda tokens: None)
    events = [event("x" * size) for size in sizes]
    for at in range(0, len(events), together):
        piece = b"".join(events[at : at + together])
        meter.count(piece, len(piece))
    assert len(sizes) <= meter.tokens <= len(sizes) + sum(sizes)


def test_the_mark_is_told_and_a_refusal_ends_it() -> None:
    """Both sinks count; the piece after a refusal does not pass."""
    told: list[int] = []
    passed: list[bytes] = []
    meter = OutputMeter(1, told.append)
    write, write_chunk = meter.sinks(passed.append, lambda chunk, begin: passed.append(chunk[begin:-2]))
    write(event("a"))
    assert not told
    write_chunk(b"7\r\n" + event("a") + b"\r\n", 3)
    assert told == [2] and passed == [event("a")] * 2
    meter.refused = BudgetExceeded("spent")
    with pytest.raises(BudgetExceeded):
        write(event("a"))
    assert len(passed) == 2
