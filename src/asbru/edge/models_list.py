"""The list of models a caller may use, in the caller's dialect, from the snapshot: no provider is asked."""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.core.errors import NotFound
from asbru.governance import Caller
from asbru.routing import Plan


def model_names(plan: Plan, caller: Caller) -> list[str]:
    """Every "provider/model" that is known and that `caller` may use, sorted within each provider."""
    names: list[str] = []
    for provider in plan.providers.values():
        named = {model for key in provider.keys for model in (*key.models, *key.aliases) if model != "*"}
        known = {model for model in provider.known_models if provider.serves(model)}
        names.extend(
            f"{provider.name}/{model}" for model in sorted(named | known) if caller.may_use(provider.name, model)
        )
    return names


def write_models(names: list[str], dialect: str) -> bytes:
    """The whole list."""
    if dialect == "anthropic_messages":
        page = [_anthropic(name) for name in names]
        return msgspec.json.encode(
            {
                "data": page,
                "has_more": False,
                "first_id": names[0] if names else None,
                "last_id": names[-1] if names else None,
            }
        )
    return msgspec.json.encode({"object": "list", "data": [_openai(name) for name in names]})


def write_model(names: list[str], name: str, dialect: str) -> bytes:
    """One model; raises `NotFound`."""
    if name not in names:
        raise NotFound(f"the model '{name[:200]}' is not known", code="model_not_found", param="model")
    return msgspec.json.encode(_anthropic(name) if dialect == "anthropic_messages" else _openai(name))


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": name.partition("/")[0]}


def _anthropic(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
