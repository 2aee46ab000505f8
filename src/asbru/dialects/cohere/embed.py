"""Embeddings of Cohere (v2) to and from canonical form. Source: https://docs.cohere.com/reference/embed

Models embed for a purpose (`input_type`). Callers of other dialects may say it by a member of that name; without one,
texts are embedded as documents to search in. Images, and numbers other than floats, pass to Cohere only.
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from typing import Any, Final

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.shapes import embedding
from asbru.core.traits import Traits
from asbru.dialects.cohere.types import NAME, REFUSE_REPLY, encode
from asbru.dialects.cohere.usage import read_usage
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import TEXTS, Fields, Kind, open_body, refuse_request
from asbru.dialects.receipt import Receipt

_TYPES: Final = "embedding_types"
_SPOKEN: Final = ("float", "base64")
_ASIDE: Final = ("input_type", "truncate")
"""Members of Cohere's that callers of other dialects may add."""
_PURPOSE: Final = "search_document"
_VECTORS: Final = Kind(
    msgspec.json.Decoder(tuple[tuple[float, ...] | str, ...]).decode, "lists of numbers, or texts in base64"
)


def read_request(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingRequest:
    """The request; `BadRequest` for anything else, `UnsupportedByProvider` for what other providers lack."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    model = fields.need_text("model")
    types = fields.peek(_TYPES)
    kinds = ("float",) if types is None else fields.read(types, _TYPES, TEXTS)
    if unknown := [kind for kind in kinds if kind not in _SPOKEN]:
        raise UnsupportedByProvider(f"{_TYPES}: the provider has no '{unknown[0][:20]}', only float and base64")
    if len(kinds) < 2:
        fields.raw(_TYPES)  # one kind is told by `encoding`
    raw = fields.raw("texts")
    inputs = fields.read(raw, "texts", TEXTS) if raw is not None else _inputs(fields)
    if not inputs:
        raise fields.wrong("texts", "expected at least one text, got none")
    return embedding.EmbeddingRequest(
        model=model,
        inputs=inputs,
        dimensions=fields.integer("output_dimension"),
        encoding="base64" if kinds[:1] == ("base64",) else "float",
        dialect=NAME,
        extra=fields.rest_set(),
    )


def _inputs(fields: Fields) -> tuple[str, ...]:
    """The texts of `inputs`, which may be made of parts."""
    if "images" in fields:
        raise UnsupportedByProvider("images: the provider embeds texts only")
    found: list[str] = []
    for item in fields.children("inputs") or ():
        texts: list[str] = []
        for part in item.children("content") or ():
            if part.text("type") != "text":
                raise UnsupportedByProvider("inputs: the provider embeds texts only")
            texts.append(part.need_text("text"))
        found.append("\n".join(texts))
    return tuple(found)


def write_request(request: embedding.EmbeddingRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`. Vectors are asked for as numbers."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    texts = [text for text in request.inputs if isinstance(text, str)]
    if len(texts) < len(request.inputs):
        raise UnsupportedByProvider("input: the provider takes texts, not token numbers")
    extra = dict(request.extra)
    body: dict[str, Any] = {"model": model, "texts": texts}
    body |= {name: extra.pop(name) for name in _ASIDE if name in extra}
    if "input_type" not in body:
        body["input_type"] = _PURPOSE
        receipt.added("input_type", _PURPOSE)
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    return WrittenForm(encode({**receipt.riding("", extra), **body, _TYPES: ["float"]}), notes=receipt.notes)


def read_reply(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, REFUSE_REPLY)
    raw = fields.peek("embeddings")
    if raw is None:
        raise fields.wrong("embeddings", "expected vectors, got nothing")
    holder, name = fields, "embeddings"
    if bytes(memoryview(raw)[:1]) == b"{":  # by type
        holder = fields.need_child("embeddings")
        name = next((kind for kind in _SPOKEN if kind in holder), "float")
        raw = holder.peek(name)
    if raw is None:
        raise holder.wrong(name, "expected vectors, got nothing")
    vectors = holder.read(raw, name, _VECTORS)
    if not vectors:
        raise holder.wrong(name, "expected a vector for each text, got none")
    return embedding.EmbeddingReply(
        vectors=tuple(_vector(holder, name, vector) for vector in vectors),
        model=fields.text("model") or "",
        usage=read_usage(fields.raw("meta")),
    )


def write_reply(reply: embedding.EmbeddingReply, request: embedding.EmbeddingRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    several = request.extra.get(_TYPES)
    kinds = [request.encoding] if several is None else msgspec.json.decode(several, type=list[str])
    written: dict[str, list[Any]] = {}
    for kind in kinds:
        write = _in_base64 if kind == "base64" else list[float]
        written[kind] = [write(vector) for vector in reply.vectors]
    body: dict[str, Any] = {
        "id": "",
        "embeddings": written,
        "texts": request.inputs,
        "response_type": "embeddings_by_type",
        "meta": _meta(reply),
    }
    return WrittenForm(encode(body))


def _meta(reply: embedding.EmbeddingReply) -> dict[str, Any]:
    meta: dict[str, Any] = {"api_version": {"version": "2"}}
    if reply.usage is not None:
        meta["billed_units"] = {"input_tokens": reply.usage.input_total}
    return meta


def _vector(holder: Fields, name: str, given: tuple[float, ...] | str) -> tuple[float, ...]:
    if not isinstance(given, str):
        return given
    try:
        found = array("f", base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError):
        raise holder.wrong(name, "expected base64 of 32-bit floats, got something else") from None
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
