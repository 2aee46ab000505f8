"""Embeddings in canonical form: what callers send and providers answer, and what is written of it."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.shapes.embedding import EmbeddingReply, EmbeddingRequest
from asbru.core.traits import PLAIN
from asbru.core.usage import Usage
from asbru.dialects.openai_chat.embeddings import read_reply, read_request, write_reply, write_request

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VECTORS = st.lists(st.lists(FLOATS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4).map(tuple)


def asked(**members: Any) -> bytes:
    """A request."""
    return json.dumps({"model": "m", **members}).encode()


@pytest.mark.parametrize(
    ("given_input", "inputs"),
    [("a", ("a",)), (["a", "b"], ("a", "b")), ([1, 2], ((1, 2),)), ([[1], [2, 3]], ((1,), (2, 3)))],
)
def test_inputs(given_input: Any, inputs: tuple[Any, ...]) -> None:
    """A text, texts, token numbers and lists of them: one for each vector."""
    request = read_request(asked(input=given_input, dimensions=3, user="u", nothing=None))
    assert (request.inputs, request.dimensions, request.encoding) == (inputs, 3, "float")
    written = write_request(request, "served", PLAIN)
    assert read_request(written.body).inputs == inputs
    assert json.loads(written.body).items() >= {"model": "served", "dimensions": 3, "user": "u"}.items()
    assert written.notes == ()


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [{"text": "a"}]}, "input"),
        ({"input": "a", "dimensions": "3"}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "model": 1}, "model"),
    ],
)
def test_bad_requests_name_the_member(members: dict[str, Any], param: str) -> None:
    """What cannot be read is the caller's fault."""
    with pytest.raises(BadRequest) as raised:
        read_request(asked(**members))
    assert raised.value.param == param


def test_members_of_another_dialect_are_noted() -> None:
    """What only the source's dialect knows is left out, by name."""
    request = EmbeddingRequest(
        model="m", inputs=("a",), dialect="other", extra=read_request(asked(input="a", x=1)).extra
    )
    written = write_request(request, "m", PLAIN)
    assert json.loads(written.body) == {"model": "m", "input": ["a"]}
    assert written.notes == (Note("dropped", "x", "known to other only"),)


@given(VECTORS, st.sampled_from(["float", "base64"]))
def test_vectors_survive(vectors: tuple[tuple[float, ...], ...], encoding: Any) -> None:
    """Whatever is written reads back, in either form, with its usage."""
    reply = EmbeddingReply(vectors=vectors, model="up", usage=Usage(input=7, reasoning_known=False))
    written = write_reply(reply, EmbeddingRequest(model="m", inputs=("a",), encoding=encoding))
    assert read_reply(written.body) == reply


def test_vectors_are_put_in_order() -> None:
    """By their index, where the provider tells it."""
    data = [
        {"index": 1, "embedding": [2]},
        {"index": 0, "embedding": base64.b64encode(struct.pack("<f", 1)).decode()},
    ]
    reply = read_reply(json.dumps({"data": data}).encode())
    assert (reply.vectors, reply.usage) == (((1.0,), (2.0,)), None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": [{"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0}]},
        {"data": [{"embedding": "%%%"}]},
        {"data": [{"embedding": "YQ=="}]},
        {"data": [{"embedding": ["a"]}]},
    ],
)
def test_what_is_no_reply_is_the_providers_fault(body: dict[str, Any]) -> None:
    """Missing, doubled and broken vectors are an error, not a wrong answer."""
    with pytest.raises(UpstreamError):
        read_reply(json.dumps(body).encode())
