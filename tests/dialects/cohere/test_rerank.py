"""Rerank of Cohere: documents as texts, searches as usage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.shapes.rerank import RankedDocument, RerankReply, RerankRequest
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.cohere.rerank import SHAPE


def test_documents_become_texts() -> None:
    """An object's text, else the object; replies do not repeat documents, which a note says."""
    documents = ("a", Raw(b'{"text":"b","n":1}'), Raw(b'{"n":1}'))
    request = RerankRequest(model="m", query="q", documents=documents, top_n=2, with_documents=True)
    written = SHAPE.write_request(request, "rerank-v3.5", PLAIN)
    assert json.loads(written.body) == {
        "model": "rerank-v3.5",
        "query": "q",
        "documents": ["a", "b", '{"n":1}'],
        "top_n": 2,
    }
    assert [note.field for note in written.notes] == ["return_documents"]


def test_a_reply_goes_both_ways() -> None:
    """Places, scores and searches; of a provider that counts tokens, its tokens."""
    request = SHAPE.read_request(b'{"model":"m","query":"q","documents":["a","b"],"top_n":1}', b"")
    reply = RerankReply(results=(RankedDocument(1, 0.5),), id="r", usage=Usage(units=(("search", 2),)))
    body = SHAPE.write_reply(reply, request).body
    assert json.loads(body)["meta"]["billed_units"] == {"search_units": 2}
    assert SHAPE.read_reply(body, b"") == reply
    tokens = RerankReply(results=(), usage=Usage(input=7))
    assert json.loads(SHAPE.write_reply(tokens, request).body)["meta"]["billed_units"] == {"input_tokens": 7}


def test_documents_come_back_where_they_are_known() -> None:
    """To callers who ask for them, from a provider that repeats them."""
    request = SHAPE.read_request(b'{"model":"m","query":"q","documents":["a"],"return_documents":true}', b"")
    reply = RerankReply(results=(RankedDocument(0, 0.5, "a"),))
    assert json.loads(SHAPE.write_reply(reply, request).body)["results"][0]["document"] == {"text": "a"}


@pytest.mark.parametrize("members", [{"documents": []}, {"documents": [5]}, {"documents": None}, {"query": None}])
def test_what_is_no_request_is_refused(members: dict[str, Any]) -> None:
    """With the path of what is wrong."""
    body = {"model": "m", "query": "q", "documents": ["a"], **members}
    with pytest.raises(BadRequest):
        SHAPE.read_request(json.dumps(body).encode(), b"")


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"results":[{}]}', b'{"results":[{"index":"x"}]}'])
def test_what_is_no_reply_is_the_providers_fault(body: bytes) -> None:
    """Nothing unforeseen comes of it."""
    with pytest.raises(UpstreamError):
        SHAPE.read_reply(body, b"")
