"""Rerank in canonical form: documents, put in order by a query."""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.usage import Usage


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
