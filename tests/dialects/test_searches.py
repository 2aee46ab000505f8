"""The most searches that a rerank may be charged."""

from __future__ import annotations

import json

import pytest

from asbru.dialects.contract import RequestHead
from asbru.dialects.fields import open_body, refuse_request
from asbru.dialects.searches import searches_max


@pytest.mark.parametrize(
    ("documents", "searches"),
    [
        (["a"], 1),
        (["a"] * 100, 1),
        (["a"] * 101, 2),
        (["x" * 400] * 100, 1),
        (["x" * 4000] * 100, 9),
        ([{"text": "x" * 40_000}], 1),
        ([], 1),
        ("none", 1),
        (None, 1),
    ],
)
def test_rerank_reserves_searches(documents: object, searches: int) -> None:
    """One for each hundred documents, of which a long one counts as several."""
    body = json.dumps({"model": "m", "query": "q", "documents": documents}).encode()
    head = RequestHead("m", False, True, None, 1, open_body(body, refuse_request).rest())
    assert searches_max(head, body) == (("search", searches),)
