"""Compile side of the catalogue: the price library's data -> match clauses and integer rows. Fetches nothing.

Rates are nano-dollars per million tokens. A bucket without a rate of its own costs what the library charges
for it: the rate of the next wider bucket (a cache read without a price is input, a one-hour cache write is a
cache write). Reasoning is priced as output.
Prices by time of day or date, and those of service tiers, are taken as they stand at the moment of compiling.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from asbru.core.folders import stand_ins

with stand_ins("genai_prices.update_prices"):
    # Nothing here fetches prices, and the HTTP client that does is 3 MB and a tenth of the CPU of compiling.
    from genai_prices import types as lib
    from genai_prices.data import providers as _library_providers

from asbru.catalog.prices import MatchClause, PricedModel
from asbru.core.money import MTOK, NANOUSD_PER_USD, PriceRow
from asbru.core.usage import Unit

_CHAINS: dict[str, tuple[str, ...]] = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "audio_input": ("input_audio_mtok", "input_mtok"),
    "audio_output": ("output_audio_mtok", "output_mtok"),
    "image_input": ("input_image_mtok", "input_mtok"),
    "image_output": ("output_image_mtok", "output_mtok"),
}
_UNITS: dict[Unit, tuple[str, int]] = {
    "second": ("input_audio_hours", 3600),
    "character": ("input_mchars", 1_000_000),
    "page": ("input_document_kpages", 1000),
}
"""The library's rate for a unit, and how many units it is for."""

_TIER = "service_tier"
_NO_NAME = ("ft:", ".ft-", ":extended")


@dataclass(frozen=True)
class ProviderCatalogue:
    """What the library knows of a provider's models."""

    models: tuple[PricedModel, ...] = ()
    known_models: tuple[str, ...] = ()


def build_catalogue(price_id: str | None, now: datetime) -> ProviderCatalogue:
    """The catalogue of the library's provider `price_id`; empty where it has none. `now` has a zone."""
    by_id = {provider.id: provider for provider in _library_providers}
    provider = by_id.get(price_id or "")
    if provider is None:
        return ProviderCatalogue()
    infos = list(provider.models)
    for other in provider.fallback_model_providers or ():
        if other in by_id:
            infos.extend(by_id[other].models)
    return ProviderCatalogue(
        models=tuple(
            PricedModel(
                info.id,
                _clause(info.match),
                _rows(info, now),
                _tiers(info, now),
                info.context_window or 0,
                _units(info, now),
            )
            for info in infos
        ),
        known_models=tuple(name for name in map(_callable_name, provider.models) if name is not None),
    )


def _callable_name(info: lib.ModelInfo) -> str | None:
    """The name that a model is called by: its id, or what the provider calls it in full where that is the only name it
    answers to (Fireworks: `accounts/fireworks/models/...`). None where nobody can call it.

    Some ids are families (`ft:gpt-4o`), other forms of a model (`gpt-4o:extended`) or no models at all; those are not
    priced by token, or their names say it. Some models are withdrawn.
    """
    if info.deprecated or not info.prices or any(mark in info.id for mark in _NO_NAME):
        return None
    if info.match.is_match(info.id):
        return info.id
    clauses = info.match.or_ if isinstance(info.match, lib.ClauseOr) else [info.match]
    return next((clause.equals for clause in clauses if isinstance(clause, lib.ClauseEquals)), None)


def _clause(match: lib.MatchLogic) -> MatchClause:
    match match:
        case lib.ClauseEquals():
            return MatchClause("equals", match.equals.lower())
        case lib.ClauseStartsWith():
            return MatchClause("starts_with", match.starts_with.lower())
        case lib.ClauseEndsWith():
            return MatchClause("ends_with", match.ends_with.lower())
        case lib.ClauseContains():
            return MatchClause("contains", match.contains.lower())
        case lib.ClauseRegex():
            return MatchClause("regex", match.regex)
        case lib.ClauseOr():
            return MatchClause("any", "", tuple(_clause(part) for part in match.or_))
        case lib.ClauseAnd():
            return MatchClause("all", "", tuple(_clause(part) for part in match.and_))


