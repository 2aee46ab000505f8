"""What the attempts of a call spent: each priced by the model that served it, and their sum.

An attempt that the provider may charge for (`Attempt.billed`) and whose usage it did not tell has an unknown cost, and
so has the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from asbru.core.money import price_nanousd, price_with_fees_nanousd
from asbru.core.notes import Note
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


def price(attempts: Sequence[Attempt], prices: Prices) -> None:
    """Write the cost of each attempt whose usage and price are known. A count that cannot be true is unknown;
    what is not charged at standard prices is unknown too, but for tiers and fees that the price data has."""
    for one in attempts:
        usage = one.usage
        if usage is not None and not usage.plausible:
            one.usage = usage = None
            one.notes += (Note("dropped", "usage", "the provider's count is not plausible"),)
        if usage is not None and usage.standard:
            rows = prices.rows(one.target.provider.name, one.served_model)
            if rows is not None:
                one.cost_nanousd = price_nanousd(rows, usage)
        elif usage is not None and (usage.tier or usage.web_searches):
            rows = prices.rows(one.target.provider.name, one.served_model, usage.tier)
            if rows is not None:
                one.cost_nanousd = price_with_fees_nanousd(rows, usage)


def total(attempts: Sequence[Attempt]) -> Spend:
    """The sum over `attempts`."""
    if len(attempts) == 1:
        last = attempts[0]
        return Spend(last.usage, "none" if last.usage is None else "provider", last.cost_nanousd)
    billed = [one for one in attempts if one.billed or one.usage is not None]
    told = [one.usage for one in billed if one.usage is not None]
    if not told:
        return NOTHING
    costs = [one.cost_nanousd for one in billed if one.cost_nanousd is not None]
    return Spend(
        usage=sum(told[1:], told[0]),
        source="provider" if len(told) == len(billed) else "partial",
        cost_nanousd=sum(costs) if len(costs) == len(billed) else None,
    )
