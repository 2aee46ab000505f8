"""Prices in the configuration and in the folders of providers -> rows as the price data's own, for what it does not
know or others charge.

Amounts are US dollars per million tokens, and for each unit, there; here they are whole nano-dollars per million.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from asbru.app.config.live import TokenPrices
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import MTOK, NANOUSD_PER_USD, PriceRow
from asbru.core.traits import fits_glob
from asbru.core.usage import Unit
from asbru.providers import SourcedPrice


def configured_prices(prices: Mapping[str, TokenPrices]) -> tuple[PricedModel, ...]:
    """A priced model for each pattern, in the order they are written."""
    return tuple(
        PricedModel(pattern, _clause(pattern.lower()), (_row(price),), units=_units(price.units))
        for pattern, price in prices.items()
    )


def folder_prices(prices: Iterable[SourcedPrice]) -> tuple[PricedModel, ...]:
    """A priced model for each price of a unit that a provider's folder tells."""
    return tuple(
        PricedModel(told.models, _clause(told.models.lower()), units=_units({told.unit: told.usd / told.per}))
        for told in prices
    )


def prices_for(provider: str, prices: Mapping[str, TokenPrices]) -> dict[str, TokenPrices]:
    """Of prices by `provider/model` those for a provider's models, by the pattern of the model."""
    parted = ((pattern.partition("/"), price) for pattern, price in prices.items())
    fit = ((model, price) for (name, _, model), price in parted if fits_glob(name, provider))
    first: dict[str, TokenPrices] = {}
    for model, price in fit:
        first.setdefault(model, price)
    return first


def _clause(pattern: str) -> MatchClause:
    text = pattern.strip("*")
    if pattern.startswith("*") and (pattern.endswith("*") or not text):
        return MatchClause("contains", text)
    if pattern.startswith("*"):
        return MatchClause("ends_with", text)
    return MatchClause("starts_with" if pattern.endswith("*") else "equals", text)


def _row(price: TokenPrices) -> PriceRow:
    write = price.input if price.cache_write is None else price.cache_write
    return PriceRow(
        input=_nanousd(price.input),
        output=_nanousd(price.output),
        cache_read=_nanousd(price.input if price.cache_read is None else price.cache_read),
        cache_write_5m=_nanousd(write),
        cache_write_1h=_nanousd(write if price.cache_write_1h is None else price.cache_write_1h),
        audio_input=_nanousd(price.input if price.audio_input is None else price.audio_input),
        audio_output=_nanousd(price.output if price.audio_output is None else price.audio_output),
        image_input=_nanousd(price.input if price.image_input is None else price.image_input),
        image_output=_nanousd(price.output if price.image_output is None else price.image_output),
    )


def _units(prices: Mapping[Unit, float]) -> dict[Unit, int]:
    return {unit: _nanousd(usd * MTOK) for unit, usd in prices.items()}


def _nanousd(usd: float) -> int:
    return int((Decimal(str(usd)) * NANOUSD_PER_USD).to_integral_value(ROUND_HALF_UP))
