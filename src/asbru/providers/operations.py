"""What models are for: embeddings, speech, images ..., as data beside each provider's record (`operations.toml`).

    [[models]]
    models = "text-embedding-*"        # as the provider spells them; `*` stands for any text
    operations = ["embeddings"]        # by the names of operations; the first entry that fits a model holds
    source = "https://..."             # who told it, and when
    date = 2026-11-27

What a provider offers, and what its model is for, both hold. Of a model that no entry fits nothing is known: it may be
for anything. Not here: what models take and refuse (`core.traits`).
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

from asbru.providers.kit import ProviderFault

Purpose: TypeAlias = tuple[str, tuple[str, ...]]
"""A pattern of models, and the operations that they are for."""

_FILE = "operations.toml"
_EVERY = "*"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: Annotated[str, msgspec.Meta(min_length=1)]
    operations: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    source: Annotated[str, msgspec.Meta(pattern="^https://")]
    date: date


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: tuple[_Entry, ...]


def purposes() -> dict[str, tuple[Purpose, ...]]:
    """Those of every provider that has the file, by its name. Raises `ProviderFault`."""
    return {path.parent.name: _read(path) for path in sorted(Path(__file__).parent.glob(f"*/{_FILE}"))}


def purposes_at(provider: str, known: dict[str, tuple[Purpose, ...]]) -> tuple[Purpose, ...]:
    """What is known at one provider: its own entries, then what others say of models by their names."""
    others = (one for name in known if name != provider for one in known[name] if one[0] != _EVERY)
    return (*known.get(provider, ()), *others)


def _read(path: Path) -> tuple[Purpose, ...]:
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (ValueError, msgspec.ValidationError) as error:
        raise ProviderFault(f"{path}: {error}") from None
    return tuple((entry.models, entry.operations) for entry in found.models)
