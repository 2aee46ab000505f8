"""Rerank of Cohere (v2) to and from canonical form. Source: https://docs.cohere.com/reference/rerank

Documents are texts; an object of a caller goes as its `text`, else as JSON. Replies do not repeat them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.shapes import rerank
from asbru.core.traits import Traits
from asbru.dialects.cohere.types import NAME, REFUSE_REPLY, encode
from asbru.dialects.cohere.usage import usage_of
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import NUMBER, Fields, Kind, open_body, open_object, refuse_request
from asbru.dialects.receipt import Receipt

_DOCUMENT: Final = Kind(msgspec.json.Decoder(str | dict[str, Raw]).decode, "a text or an object")


def read_request(body: bytes, content_type: bytes = b"") -> rerank.RerankRequest:
    """The request; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    model, query = fields.need_text("model"), fields.need_text("query")
    documents = [_document(fields, raw, f"documents[{at}]") for at, raw in enumerate(fields.need_items("documents"))]
    if not documents:
        raise fields.wrong("documents", "expected at least one document, got none")
    return rerank.RerankRequest(
        model=model,
        query=query,
        documents=tuple(documents),
        top_n=fields.integer("top_n"),
        with_documents=fields.boolean("return_documents") or False,
        dialect=NAME,
        extra=fields.rest_set(),
    )


def _document(fields: Fields, raw: Raw, name: str) -> str | Raw:
    given = fields.read(raw, name, _DOCUMENT)
    return given if isinstance(given, str) else raw


def write_request(request: rerank.RerankRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    documents = [_text_of(document) for document in request.documents]
    body: dict[str, Any] = {"model": model, "query": request.query, "documents": documents}
    if request.top_n is not None:
        body["top_n"] = request.top_n
    if request.with_documents:
        receipt.dropped("return_documents", "replies do not repeat documents")
    return WrittenForm(encode({**receipt.riding("", request.extra), **body}), notes=receipt.notes)


def _text_of(document: str | Raw) -> str:
    if isinstance(document, str):
        return document
    text = open_object(document, "", refuse_request).peek_text("text")
    return bytes(document).decode("utf-8", "replace") if text is None else text


def read_reply(body: bytes, content_type: bytes = b"") -> rerank.RerankReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, REFUSE_REPLY)
    results = fields.children("results")
    if results is None:
        raise fields.wrong("results", "expected an array, got nothing")
    return rerank.RerankReply(
        results=tuple(_result(item) for item in results), id=fields.text("id") or "", usage=usage_of(body)
    )


def _result(item: Fields) -> rerank.RankedDocument:
    index, score = item.integer("index"), item.raw("relevance_score")
    if index is None or score is None:
        raise item.wrong("index", "expected the place of a document and its score")
    return rerank.RankedDocument(index, item.read(score, "relevance_score", NUMBER))


def write_reply(reply: rerank.RerankReply, request: rerank.RerankRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    meta: dict[str, Any] = {"api_version": {"version": "2"}}
    usage = reply.usage
    if usage is not None:
        searches = dict(usage.units).get("search")
        billed = {"search_units": searches} if searches is not None else {"input_tokens": usage.input_total}
        meta["billed_units"] = billed
    results = [_written(result, with_document=request.with_documents) for result in reply.results]
    return WrittenForm(encode({"id": reply.id, "results": results, "meta": meta}))


def _written(result: rerank.RankedDocument, *, with_document: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"index": result.index, "relevance_score": result.score}
    if with_document and result.text is not None:
        written["document"] = {"text": result.text}
    return written


SHAPE: Final = Shape(
    read_request=read_request, write_request=write_request, read_reply=read_reply, write_reply=write_reply
)
