"""What attempts spent: each priced by the model that served it, and their sum. Pure but for the prices it is given.

An attempt that the provider may charge for (`Attempt.billed`) and whose usage it did not tell has an unknown cost, and
so has the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from asbru.core.money import price_nanousd
from asbru.core.usage import Usage, UsageSource
from asbru.pipeline.call import Attempt
from asbru.pipeline.ports import Prices


class Spend(NamedTuple):
    """`usage` sums what was told; `source` is "partial" where some attempt's is unknown. `cost_nanousd` is None when
    any usage or price is unknown."""

    usage: Usage | None
    source: UsageSource
    cost_nanousd: int | None


NOTHING = Spend(None, "none", None)


def price(attempt: Attempt, prices: Prices) -> None:
    """Write the attempt's cost, where usage and price are known."""
    usage = attempt.usage
    if usage is not None:
        rows = prices.rows(attempt.target.provider.name, attempt.served_model)
        if rows is not None:
            attempt.cost_nanousd = price_nanousd(rows, usage)


def total(attempts: Sequence[Attempt]) -> Spend:
    """The sum over `attempts`, which were priced."""
    billed = [one for one in attempts if one.billed or one.usage is not None]
    if not billed:
        return NOTHING
    if len(billed) == 1:
        only = billed[0]
        return Spend(only.usage, only.usage_source, only.cost_nanousd)
    told = [one.usage for one in billed if one.usage is not None]
    costs = [one.cost_nanousd for one in billed if one.cost_nanousd is not None]
    usage = sum(told[1:], told[0]) if told else None
    return Spend(usage, _source(billed), sum(costs) if len(costs) == len(billed) else None)


def _source(billed: Sequence[Attempt]) -> UsageSource:
    first = billed[0].usage_source
    if all(one.usage_source == first for one in billed):
        return first
    return "partial" if any(one.usage_source == "none" for one in billed) else "estimated"
