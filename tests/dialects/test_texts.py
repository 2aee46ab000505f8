"""Texts of bodies that are no chat: found in order, and others put in their places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.errors import BadRequest
from asbru.dialects.texts import NO_TEXTS, texts_in

RERANK = texts_in("query", "documents")
MODERATION = texts_in("input")


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"query": "q", "documents": ["a", "b"]}, ("q", "a", "b")),
        (
            {"documents": [{"title": "t", "text": "x"}, {"text": "y", "type": "z"}], "query": "q"},
            ("q", "t", "x", "y"),
        ),
        ({"query": "q", "documents": [{"deep": {"er": ["a", 1]}}]}, ("q", "a")),
        ({"query": "q"}, ("q",)),
    ],
)
def test_documents_to_rank(body: dict[str, Any], texts: tuple[str, ...]) -> None:
    """The query, then the documents, whatever members they have."""
    sent = json.dumps({"model": "m", **body}).encode()
    assert RERANK.read(sent) == texts
    written = json.loads(RERANK.write(sent, [text.upper() for text in texts]))
    assert RERANK.read(json.dumps(written).encode()) == tuple(text.upper() for text in texts)
    assert written["model"] == "m"


def test_parts_of_a_moderation() -> None:
    """Texts of parts; kinds and addresses of images stay as they are."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    sent = json.dumps({"input": [{"type": "text", "text": "hi"}, image]}).encode()
    assert MODERATION.read(sent) == ("hi",)
    assert json.loads(MODERATION.write(sent, ["ho"]))["input"] == [{"type": "text", "text": "ho"}, image]


def test_a_document_to_read_holds_none() -> None:
    """An OCR body goes on as it came."""
    assert NO_TEXTS.read(b"{}") == ()
    assert NO_TEXTS.write(b"{}", ()) == b"{}"


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"query": "\xff"}', b'{"query":' + b"[" * 50_000 + b"]" * 50_000 + b"}"]
)
def test_bad_bodies_are_the_callers_fault(body: bytes) -> None:
    """What is no JSON object, no text, or nested beyond measure is refused."""
    with pytest.raises(BadRequest):
        RERANK.read(body)
