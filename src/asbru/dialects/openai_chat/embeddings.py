"""Embeddings to and from canonical form. Source: https://platform.openai.com/docs/api-reference/embeddings

`input` is a text, a list of texts, a list of token numbers (one input) or a list of such lists. Vectors are lists of
numbers or base64 of 32-bit floats; clients ask for base64 and decode it, so it is written wherever it was asked for.
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.shapes import embedding
from asbru.core.traits import Traits
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import Fields, Kind, open_body, refuse_reply, refuse_request
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import read_usage
from asbru.dialects.receipt import Receipt

_refuse = refuse_reply(NAME)
_INPUT: Final = Kind(
    msgspec.json.Decoder(str | tuple[str | int | tuple[int, ...], ...]).decode,
    "a text, a list of texts, or token numbers",
)
_VECTOR: Final = Kind(msgspec.json.Decoder(tuple[float, ...] | str).decode, "a list of numbers or base64")
_encode = msgspec.json.encode


def read_request(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingRequest:
    """The request; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    model, raw = fields.need_text("model"), fields.raw("input")
    if raw is None:
        raise fields.wrong("input", "expected a text or a list of texts, got nothing")
    encoding = fields.text("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise fields.wrong("encoding_format", f"expected float or base64, got '{encoding[:20]}'")
    return embedding.EmbeddingRequest(
        model=model,
        inputs=_inputs(fields, raw),
        dimensions=fields.integer("dimensions"),
        encoding="base64" if encoding == "base64" else "float",
        dialect=NAME,
        extra=fields.rest_set(),
    )


def write_request(request: embedding.EmbeddingRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`. Vectors are asked for as numbers."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    body: dict[str, object] = {"model": model, "input": request.inputs}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    body |= receipt.riding("", request.extra)
    return WrittenForm(_encode(body), notes=receipt.notes)


def read_reply(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, _refuse)
    vectors: dict[int, tuple[float, ...]] = {}
    for at, item in enumerate(fields.children("data") or ()):
        index, raw = item.integer("index"), item.raw("embedding")
        if raw is None:
            raise item.wrong("embedding", "expected a vector, got nothing")
        vectors[at if index is None else index] = _vector(item, raw)
    if sorted(vectors) != list(range(len(vectors))) or not vectors:
        raise fields.wrong("data", "expected a vector for each input, got others")
    return embedding.EmbeddingReply(
        vectors=tuple(vectors[at] for at in range(len(vectors))),
        model=fields.text("model") or "",
        usage=read_usage(fields.raw("usage")),
    )


def write_reply(reply: embedding.EmbeddingReply, request: embedding.EmbeddingRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    write = _in_base64 if request.encoding == "base64" else list[float]
    body: dict[str, Any] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(reply.vectors)
        ],
        "model": reply.model or request.model,
    }
    if reply.usage is not None:
        body["usage"] = {"prompt_tokens": reply.usage.input_total, "total_tokens": reply.usage.total}
    return WrittenForm(_encode(body))


def _inputs(fields: Fields, raw: Raw) -> tuple[str | tuple[int, ...], ...]:
    """One for each vector."""
    given = fields.read(raw, "input", _INPUT)
    if isinstance(given, str):
        return (given,)
    numbers = tuple(item for item in given if isinstance(item, int))
    if not given or (numbers and len(numbers) < len(given)):
        raise fields.wrong("input", "expected at least one text, or token numbers alone")
    return (numbers,) if numbers else tuple(item for item in given if not isinstance(item, int))


def _vector(item: Fields, raw: Raw) -> tuple[float, ...]:
    given = item.read(raw, "embedding", _VECTOR)
    if not isinstance(given, str):
        return given
    try:
        data = base64.b64decode(given, validate=True)
        found = array("f", data)
    except (binascii.Error, ValueError):
        raise item.wrong("embedding", "expected base64 of 32-bit floats, got something else") from None
    if sys.byteorder == "big":
        found.byteswap()
    return tuple(found)


def _in_base64(vector: tuple[float, ...]) -> str:
    found = array("f", vector)
    if sys.byteorder == "big":
        found.byteswap()
    return base64.b64encode(found.tobytes()).decode()


SHAPE: Final = Shape(
    read_request=read_request, write_request=write_request, read_reply=read_reply, write_reply=write_reply
)
