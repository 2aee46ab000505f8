"""Rerank in canonical form: what callers send and providers answer, and what is written of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.shapes.rerank import RankedDocument, RerankReply, RerankRequest
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.openai_chat.rerank import read_reply, read_request, text_of, write_reply, write_request

ASKED = {"model": "m", "query": "q", "documents": ["a", {"title": "t"}], "top_n": 1, "return_documents": True}


def test_a_request_survives() -> None:
    """Documents of both kinds, and what only this dialect knows."""
    request = read_request(json.dumps({**ASKED, "rank_fields": ["title"]}).encode())
    assert (request.query, request.top_n, request.with_documents) == ("q", 1, True)
    assert [text_of(one) for one in request.documents] == ["a", '{"title": "t"}']
    written = write_request(request, "served", PLAIN)
    assert json.loads(written.body) == {**ASKED, "model": "served", "rank_fields": ["title"]}


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"query": None}, "query"),
        ({"query": ["q"]}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": None}, "documents"),
        ({"documents": ["a", 1]}, "documents[1]"),
        ({"top_n": "1"}, "top_n"),
    ],
)
def test_bad_requests_name_the_member(changed: dict[str, Any], param: str) -> None:
    """What cannot be read is the caller's fault."""
    with pytest.raises(BadRequest) as raised:
        read_request(json.dumps({**ASKED, **changed}).encode())
    assert raised.value.param == param


@pytest.mark.parametrize(
    "usage", [None, Usage(input=5, reasoning_known=False), Usage(units=(("search", 1),))], ids=str
)
def test_a_reply_survives(usage: Usage | None) -> None:
    """Order, scores, texts and what is charged."""
    results = (RankedDocument(1, 0.9, "b"), RankedDocument(0, 0.1, "a"))
    reply = RerankReply(results=results, id="r", model="up", usage=usage)
    request = RerankRequest(model="m", query="q", documents=("a", "b"), with_documents=True)
    assert read_reply(write_reply(reply, request).body) == reply


def test_documents_come_back_only_where_asked_for() -> None:
    """A provider may send them unasked."""
    reply = RerankReply(results=(RankedDocument(0, 1.0, "a"),))
    written = write_reply(reply, RerankRequest(model="m", query="q", documents=("a",)))
    assert json.loads(written.body)["results"] == [{"index": 0, "relevance_score": 1.0}]


def test_documents_of_both_kinds_are_read() -> None:
    """Cohere and Together send objects, Jina may send texts."""
    results = [
        {"index": 0, "relevance_score": 1, "document": {"text": "a"}},
        {"index": 1, "relevance_score": 0, "document": "b"},
    ]
    for member in ("results", "data"):
        reply = read_reply(json.dumps({member: results}).encode())
        assert [one.text for one in reply.results] == ["a", "b"]
    assert text_of(Raw(b'{"text": 5}')) == '{"text": 5}'


@pytest.mark.parametrize(
    "results", [None, {}, [{}], [{"index": 0}], [{"index": 0, "relevance_score": "1"}], ["a"]], ids=str
)
def test_what_is_no_reply_is_the_providers_fault(results: Any) -> None:
    """A result without a place or a score is an error."""
    with pytest.raises(UpstreamError):
        read_reply(json.dumps({"results": results}).encode())
