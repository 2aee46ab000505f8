"""A compiled provider -> what its models are worked out from, for the lists of models that the management API and
callers get."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from asbru.app.snapshot import ProviderFacts
from asbru.catalog.listing import ListedProvider
from asbru.dialects import discover


def operations_of(facts: ProviderFacts) -> tuple[str, ...]:
    """What a provider's models can be asked for: all that it offers but what is about objects that it keeps."""
    about_objects = _about_objects()
    return tuple(name for name in facts.offered if name not in about_objects)


@cache
def _about_objects() -> frozenset[str]:
    spoken = discover().values()
    return frozenset(one.name for dialect in spoken for one in dialect.operations if one.stored is not None)


def listed_provider(facts: ProviderFacts, models: Mapping[str, str]) -> ListedProvider:
    """`models`: the aliases of the configuration and their targets."""
    targets = {name: target.partition("/") for name, target in models.items()}
    named = (model for key in facts.keys for model in (*key.aliases, *key.models) if model != "*")
    return ListedProvider(
        name=facts.name,
        configured=tuple(dict.fromkeys(named)),
        known=facts.known_models,
        every_model=not facts.keys or any("*" in key.models for key in facts.keys),
        prices=facts.prices,
        own_prices=facts.own_prices,
        traits=facts.traits,
        trait_rules=facts.trait_rules,
        operations=operations_of(facts),
        purposes=facts.purposes,
        aliases={name: model for name, (provider, _, model) in targets.items() if provider == facts.name},
    )
