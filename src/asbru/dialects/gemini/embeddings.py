"""Embeddings to and from canonical form: several contents at once (`batchEmbedContents`), or one (`embedContent`).

A content becomes one text. Source: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from asbru.core.chat import Extra
from asbru.core.errors import BadRequest
from asbru.core.shapes import embedding
from asbru.core.traits import Traits
from asbru.dialects.contract import PathParameters, RequestHead, Shape, Texts, WrittenForm
from asbru.dialects.fields import Fields, Kind, check_utf8, open_body, refuse_request
from asbru.dialects.gemini.head import model_of
from asbru.dialects.gemini.types import NAME, REFUSE_REPLY, WHOLE, child, encode, in_camel, listed
from asbru.dialects.gemini.usage import read_usage
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import mend_surrogates

_SETTINGS: Final = {"outputDimensionality": ("dimensions", WHOLE)}
_VECTOR: Final = Kind(msgspec.json.Decoder(tuple[float, ...]).decode, "a list of numbers")


def read_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of either request."""
    del query
    check_utf8(body, refuse_request)
    members = open_body(mend_surrogates(body), refuse_request).rest()
    return RequestHead(model_of(parameters), False, True, None, 1, members)


def read_many(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingRequest:
    """Several contents, each with its own settings, which must agree; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = in_camel(open_body(body, refuse_request))
    requests = fields.children("requests")
    if not requests:
        raise fields.wrong("requests", "expected at least one request, got none")
    read = [_read_one(in_camel(request)) for request in requests]
    if len({dimensions for _, dimensions, _ in read}) > 1:
        raise fields.wrong("requests", "expected one outputDimensionality for all requests, got several")
    texts = tuple(text for text, _, _ in read)
    return embedding.EmbeddingRequest(model="", inputs=texts, dimensions=read[0][1], dialect=NAME, extra=read[0][2])


def read_one(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingRequest:
    """One content; `BadRequest` for anything else."""
    del content_type
    text, dimensions, extra = _read_one(in_camel(open_body(body, refuse_request)))
    return embedding.EmbeddingRequest(model="", inputs=(text,), dimensions=dimensions, dialect=NAME, extra=extra)


def _read_one(request: Fields) -> tuple[str, int | None, Extra]:
    request.raw("model")
    content = child(request, "content")
    if content is None:
        raise request.wrong("content", "expected an object, got nothing")
    dimensions = request.settings(_SETTINGS).get("dimensions")
    return "\n".join(_texts_of(content)), dimensions, request.rest_set()


def _texts_of(content: Fields) -> list[str]:
    texts: list[str] = []
    for at, raw in enumerate(listed(content, "parts")):
        part = content.as_object(raw, f"parts[{at}]")
        text = part.text("text")
        if text is None:
            raise part.wrong("text", "expected a string: only texts can be embedded by other providers")
        texts.append(text)
    return texts


def write_request(request: embedding.EmbeddingRequest, model: str, traits: Traits) -> WrittenForm:
    """The body of `batchEmbedContents` for `model`."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    extra = receipt.riding("", request.extra)
    if request.dimensions is not None:
        extra = {**extra, "outputDimensionality": msgspec.Raw(encode(request.dimensions))}
    requests = [
        {"model": f"models/{model}", "content": {"parts": [{"text": _text(one, at)}]}, **extra}
        for at, one in enumerate(request.inputs)
    ]
    return WrittenForm(encode({"requests": requests}), notes=receipt.notes)


def _text(given: str | tuple[int, ...], at: int) -> str:
    if isinstance(given, str):
        return given
    raise BadRequest(
        f"input[{at}]: expected a text, got token numbers, which only models of their own kind can read",
        param="input",
    )


def read_reply(body: bytes, content_type: bytes = b"") -> embedding.EmbeddingReply:
    """The reply of either; `UpstreamError` for anything else."""
    del content_type
    fields = in_camel(open_body(body, REFUSE_REPLY))
    one = fields.child("embedding")
    items = [one] if one is not None else fields.children("embeddings") or []
    if not items:
        raise fields.wrong("embeddings", "expected a vector for each input, got none")
    vectors: list[tuple[float, ...]] = []
    for item in items:
        raw = item.raw("values")
        if raw is None:
            raise item.wrong("values", "expected a vector, got nothing")
        vectors.append(item.read(raw, "values", _VECTOR))
    return embedding.EmbeddingReply(vectors=tuple(vectors), usage=read_usage(fields.raw("usageMetadata")))


def write_reply(reply: embedding.EmbeddingReply, request: embedding.EmbeddingRequest, *, many: bool) -> WrittenForm:
    """The body for the caller who sent `request`."""
    del request
    vectors = [{"values": vector} for vector in reply.vectors]
    body: dict[str, Any] = {"embeddings": vectors} if many else {"embedding": vectors[0]}
    if reply.usage is not None:
        body["usageMetadata"] = {"promptTokenCount": reply.usage.input_total}
    return WrittenForm(encode(body))


def read_texts(read: Callable[[bytes], embedding.EmbeddingRequest], body: bytes) -> tuple[str, ...]:
    """The texts of a request, for those who look at content."""
    return tuple(one for one in read(body).inputs if isinstance(one, str))


def write_texts(body: bytes, texts: Sequence[str]) -> bytes:
    """A request with other texts in the place of its own."""
    members = dict(open_body(body, refuse_request).rest())
    if "requests" not in members:
        return encode(members | {"content": _content(texts[0])})
    requests = msgspec.json.decode(members["requests"], type=list[dict[str, msgspec.Raw]])
    changed = [one | {"content": _content(text)} for one, text in zip(requests, texts, strict=True)]
    return encode(members | {"requests": changed})


def _content(text: str) -> Any:
    return {"parts": [{"text": text}]}


MANY: Final = Shape(
    read_request=read_many,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=partial(write_reply, many=True),
)
ONE: Final = Shape(
    read_request=read_one,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=partial(write_reply, many=False),
)
MANY_TEXTS: Final = Texts(read=partial(read_texts, read_many), write=write_texts)
ONE_TEXTS: Final = Texts(read=partial(read_texts, read_one), write=write_texts)
