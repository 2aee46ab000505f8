"""Money is integer nano-dollars (1 USD = 1,000,000,000). Prices are nano-dollars per million tokens or units.

A price of 0.0375 USD per million tokens is not a whole number of nano-dollars per token, but it is per million;
so costs are summed at that scale and divided once, rounding half up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from asbru.core.usage import Unit, Usage

NANOUSD_PER_USD = 1_000_000_000
MTOK = 1_000_000


class PriceRow(msgspec.Struct, frozen=True, array_like=True):
    """Nano-dollars per million tokens, one number per usage bucket. `above_tokens`: the row holds for calls with
    more input tokens than that (0 for the base row). `web_search_nanousd`: the fee for one search of the web, where it
    is known. Images cost what text costs where they have no price of their own (None)."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    audio_input: int
    audio_output: int
    above_tokens: int = 0
    web_search_nanousd: int | None = None
    image_input: int | None = None
    image_output: int | None = None


UnitPrices: TypeAlias = Mapping[Unit, int]
"""Nano-dollars per million of each unit whose price is known."""


def price_nanousd(rows: tuple[PriceRow, ...], usage: Usage) -> int:
    """The cost of `usage` in nano-dollars by the dearest tier reached; `rows` ascend by `above_tokens`."""
    row = rows[0]
    if len(rows) > 1:
        total = usage.input_total
        for tier in rows[1:]:
            if total > tier.above_tokens:
                row = tier
    cost = usage.input * row.input + (usage.output + usage.reasoning) * row.output + MTOK // 2
    # The rest is zero in most calls, and a test is cheaper than a product.
    if usage.cache_read:
        cost += usage.cache_read * row.cache_read
    if usage.cache_write_5m or usage.cache_write_1h:
        cost += usage.cache_write_5m * row.cache_write_5m + usage.cache_write_1h * row.cache_write_1h
    if usage.audio_input or usage.audio_output:
        cost += usage.audio_input * row.audio_input + usage.audio_output * row.audio_output
    if usage.image_input or usage.image_output:
        cost += _price_images(row, usage)
    return cost // MTOK


def price_with_fees_nanousd(rows: tuple[PriceRow, ...], usage: Usage) -> int | None:
    """The same with the fees for what is not charged by tokens; None where a fee is not known."""
    cost = price_nanousd(rows, usage)
    if not usage.web_searches:
        return cost
    fee = rows[0].web_search_nanousd
    return None if fee is None else cost + usage.web_searches * fee


def price_units_nanousd(prices: UnitPrices, units: Iterable[tuple[Unit, int]]) -> int | None:
    """The cost of what is charged by the piece; None where the price of one of them is not known."""
    cost = 0
    for unit, count in units:
        price = prices.get(unit)
        if price is None:
            return None
        cost += count * price
    return (cost + MTOK // 2) // MTOK


def price_all_nanousd(rows: tuple[PriceRow, ...] | None, prices: UnitPrices, usage: Usage) -> int | None:
    """The cost of tokens at standard prices and of units; None where one of them has no price. `rows`: None where the
    model has no price per token."""
    pieces = price_units_nanousd(prices, usage.units)
    if pieces is None or not usage.total:
        return pieces
    return None if rows is None else price_nanousd(rows, usage) + pieces


def _price_images(row: PriceRow, usage: Usage) -> int:
    """Images at the scale of a row."""
    taken = row.input if row.image_input is None else row.image_input
    given = row.output if row.image_output is None else row.image_output
    return usage.image_input * taken + usage.image_output * given
