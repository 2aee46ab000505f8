"""Which models a caller may use, from the snapshot: no provider is asked. How they are listed is the dialect's form."""

from __future__ import annotations

from asbru.governance import Caller
from asbru.routing import Plan


def model_names(plan: Plan, caller: Caller) -> list[str]:
    """Every "provider/model" that is known and that `caller` may use, sorted within each provider."""
    names: list[str] = []
    for whole in plan.providers.values():
        key_names = caller.keys_of(whole.name)
        provider = whole if key_names is None else whole.with_keys(key_names)
        named = {model for key in provider.keys for model in (*key.models, *key.aliases) if model != "*"}
        known = {model for model in provider.known_models if provider.serves(model)}
        names.extend(
            f"{provider.name}/{model}" for model in sorted(named | known) if caller.may_use(provider.name, model)
        )
    return names
