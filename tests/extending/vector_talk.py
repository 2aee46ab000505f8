"""A dialect that only providers speak, and without a chat, as a folder's `__init__.py`: vectors, ranks and verdicts.

    POST /vectors    {"texts": [TEXT], "model": MODEL}      {"vectors": [[NUMBER]], "tokens": IN}
    POST /rank       {"query": TEXT, "texts": [TEXT]}       [{"index": PLACE, "score": NUMBER}]
    POST /judge      {"texts": [TEXT]}                      {"bad": [PLACE]}

It is copied into a folder of its own by the test, and must not be imported from here by anything but that folder.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.core.errors import UpstreamError
from asbru.core.notes import Note
from asbru.core.shapes.embedding import EmbeddingReply, EmbeddingRequest
from asbru.core.shapes.moderation import ModerationReply, ModerationRequest, ModerationResult
from asbru.core.shapes.rerank import RankedDocument, RerankReply, RerankRequest
from asbru.core.usage import Usage
from asbru.dialects import Dialect, Operation
from asbru.dialects.contract import Errors, Shape, WrittenForm

NAME = "vector_talk"
_encode = msgspec.json.encode


def _never(*_: Any) -> Any:
    raise AssertionError("no caller speaks it")


def _open(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise UpstreamError(f"expected JSON, got: {error}", kind="protocol") from None


def write_vectors(request: EmbeddingRequest, model: str, _: Any) -> WrittenForm:
    texts = [one for one in request.inputs if isinstance(one, str)]
    left = [Note("dropped", f"input[{at}]") for at, one in enumerate(request.inputs) if not isinstance(one, str)]
    left += [Note("dropped", name) for name in ("dimensions",) if getattr(request, name) is not None]
    return WrittenForm(_encode({"texts": texts, "model": model}), notes=tuple(left))


def read_vectors(body: bytes, _: bytes) -> EmbeddingReply:
    found = _open(body)
    try:
        vectors = tuple(tuple(vector) for vector in found["vectors"])
    except KeyError:
        raise UpstreamError("expected vectors", kind="protocol") from None
    return EmbeddingReply(vectors=vectors, usage=Usage(input=found["tokens"]) if "tokens" in found else None)


def write_rank(request: RerankRequest, *_: Any) -> WrittenForm:
    texts = [one if isinstance(one, str) else bytes(one).decode() for one in request.documents]
    return WrittenForm(_encode({"query": request.query, "texts": texts}))


def read_rank(body: bytes, _: bytes) -> RerankReply:
    return RerankReply(results=tuple(RankedDocument(one["index"], one["score"]) for one in _open(body)))


def write_judge(request: ModerationRequest, *_: Any) -> WrittenForm:
    return WrittenForm(_encode({"texts": [" ".join(one.texts) for one in request.inputs]}))


def read_judge(body: bytes, _: bytes) -> ModerationReply:
    bad = _open(body)["bad"]
    return ModerationReply(results=tuple(ModerationResult(at in bad, {}, {}) for at in range(2)))


OPERATIONS = tuple(
    Operation(
        name=name,
        surface=name,
        path=path,
        read_head=_never,
        speaks=False,
        shape=Shape(read_request=_never, write_request=write, read_reply=read, write_reply=_never),
    )
    for name, path, write, read in (
        ("embeddings", "/vectors", write_vectors, read_vectors),
        ("rerank", "/rank", write_rank, read_rank),
        ("moderations", "/judge", write_judge, read_judge),
    )
)

DIALECT = Dialect(
    name=NAME,
    setting="vectors",
    operations=OPERATIONS,
    errors=Errors(read=lambda status, body: UpstreamError(body.decode(), status=status, body=body, dialect=NAME)),
)
