"""Embeddings in canonical form: texts, or numbers of tokens, and a vector for each."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from asbru.core.chat import Extra
from asbru.core.usage import Usage

Encoding: TypeAlias = Literal["float", "base64"]
"""How vectors are written; base64 holds 32-bit floats, the lowest byte first."""


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to embed, or lists of token numbers. `dimensions`: of each vector, where the caller chose them."""

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding: Encoding = "float"
    dialect: str = ""
    extra: Extra = {}


class EmbeddingReply(msgspec.Struct, frozen=True, kw_only=True):
    """A vector for each input, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    model: str = ""
    usage: Usage | None = None
