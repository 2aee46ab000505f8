"""The models of each provider with what is known of them, for people to look at; calls are not served by it.

    configured   named by the configuration: keys and aliases
    provider     in the list that the provider gave when it was asked
    catalogue    named by the provider's type or by the price data, while the provider has not been asked

Written by the compile process, without secrets. Prices are nano-dollars for a million tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from asbru.catalog.prices import PricedModel, find_priced_model
from asbru.core.money import PriceRow
from asbru.core.traits import TraitRule, Traits, fits_glob, resolve

ModelSource: TypeAlias = Literal["configured", "provider", "catalogue"]
_INPUTS = ("image", "audio", "document")


class ListedProvider(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's models are worked out from. `own_prices`: how many of the first `prices` are configured;
    `purposes`: patterns of models and the operations that they are for; `aliases`: the names in `models` that lead to
    the provider, and the model that each means."""

    name: str
    configured: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    every_model: bool = True
    prices: tuple[PricedModel, ...] = ()
    own_prices: int = 0
    traits: Traits = Traits()
    trait_rules: tuple[TraitRule, ...] = ()
    operations: tuple[str, ...] = ()
    purposes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    aliases: dict[str, str] = {}


class ListedPrices(msgspec.Struct, frozen=True):
    """Nano-dollars for a million tokens; `web_search`: for one search, null where it is not known. `above`: prices of
    calls with more input tokens than that, where they differ."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    audio_input: int
    audio_output: int
    web_search: int | None = None
    above: dict[str, ListedPrices] = {}


class Capabilities(msgspec.Struct, frozen=True):
    """What a model takes, as far as it is known. `operations`: those of its provider, but for what it is
    known not to be for; `inputs` besides text;
    `thinking`: how it is asked to reason, null where that is not known; `efforts`: empty for those of the dialect;
    `sampling`: it takes a temperature."""

    operations: tuple[str, ...]
    inputs: tuple[str, ...]
    thinking: str | None
    efforts: tuple[str, ...]
    sampling: bool


class ListedModel(msgspec.Struct, frozen=True):
    """A model. `context_tokens`, `output_tokens_max`, `prices`: null where they are not known. `aliases`: the names in
    `models` that mean it."""

    id: str
    provider: str
    model: str
    source: ModelSource
    context_tokens: int | None
    output_tokens_max: int | None
    prices: ListedPrices | None
    price_source: Literal["configured", "catalogue"] | None
    capabilities: Capabilities
    aliases: tuple[str, ...] = ()


def list_models(one: ListedProvider, given: Iterable[str] | None = None) -> Iterator[ListedModel]:
    """The models of a provider, by name. `given`: the provider's own list, where there is one."""
    aliases = {name: model for name, model in one.aliases.items() if model != "*"}
    sources: dict[str, ModelSource] = dict.fromkeys((*one.configured, *aliases.values()), "configured")
    if one.every_model:
        others: ModelSource = "catalogue" if given is None else "provider"
        for model in one.known if given is None else given:
            sources.setdefault(model, others)
    for model in sorted(sources):
        yield describe(one, model, sources[model])


OF_NO_MODEL: Final = frozenset({"models", "files", "batches", "message_batches"})
"""Operations that providers offer and models do not: the list of models, and what stores objects."""


def operations_for(
    model: str, offered: Iterable[str], purposes: Iterable[tuple[str, tuple[str, ...]]]
) -> tuple[str, ...]:
    """Of the operations that a provider offers those that `model` is for; all where nothing is known of it."""
    fit = next((operations for pattern, operations in purposes if fits_glob(pattern, model)), None)
    return tuple(name for name in offered if name not in OF_NO_MODEL and (fit is None or name in fit))


def describe(one: ListedProvider, model: str, source: ModelSource) -> ListedModel:
    """What is known of one model of a provider."""
    priced = find_priced_model(one.prices, model)
    own = priced is not None and any(priced is other for other in one.prices[: one.own_prices])
    # A price of one's own says nothing of the size: that is the catalogue's.
    known = find_priced_model(one.prices[one.own_prices :], model) if own else priced
    traits = resolve(one.traits, one.trait_rules, model)
    has_price = priced is not None and bool(priced.rows)
    return ListedModel(
        id=f"{one.name}/{model}",
        provider=one.name,
        model=model,
        source=source,
        context_tokens=known.context_tokens or None if known is not None else None,
        output_tokens_max=traits.max_output_tokens or None,
        prices=_prices(priced.rows) if priced is not None and has_price else None,
        price_source=("configured" if own else "catalogue") if has_price else None,
        capabilities=Capabilities(
            operations=operations_for(model, one.operations, one.purposes),
            inputs=tuple(kind for kind in _INPUTS if kind not in traits.refuse_inputs),
            thinking=traits.thinking,
            efforts=traits.efforts,
            sampling=traits.sampling,
        ),
        aliases=tuple(name for name, meant in one.aliases.items() if meant == model),
    )


def _prices(rows: tuple[PriceRow, ...]) -> ListedPrices:
    first, *others = rows
    above = {str(row.above_tokens): _row(row) for row in others}
    return msgspec.structs.replace(_row(first), above=above)


def _row(row: PriceRow) -> ListedPrices:
    return ListedPrices(
        row.input,
        row.output,
        row.cache_read,
        row.cache_write_5m,
        row.cache_write_1h,
        row.audio_input,
        row.audio_output,
        row.web_search_nanousd,
    )
