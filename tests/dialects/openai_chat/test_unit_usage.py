"""Usage of rerank and OCR, as providers tell it, and the most that a request may be charged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.usage import Usage
from asbru.dialects.openai_chat.head import read_head
from asbru.dialects.openai_chat.unit_usage import PAGES_MAX, ocr_pages_max, ocr_usage, rerank_usage

RESULTS: dict[str, Any] = {"results": [{"index": 0, "relevance_score": 0.5}]}


@pytest.mark.parametrize(
    ("members", "usage"),
    [
        (
            {"usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}},
            Usage(input=7, reasoning_known=False),
        ),
        ({"usage": {"total_tokens": 7}}, Usage(input=7)),
        ({"meta": {"billed_units": {"search_units": 2}}}, Usage(units=(("search", 2),))),
        ({"meta": {"billed_units": {"search_units": 0.4}}}, Usage(units=(("search", 1),))),
        ({"meta": {"billed_units": {"search_units": -2}}}, Usage(units=(("search", 0),))),
        ({"meta": {"billed_units": None}}, None),
        ({"usage": {"total_tokens": "7"}}, None),
        ({}, None),
    ],
)
def test_rerank(members: dict[str, Any], usage: Usage | None) -> None:
    """Tokens with and without their kinds, or searches; what is not told is unknown."""
    assert rerank_usage(json.dumps({**RESULTS, **members}).encode()) == usage


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"usage":'])
def test_what_is_no_reply_has_no_usage(body: bytes) -> None:
    """Broken bodies raise nothing."""
    assert rerank_usage(body) is None
    assert ocr_usage(body) is None


PAGE = {"index": 0, "markdown": "# Hi", "images": [{"id": "i", "image_annotation": None}]}


@pytest.mark.parametrize(
    ("members", "standard"),
    [
        ({}, True),
        ({"document_annotation": None}, True),
        ({"document_annotation": "{}"}, False),
        ({"pages": [{**PAGE, "images": [{"image_annotation": "{}"}]}]}, False),
    ],
)
def test_ocr_counts_pages(members: dict[str, Any], standard: bool) -> None:
    """Pages are what is charged; annotated ones have another price."""
    body = {"pages": [PAGE], "model": "m", "usage_info": {"pages_processed": 3, "doc_size_bytes": 9}, **members}
    assert ocr_usage(json.dumps(body).encode()) == Usage(units=(("page", 3),), standard=standard)


@pytest.mark.parametrize(
    ("members", "pages"),
    [
        ({"pages": [0, 2]}, 2),
        ({}, PAGES_MAX),
        ({"pages": None}, PAGES_MAX),
        ({"pages": []}, PAGES_MAX),
        ({"pages": "0-2"}, PAGES_MAX),
    ],
)
def test_ocr_reserves_the_pages_that_are_asked_for(members: dict[str, Any], pages: int) -> None:
    """Those that are named, else as many as a document may have."""
    body = json.dumps({"model": "m", "document": {}, **members}).encode()
    assert ocr_pages_max(read_head(body), body) == (("page", pages),)
