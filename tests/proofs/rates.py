"""The proof of rates: ten times the load that a limit allows, over three workers.

Moments are those at which the provider was asked. A minute is shorter in `make test`; the arithmetic is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from tests.fakes.family import Family, chat
from tests.fakes.priced import PricedUpstream
from tests.fakes.waiting import pause
from tests.journeys.caller import Caller, HungUp
from tests.proofs.rows import Row, at_least, at_most

from asbru.governance.entries import LimitEntry

BUCKETS = 60
USED_SHARE = 57 / 60
TOKENS = 250
"""That come out of each call; it holds some fifty more for what goes in, until it is over."""


async def prove_rate(metric: str, *, amount: int, window_s: int, windows: int, late_s: float = 0.0) -> list[Row]:
    """The rows for `requests` or `tokens`, limited to an amount in a window. `late_s`: how much later than it was
    admitted a call may arrive at the provider, where all is counted."""
    limit = LimitEntry(f"team/t/{metric}/{window_s}s", metric, amount, f"{window_s}s")
    calls_per_window = amount if metric == "requests" else amount // TOKENS
    async with PricedUpstream(delay_s=0.01) as upstream:
        with Family(upstream.port, [limit], workers=3) as family:
            ends_s = time.monotonic() + window_s * windows
            gap_s = window_s / (calls_per_window * 10) * 6
            await asyncio.gather(*(_call(family.ports[number % 3], ends_s, gap_s) for number in range(6)))
            weights = [(at_s, 1 if metric == "requests" else tokens) for at_s, tokens in upstream.arrivals]
            most, usual = _busiest(weights, window_s - late_s), _usual(weights, window_s)
            name = f"rates: {metric}"
            return [
                at_most(f"{name} in the busiest window", most, f"in {window_s} s", amount),
                at_least(f"{name} used per window", usual, f"in {window_s} s", round(amount * USED_SHARE, 1)),
            ]


async def _call(port: int, ends_s: float, gap_s: float) -> None:
    while time.monotonic() < ends_s:
        with contextlib.suppress(HungUp, OSError):
            async with Caller(port) as caller:
                while time.monotonic() < ends_s:
                    caller.send(chat(TOKENS))
                    await caller.answer()
                    await pause(gap_s)


def _busiest(weights: Sequence[tuple[float, int]], window_s: float) -> int:
    """The most in any window."""
    most = first = total = 0
    for at_s, weight in weights:
        total += weight
        while weights[first][0] <= at_s - window_s:
            total -= weights[first][1]
            first += 1
        most = max(most, total)
    return most


def _usual(weights: Sequence[tuple[float, int]], window_s: float) -> float:
    """What is used per window, over the whole cycles of all that count at a time: two buckets more than a window."""
    cycle_s = window_s * (BUCKETS + 2) / BUCKETS
    began_s, last_s = weights[0][0], weights[-1][0]
    cycles = max(1, int((last_s - began_s) / cycle_s))
    until_s = began_s + cycles * cycle_s - window_s / BUCKETS  # the next cycle may begin with its bucket
    used = sum(weight for at_s, weight in weights if at_s < until_s)
    return round(used * window_s / (cycles * cycle_s), 2)
