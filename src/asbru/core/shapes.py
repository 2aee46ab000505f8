"""Canonical form of calls that are no chats: embeddings, rerank and moderation, as values.

A dialect's `Shape` reads and writes them (decision 0011). `extra` holds members that only the dialect named in
`dialect` knows. Not here: chat (`chat`, `reply`), and how any of it looks on the wire.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from asbru.core.chat import Extra, Raw
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


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Documents to put in order by a query: texts, or objects as they came. `top_n`: how many come back at most;
    `with_documents`: whether their texts do."""

    model: str
    query: str
    documents: tuple[str | Raw, ...]
    top_n: int | None = None
    with_documents: bool = False
    dialect: str = ""
    extra: Extra = {}


class RankedDocument(msgspec.Struct, frozen=True):
    """`index`: the document's place in the request; `text`: where it was asked for."""

    index: int
    score: float
    text: str | None = None


class RerankReply(msgspec.Struct, frozen=True, kw_only=True):
    """The documents in order, the best first."""

    results: tuple[RankedDocument, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None


class ModerationInput(msgspec.Struct, frozen=True):
    """What is judged as one: texts, and addresses of images (`https:` or `data:`)."""

    texts: tuple[str, ...]
    images: tuple[str, ...] = ()


class ModerationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be judged."""

    model: str
    inputs: tuple[ModerationInput, ...]
    dialect: str = ""
    extra: Extra = {}


class ModerationResult(msgspec.Struct, frozen=True):
    """The verdict on one input, by the provider's own categories."""

    flagged: bool
    categories: dict[str, bool]
    scores: dict[str, float]


class ModerationReply(msgspec.Struct, frozen=True, kw_only=True):
    """A result for each input, in their order."""

    results: tuple[ModerationResult, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
