"""What the attempts of a call spent: each priced by the model that served it, and their sum.

An attempt that the provider may charge for (`Attempt.billed`) and whose usage it did not tell has an unknown cost, and
so has the call; unless a stream was counted on its way (`Attempt.estimate`): then that is what it used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from asbru.core.money import price_all_nanousd, price_nanousd, price_units_nanousd, price_with_fees_nanousd
from asbru.core.notes import Note
from asbru.core.usage import Usage, UsageSource
from asbru.dialects import Operation
from asbru.pipeline.call import Attempt
from asbru.pipeline.ports import Prices
from asbru.pipeline.worst_case import ONE_REQUEST

SEARCHES_MAX = 1_000_000
"""Searches of the web that one attempt may have made; more is a provider's mistake."""


class Spend(NamedTuple):
    """`usage` sums what was told or estimated; `source` is "partial" where some attempt's is unknown. `cost_nanousd` is
    None when any usage or price is unknown."""

    usage: Usage | None
    source: UsageSource
    cost_nanousd: int | None


NOTHING = Spend(None, "none", None)
SERVED_FROM_CACHE = Spend(None, "none", 0)
"""Nothing was used, which is known to cost nothing."""


def price(attempts: Sequence[Attempt], prices: Prices, operation: Operation | None = None) -> None:
    """Write the cost of each attempt whose usage and price are known. A count that cannot be true is unknown;
    what is not charged at standard prices is unknown too, but for tiers and fees that the price data has, and so is
    what is charged by the piece where a unit has no price. `operation`: what was asked for; one that is free costs
    nothing, unless it told a usage: that of a batch."""
    for one in attempts:
        usage = one.usage
        if usage is None:
            if one.billed:
                _price_silent(one, prices, operation)
            continue
        standard = usage.standard
        if not usage.plausible or not (standard or usage.web_searches <= SEARCHES_MAX):
            one.usage = None
            one.notes += (Note("dropped", "usage", "the provider's count is not plausible"),)
        elif standard:
            rows = prices.rows(one.target.provider.name, one.served_model)
            if usage.units:
                units = prices.units(one.target.provider.name, one.served_model)
                one.cost_nanousd = price_all_nanousd(rows, units, usage)
            elif rows is not None:
                one.cost_nanousd = price_nanousd(rows, usage)
        elif not usage.units and (usage.tier or usage.web_searches):
            rows = prices.rows(one.target.provider.name, one.served_model, usage.tier)
            if rows is not None:
                one.cost_nanousd = price_with_fees_nanousd(rows, usage)


def _price_silent(attempt: Attempt, prices: Prices, operation: Operation | None) -> None:
    """Price an attempt that told no usage, where it is free, or the model is charged by the request alone: a
    moderation."""
    if operation is not None and operation.is_free:
        attempt.cost_nanousd = 0
        return
    where = attempt.target.provider.name, attempt.served_model
    units = prices.units(*where)
    if "request" in units and prices.rows(*where) is None:
        attempt.usage = Usage(units=ONE_REQUEST)
        attempt.cost_nanousd = price_units_nanousd(units, ONE_REQUEST)


def estimate(input_tokens: int, begun: Usage | None, output_tokens: int) -> Usage:
    """The usage of a stream that ended before it told it. What went in is what it said when it began, else what the
    body may hold at most."""
    if begun is None:
        return Usage(input=input_tokens, output=output_tokens)
    return msgspec.structs.replace(begun, output=max(begun.output, output_tokens))


def use_estimate(attempts: Sequence[Attempt], prices: Prices) -> bool:
    """Where the last attempt told no usage, and its stream was counted, the estimate is its usage; whether it is. For
    when all is settled: an attempt that told nothing costs at least what was held."""
    last = attempts[-1]
    if last.estimate is None or last.usage is not None or not last.billed:
        return False
    last.usage = last.estimate
    price((last,), prices)
    return True


def total(attempts: Sequence[Attempt], *, estimated: bool = False) -> Spend:
    """The sum over `attempts`. `estimated`: see `use_estimate`."""
    billed = [one for one in attempts if one.billed or one.usage is not None]
    told = [one.usage for one in billed if one.usage is not None]
    costs = [one.cost_nanousd for one in billed if one.cost_nanousd is not None]
    if not told:
        return NOTHING if not costs or len(costs) < len(billed) else NOTHING._replace(cost_nanousd=sum(costs))
    return Spend(
        usage=sum(told[1:], told[0]),
        source="partial" if len(told) < len(billed) else "estimated" if estimated else "provider",
        cost_nanousd=sum(costs) if len(costs) == len(billed) else None,
    )
