"""What the strict fakes know: `models.toml` and `fields.toml`, read once. Their words are in the modules."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Model:
    """What one model takes; the fields are explained in `models.toml`."""

    provider: str
    name: str
    max_output_tokens: int
    source: str
    max_tokens_known: bool = False
    efforts: tuple[str, ...] = ()
    effort_beside_tools: tuple[str, ...] | None = None
    sampling: str = "any"
    thinking: str | None = None
    system_anywhere: bool = False
    images: bool = False


@cache
def models(provider: str) -> dict[str, Model]:
    """The models of one provider, by name."""
    made = (Model(**{key: _frozen(value) for key, value in row.items()}) for row in _table("models")["models"])
    return {model.name: model for model in made if model.provider == provider}


@cache
def fields(provider: str, place: str) -> frozenset[str]:
    """The members that a provider knows in its requests, in messages of a role or in parts of a type."""
    return frozenset(_table("fields")[provider][place])


def _table(name: str) -> Any:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text())


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
