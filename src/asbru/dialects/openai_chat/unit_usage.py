"""Usage that is told otherwise than a chat's: of rerank and OCR, in tokens or by the piece.

    rerank   `usage` (Together, vLLM, Jina: `total_tokens` alone), or Cohere's `meta.billed_units.search_units`
    OCR      Mistral's `usage_info.pages_processed`

Sources: https://docs.together.ai/reference/rerank, https://docs.cohere.com/reference/rerank,
https://docs.mistral.ai/api/endpoint/ocr
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import Unit, Usage
from asbru.dialects.contract import RequestHead
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_chat.usage import usage_of

PAGES_MAX: Final = 1000
"""The most pages that Mistral reads at once (https://docs.mistral.ai/capabilities/document_ai/basic_ocr)."""


class _Billed(msgspec.Struct):
    search_units: float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Total(msgspec.Struct):
    total_tokens: int | None = None


class _Rerank(msgspec.Struct):
    usage: _Total | None = None
    meta: _Meta | None = None


class _Pages(msgspec.Struct):
    pages_processed: int


class _Image(msgspec.Struct):
    image_annotation: Raw = NULL


class _Page(msgspec.Struct):
    images: list[_Image] = []


class _Ocr(msgspec.Struct):
    usage_info: _Pages
    pages: list[_Page] = []
    document_annotation: Raw = NULL


_rerank = msgspec.json.Decoder(_Rerank).decode
_ocr = msgspec.json.Decoder(_Ocr).decode
_asked_pages = msgspec.json.Decoder(list[int]).decode


def rerank_usage(body: bytes) -> Usage | None:
    """Tokens, else searches."""
    usage = usage_of(body)
    if usage is not None:
        return usage
    try:
        told = _rerank(body)
    except DECODE_ERRORS:
        return None
    if told.usage is not None and told.usage.total_tokens is not None:
        return Usage(input=max(told.usage.total_tokens, 0))
    billed = told.meta and told.meta.billed_units
    if billed is None or billed.search_units is None:
        return None
    return Usage(units=(("search", max(math.ceil(billed.search_units), 0)),))


def ocr_usage(body: bytes) -> Usage | None:
    """The pages that were read. Annotated ones have a price of their own: then the cost is unknown."""
    try:
        told = _ocr(body)
    except DECODE_ERRORS:
        return None
    annotated = told.document_annotation != NULL or any(
        image.image_annotation != NULL for page in told.pages for image in page.images
    )
    return Usage(units=(("page", max(told.usage_info.pages_processed, 0)),), standard=not annotated)


def ocr_pages_max(head: RequestHead, body: bytes) -> tuple[tuple[Unit, int], ...]:
    """The pages that are asked for by number, else as many as there can be."""
    del body
    try:
        asked = len(_asked_pages(head.members["pages"])) or PAGES_MAX  # none by number may be all
    except (KeyError, *DECODE_ERRORS):
        asked = PAGES_MAX
    return (("page", min(asked, PAGES_MAX)),)
