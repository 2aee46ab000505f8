"""Each proof in a shorter form: fewer callers, shorter windows, shorter faults."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from tests.proofs.budget import prove_budget
from tests.proofs.faults import prove_faults
from tests.proofs.rates import prove_rate
from tests.proofs.rows import Row


def check(proof: Coroutine[Any, Any, Sequence[Row]]) -> None:
    """All of its rows hold."""
    rows = asyncio.run(proof)
    assert rows and not [row for row in rows if not row.holds]


def test_budget() -> None:
    """A strict budget over three workers, one of which is killed, is used up and not exceeded."""
    check(prove_budget(callers=90, amount_nanousd=500_000_000))


@pytest.mark.parametrize(("metric", "amount"), [("requests", 60), ("tokens", 30_000)])
def test_rates(metric: str, amount: int) -> None:
    """Ten times the load that a rate allows, over three workers: no window holds more, each holds nearly as much."""
    check(prove_rate(metric, amount=amount, window_s=6, windows=2, late_s=0.3))


def test_faults() -> None:
    """The bookkeeper paused and killed, the database locked: no errors, and one record and charge for each call."""
    check(prove_faults(paused_s=3.0, locked_s=1.0))
