"""The models of a provider, as people look at them."""

from __future__ import annotations

from asbru.catalog import MatchClause, PricedModel
from asbru.catalog.listing import OF_NO_MODEL, ListedProvider, list_models
from asbru.core.money import PriceRow
from asbru.core.traits import Traits, rule
from asbru.dialects import discover

ROW = PriceRow(100, 200, 10, 125, 200, 100, 200)
LARGE = PriceRow(150, 300, 15, 190, 300, 150, 300, above_tokens=200_000)
GPT = PricedModel("gpt", MatchClause("starts_with", "gpt"), (ROW, LARGE), context_tokens=128_000)
OWN = PricedModel("gpt-own", MatchClause("equals", "gpt-own"), (PriceRow(1, 2, 1, 1, 1, 1, 2),))


def provider(**changed: object) -> ListedProvider:
    """A provider with one configured model and two that are known."""
    told = {"name": "acme", "configured": ("gpt-own",), "known": ("gpt-a", "odd"), "prices": (OWN, GPT)}
    return ListedProvider(**{**told, "own_prices": 1, **changed})


def test_where_a_model_is_known_from() -> None:
    """The configuration first; then the provider's own list, or, before there is one, the catalogue."""
    assert [(one.id, one.source) for one in list_models(provider())] == [
        ("acme/gpt-a", "catalogue"),
        ("acme/gpt-own", "configured"),
        ("acme/odd", "catalogue"),
    ]
    given = list_models(provider(), ("gpt-b", "gpt-own"))
    assert [(one.model, one.source) for one in given] == [("gpt-b", "provider"), ("gpt-own", "configured")]
    only = list_models(provider(every_model=False), ("gpt-b",))
    assert [one.model for one in only] == ["gpt-own"]


def test_prices_and_sizes() -> None:
    """By the price data, with what large calls cost; a price of one's own says nothing of the size; unknown is null."""
    first, own, odd = list_models(provider())
    assert first.prices is not None and (first.prices.input, first.prices.above["200000"].input) == (100, 150)
    assert (first.context_tokens, first.price_source) == (128_000, "catalogue")
    assert own.prices is not None and (own.prices.output, own.prices.above) == (2, {})
    assert (own.context_tokens, own.price_source) == (128_000, "configured")
    assert (odd.prices, odd.price_source, odd.context_tokens) == (None, None, None)


def test_what_a_model_takes() -> None:
    """The provider's traits, as its rules change them for the model."""
    rules = (rule("gpt-a", refuse_inputs=["audio"], max_output_tokens=4096, thinking="none", sampling=False),)
    first, own, _ = list_models(provider(traits=Traits(efforts=("low",)), trait_rules=rules, operations=("chat",)))
    assert (first.output_tokens_max, own.output_tokens_max) == (4096, None)
    assert first.capabilities.inputs == ("image", "document") and first.capabilities.thinking == "none"
    assert (first.capabilities.sampling, own.capabilities.sampling) == (False, True)
    assert own.capabilities.efforts == ("low",) and own.capabilities.operations == ("chat",)


def test_what_a_model_is_for() -> None:
    """What its provider offers, but for what it is known not to be for; `models` is no operation of a model."""
    told = {"operations": ("chat", "embeddings", "models"), "purposes": (("gpt-a", ("embeddings", "rerank")),)}
    first, own, _ = list_models(provider(**told))
    assert first.capabilities.operations == ("embeddings",)
    assert own.capabilities.operations == ("chat", "embeddings")


def test_what_stores_objects_is_for_no_model() -> None:
    """Files and batches are offered by providers: every such operation of a dialect is left out, and nothing else."""
    stored = {one.name for dialect in discover().values() for one in dialect.operations if one.stored is not None}
    assert {"models"} | {name for name in stored if "." not in name} == OF_NO_MODEL
    _, own, _ = list_models(provider(operations=("chat", *sorted(OF_NO_MODEL))))
    assert own.capabilities.operations == ("chat",)


def test_aliases_of_a_model() -> None:
    """Names in `models` stand beside the model that they mean, which is configured by that."""
    found = {one.model: one for one in list_models(provider(aliases={"fast": "new", "all-*": "*"}))}
    assert (found["new"].aliases, found["new"].source) == (("fast",), "configured")
    assert "*" not in found and found["odd"].aliases == ()
