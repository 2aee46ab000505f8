"""Rerank to and from canonical form, as Jina, Cohere, Together and vLLM have it beside the OpenAI dialect.

Sources: https://docs.together.ai/reference/rerank, https://docs.cohere.com/reference/rerank,
https://docs.vllm.ai/en/stable/serving/openai_compatible_server/
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.shapes import rerank
from asbru.core.traits import Traits
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import NUMBER, Fields, Kind, open_body, refuse_reply, refuse_request
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.unit_usage import rerank_usage
from asbru.dialects.receipt import Receipt

_refuse = refuse_reply(NAME)
_DOCUMENT: Final = Kind(msgspec.json.Decoder(str | dict[str, Raw]).decode, "a text or an object")
_encode = msgspec.json.encode


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


def write_request(request: rerank.RerankRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    body: dict[str, object] = {"model": model, "query": request.query, "documents": request.documents}
    if request.top_n is not None:
        body["top_n"] = request.top_n
    if request.with_documents:
        body["return_documents"] = True
    body |= receipt.riding("", request.extra)
    return WrittenForm(_encode(body), notes=receipt.notes)


def read_reply(body: bytes, content_type: bytes = b"") -> rerank.RerankReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, _refuse)
    results = fields.children("results" if "results" in fields else "data")  # Voyage has `data`
    if results is None:
        raise fields.wrong("results", "expected an array, got nothing")
    return rerank.RerankReply(
        results=tuple(_result(item) for item in results),
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        usage=rerank_usage(body),
    )


def write_reply(reply: rerank.RerankReply, request: rerank.RerankRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    body: dict[str, Any] = {
        "object": "rerank",
        "id": reply.id,
        "model": reply.model or request.model,
        "results": [_written(result, with_document=request.with_documents) for result in reply.results],
    }
    usage = reply.usage
    if usage is not None:
        searches = dict(usage.units).get("search")
        if searches is not None:
            body["meta"] = {"billed_units": {"search_units": searches}}
        if usage.total:
            body["usage"] = {
                "prompt_tokens": usage.input_total,
                "completion_tokens": usage.output_total,
                "total_tokens": usage.total,
            }
    return WrittenForm(_encode(body))


def text_of(document: str | Raw) -> str:
    """What a provider ranks that takes texts alone: an object's `text`, else the object as JSON."""
    if isinstance(document, str):
        return document
    text = Fields(msgspec.json.decode(document, type=dict[str, Raw]), "", refuse_request).peek_text("text")
    return bytes(document).decode("utf-8", "replace") if text is None else text


def _document(fields: Fields, raw: Raw, name: str) -> str | Raw:
    given = fields.read(raw, name, _DOCUMENT)
    return given if isinstance(given, str) else raw


def _result(item: Fields) -> rerank.RankedDocument:
    index, score = item.integer("index"), item.raw("relevance_score")
    if index is None or score is None:
        raise item.wrong("index", "expected the place of a document and its score")
    document = item.raw("document")
    return rerank.RankedDocument(
        index,
        item.read(score, "relevance_score", NUMBER),
        None if document is None else text_of(_document(item, document, "document")),
    )


def _written(result: rerank.RankedDocument, *, with_document: bool) -> dict[str, object]:
    written: dict[str, object] = {"index": result.index, "relevance_score": result.score}
    if with_document and result.text is not None:
        written["document"] = {"text": result.text}
    return written


SHAPE: Final = Shape(
    read_request=read_request, write_request=write_request, read_reply=read_reply, write_reply=write_reply
)
