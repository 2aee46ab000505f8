"""Embeddings of Cohere: what is asked for, vectors in both forms, what other providers lack."""

from __future__ import annotations

import base64
import json
from array import array
from typing import Any

import pytest

from asbru.core.errors import BadRequest, UnsupportedByProvider, UpstreamError
from asbru.core.shapes.embedding import EmbeddingReply, EmbeddingRequest
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.cohere.embed import SHAPE

ASKED = {"model": "m", "texts": ["a", "b"], "input_type": "search_query"}


def read(**members: Any) -> EmbeddingRequest:
    """A request of Cohere's SDK, with other members."""
    found: EmbeddingRequest = SHAPE.read_request(json.dumps({**ASKED, **members}).encode(), b"")
    return found


def sent(request: EmbeddingRequest) -> tuple[dict[str, Any], list[str]]:
    """What Cohere is asked, and the fields that notes speak of."""
    written = SHAPE.write_request(request, "embed-v4.0", PLAIN)
    return json.loads(written.body), [note.field for note in written.notes]


def test_a_purpose_is_needed() -> None:
    """One that a caller of another dialect names is taken; without one, texts are documents, and a note says so."""
    plain = EmbeddingRequest(model="m", inputs=("a",), dialect="openai_chat", dimensions=256)
    expected = {"model": "embed-v4.0", "texts": ["a"], "embedding_types": ["float"], "output_dimension": 256}
    assert sent(plain) == ({**expected, "input_type": "search_document"}, ["input_type"])
    told = EmbeddingRequest(model="m", inputs=("a",), dialect="openai_chat", extra=read().extra)
    assert sent(told)[0]["input_type"] == "search_query" and sent(told)[1] == []


@pytest.mark.parametrize(
    "inputs", [[{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], None]
)
def test_texts_are_read_in_either_form(inputs: Any) -> None:
    """`inputs` are made of parts, `texts` are plain."""
    assert read(texts=None, inputs=inputs).inputs == ("a\nb",) if inputs else read().inputs == ("a", "b")


@pytest.mark.parametrize(
    "members",
    [
        {"embedding_types": ["int8"]},
        {"texts": None, "images": ["data:image/png;base64,AA=="]},
        {"texts": None, "inputs": [{"content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    ],
)
def test_what_others_lack_is_refused(members: dict[str, Any]) -> None:
    """Images and other numbers: another target may have them."""
    with pytest.raises(UnsupportedByProvider):
        read(**members)


@pytest.mark.parametrize("members", [{"texts": []}, {"texts": "a"}, {"model": None}, {"texts": None}])
def test_what_is_no_request_is_refused(members: dict[str, Any]) -> None:
    """With the path of what is wrong."""
    with pytest.raises(BadRequest):
        read(**members)


def test_token_numbers_are_refused() -> None:
    """Cohere embeds texts."""
    with pytest.raises(UnsupportedByProvider):
        sent(EmbeddingRequest(model="m", inputs=("a", (1, 2))))


@pytest.mark.parametrize("kinds", [["float"], ["base64"], ["float", "base64"], None])
def test_vectors_go_both_ways(kinds: list[str] | None) -> None:
    """In every form that was asked for, and they are read back, with what is billed."""
    request = read(**({} if kinds is None else {"embedding_types": kinds}))
    reply = EmbeddingReply(vectors=((0.5, -1.0), (0.25, 2.0)), usage=Usage(input=3))
    body = SHAPE.write_reply(reply, request).body
    assert set(json.loads(body)["embeddings"]) == set(kinds or ["float"])
    again = SHAPE.read_reply(body, b"")
    assert again.vectors == reply.vectors and again.usage.input == 3
    if kinds == ["base64"]:
        written = json.loads(body)["embeddings"]["base64"][0]
        assert list(array("f", base64.b64decode(written))) == [0.5, -1.0]


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html>", b'{"embeddings":{}}', b'{"embeddings":[]}', b'{"embeddings":["%"]}', b'{"embeddings":5}'],
)
def test_what_is_no_reply_is_the_providers_fault(body: bytes) -> None:
    """Nothing unforeseen comes of it."""
    with pytest.raises(UpstreamError):
        SHAPE.read_reply(body, b"")


def test_vectors_without_types_are_read() -> None:
    """As older models reply."""
    assert SHAPE.read_reply(b'{"embeddings":[[1,2]]}', b"").vectors == ((1.0, 2.0),)
