"""Refusals in words, for every kind of limit."""

from __future__ import annotations

import pytest

from asbru.core.errors import BudgetExceeded, RateLimited
from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Short
from asbru.governance.limits.refusals import refusal, usd

AT_MS = 1_795_785_000_000


@pytest.mark.parametrize(
    ("limit", "need", "message"),
    [
        (
            LimitEntry("x", "cost", 5_000_000_000, "1M"),
            80_000_000,
            "team 'blue' has used 4.00 USD of its budget of 5.00 USD per month, calls under way included; this call "
            "may cost up to 0.08 USD; it resets at 2026-11-27 13:10:00 UTC",
        ),
        (
            LimitEntry("x", "cost", 5_000_000_000, "run"),
            80_000_000,
            "team 'blue' has used 4.00 USD of its budget of 5.00 USD per run, calls under way included; this call may "
            "cost up to 0.08 USD; have the limit raised, or begin a new run",
        ),
        (
            LimitEntry("x", "input_tokens", 4_000_000_000, "5h"),
            5_000_000_000,
            "team 'blue' has used 4000000000 of its 4000000000 input tokens per 5 hours; this call may need "
            "5000000000, more than the whole limit: ask for less (max_tokens), or have the limit raised",
        ),
    ],
)
def test_words(limit: LimitEntry, need: int, message: str) -> None:
    """Whose limit, how much is used, what is needed, and when or how there is room."""
    error = refusal("team/blue", limit, Short("x", 0, 1500, AT_MS), need=need, used=4_000_000_000)
    assert error.message == message
    assert isinstance(error, BudgetExceeded if limit.metric == "cost" else RateLimited)
    assert (error.retry_after_s, error.resets_at_ms) == (1.5, AT_MS)


def test_calls_at_once_have_no_reset() -> None:
    """Others must end first: to be tried again shortly."""
    limit = LimitEntry("x", "concurrency", 3)
    error = refusal("provider_key/p/k", limit, Short("x", 3, -1, 0), need=1, used=3)
    assert error.message == (
        "provider key 'p/k' has 3 calls under way, and may have 3; this call would be one more; try again when others "
        "have ended"
    )
    assert (error.retry_after_s, error.resets_at_ms) == (1.0, None)


def test_amounts_of_money() -> None:
    """Two digits at least, six at most."""
    assert [usd(one) for one in (0, 1_500_000_000, 1_000, 123_456_789_000)] == [
        "0.00 USD",
        "1.50 USD",
        "0.000001 USD",
        "123.456789 USD",
    ]


def test_too_many_runs() -> None:
    """The refusal says how many there are, which setting decides, and what to do; it is no spent budget."""
    limit = LimitEntry("x", "cost", 5_000_000_000, "run")
    error = refusal("team/blue", limit, Short("x#r", 0, -1, 0, 10_000), need=1, used=0)
    assert isinstance(error, RateLimited) and error.retry_after_s is not None
    assert error.message == (
        "team 'blue' has 10000 runs under way, and its limits count no more of them (governance.runs_max); wait until "
        "one has paused, or go on under the name of one"
    )
