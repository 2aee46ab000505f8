"""What models are for: embeddings, speech, images ..., as data beside each provider's record (`operations.toml`).

    [[models]]
    models = "text-embedding-*"        # as the provider spells them; `*` stands for any text
    operations = ["embeddings"]        # by the names of operations; the first entry that fits a model holds
    source = "https://..."             # who told it, and when
    date = 2026-11-27

A file with `own = true` tells of names that mean nothing elsewhere: those of Asbru's own mock, whose source is the page
beside it (`README.md`).

What a provider offers, and what its model is for, both hold. Of a model that no entry fits nothing is known: it may be
for anything. Not here: what models take and refuse (`core.traits`).
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from asbru.providers.kit import ProviderFault

Purpose: TypeAlias = tuple[str, tuple[str, ...]]
"""A pattern of models, and the operations that they are for."""

_FILE = "operations.toml"
_EVERY = "*"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: Annotated[str, msgspec.Meta(min_length=1)]
    operations: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    source: Annotated[str, msgspec.Meta(pattern=r"^(https://|README\.md$)")]
    date: date


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: tuple[_Entry, ...]
    own: bool = False


class Purposes(NamedTuple):
    """What one provider's file says. `own`: of its models alone."""

    entries: tuple[Purpose, ...]
    own: bool = False


def purposes() -> dict[str, Purposes]:
    """Those of every provider that has the file, by its name. Raises `ProviderFault`."""
    return {path.parent.name: _read(path) for path in sorted(Path(__file__).parent.glob(f"*/{_FILE}"))}


def purposes_at(provider: str, known: dict[str, Purposes]) -> tuple[Purpose, ...]:
    """What is known at one provider: its own entries, then what others say of models by their names."""
    own = known.get(provider, Purposes(()))
    others = (told.entries for name, told in known.items() if name != provider and not told.own)
    return (*own.entries, *(one for entries in others for one in entries if one[0] != _EVERY))


def _read(path: Path) -> Purposes:
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (ValueError, msgspec.ValidationError) as error:
        raise ProviderFault(f"{path}: {error}") from None
    return Purposes(tuple((entry.models, entry.operations) for entry in found.models), found.own)
