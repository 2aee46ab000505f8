"""Messages as clients of Vertex AI send them become calls of the Messages API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.errors import BadRequest
from asbru.dialects.anthropic_messages import DIALECT

WAYS = {one.surface: one for one in DIALECT.operations}
BODY: dict[str, Any] = {
    "anthropic_version": "vertex-2023-10-16",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}
PLACE = {"project": "p", "location": "l", "publisher": "anthropic", "model": "claude-x@1"}


def members(head: Any) -> dict[str, Any]:
    """The members that go on."""
    return {name: json.loads(bytes(raw)) for name, raw in head.members.items()}


@pytest.mark.parametrize(("surface", "stream"), [("raw_predict", False), ("stream_raw_predict", True)])
def test_the_path_tells_model_and_stream(surface: str, stream: bool) -> None:
    """Whatever the body says of them; the version of Vertex AI goes no further."""
    body = {**BODY, "model": "another", "stream": not stream}
    head = WAYS[surface].read_head(json.dumps(body).encode(), PLACE, b"")
    assert (head.model, head.stream, head.max_tokens) == ("claude-x@1", stream, 9)
    expected = {**BODY, "model": "claude-x@1", "stream": stream}
    del expected["anthropic_version"]
    assert members(head) == expected


def test_the_canonical_request_leaves_them_to_the_call() -> None:
    """The rest is read as any request of the dialect."""
    read = WAYS["raw_predict"].read_request
    assert read is not None
    request = read(json.dumps(BODY).encode())
    assert (request.model, request.stream, request.max_tokens) == ("", False, 9)


def test_a_count_has_its_model_in_the_body() -> None:
    """`count-tokens` stands in the place of the model."""
    head = WAYS["count_raw_predict"].read_head(json.dumps({**BODY, "model": "claude-x"}).encode(), PLACE, b"")
    assert head.model == "claude-x" and "anthropic_version" not in head.members


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"messages": 1, "max_tokens": "x"}'])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    """In words."""
    with pytest.raises(BadRequest):
        WAYS["raw_predict"].read_head(body, PLACE, b"")