def _rows(info: lib.ModelInfo, now: datetime) -> tuple[PriceRow, ...]:
    """One row per tier, base first; empty for a model that is not priced by token (unknown, not free)."""
    if not info.prices:
        return ()
    return _rows_of(info.get_prices(now))


def _tiers(info: lib.ModelInfo, now: datetime) -> dict[str, tuple[PriceRow, ...]]:
    """The rows of each service tier for which every rate is told: one that is left out may not be the standard one."""
    tiers: dict[str, tuple[PriceRow, ...]] = {}
    for variant in info.price_variants or ():
        tier = variant.when.get(_TIER)
        if tier is None or len(variant.when) > 1 or tier in tiers or not info.prices:
            continue
        if variant.constraint is not None and not variant.constraint.active(now):
            continue
        standard, told = _rates(info.get_prices(now)), _rates(variant.prices)
        if standard and standard <= told:
            tiers[tier] = _rows_of(info.get_prices(now, {_TIER: tier}))
    return tiers


def _units(info: lib.ModelInfo, now: datetime) -> dict[Unit, int]:
    """What is charged by the piece; nothing where a price depends on how much is used."""
    prices = info.get_prices(now) if info.prices else None
    units: dict[Unit, int] = {}
    for unit, (name, count) in _UNITS.items():
        rate = getattr(prices, name, None)
        if isinstance(rate, Decimal):
            units[unit] = int((rate * NANOUSD_PER_USD * MTOK / count).to_integral_value(ROUND_HALF_UP))
    return units


def _rates(prices: lib.ModelPrice) -> set[str]:
    return {name for chain in _CHAINS.values() for name in chain if getattr(prices, name) is not None}


def _rows_of(prices: lib.ModelPrice) -> tuple[PriceRow, ...]:
    if prices.input_mtok is None and prices.output_mtok is None:
        return ()
    rates = {bucket: _first_rate(prices, chain) for bucket, chain in _CHAINS.items()}
    starts = {tier.start for rate in rates.values() if isinstance(rate, lib.TieredPrices) for tier in rate.tiers}
    fee = prices.web_searches_kcount
    fee_nanousd = int(fee * NANOUSD_PER_USD / 1000) if isinstance(fee, Decimal) else None
    return tuple(_row(rates, start, fee_nanousd) for start in (0, *sorted(starts - {0})))


def _first_rate(prices: lib.ModelPrice, chain: tuple[str, ...]) -> Decimal | lib.TieredPrices | None:
    for name in chain:
        rate: Decimal | lib.TieredPrices | None = getattr(prices, name)
        if rate is not None:
            return rate
    return None


def _row(rates: dict[str, Decimal | lib.TieredPrices | None], start: int, fee_nanousd: int | None) -> PriceRow:
    found = {bucket: _rate_at(rate, start) for bucket, rate in rates.items()}
    return PriceRow(**found, above_tokens=start, web_search_nanousd=fee_nanousd)


def _rate_at(rate: Decimal | lib.TieredPrices | None, start: int) -> int:
    """Nano-dollars per million tokens for calls with more than `start` input tokens."""
    if rate is None:
        return 0
    if isinstance(rate, lib.TieredPrices):
        usd = rate.base
        for tier in rate.tiers:
            if tier.start <= start and (tier.start or start):
                usd = tier.price
    else:
        usd = rate
    return int((usd * NANOUSD_PER_USD).to_integral_value(ROUND_HALF_UP))


def price_id_of_url(base_url: str | None) -> str | None:
    """The library's provider that answers at `base_url`, for a custom provider; None where there is none."""
    if base_url is None:
        return None
    return next((p.id for p in _library_providers if re.match(p.api_pattern, base_url)), None)
