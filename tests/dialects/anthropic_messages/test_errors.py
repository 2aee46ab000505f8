"""Errors written in the API's words."""

from __future__ import annotations

import json

import pytest

from asbru.core import errors
from asbru.dialects.anthropic_messages import DIALECT

TREE: list[tuple[errors.AsbruError, str]] = [
    (errors.BadRequest("m"), "invalid_request_error"),
    (errors.UnsupportedByProvider("m"), "invalid_request_error"),
    (errors.Unauthenticated("m"), "authentication_error"),
    (errors.Forbidden("m"), "permission_error"),
    (errors.NotFound("m"), "not_found_error"),
    (errors.MethodNotAllowed("m"), "invalid_request_error"),
    (errors.RequestTimeout("m"), "timeout_error"),
    (errors.TooLarge("m"), "request_too_large"),
    (errors.UpgradeRequired("m"), "invalid_request_error"),
    (errors.HeadTooLarge("m"), "invalid_request_error"),
    (errors.Overloaded("m"), "overloaded_error"),
    (errors.GatewayError("m"), "api_error"),
    (errors.UpstreamError("m", kind="network"), "api_error"),
    (errors.UpstreamError("m", kind="deadline", status=504), "timeout_error"),
    (errors.UpstreamError("m", status=402, type="insufficient_quota"), "billing_error"),
    (errors.UpstreamError("m", status=429, type="tokens"), "rate_limit_error"),
    (errors.UpstreamError("m", status=503, type="server_error"), "overloaded_error"),
    (errors.UpstreamError("m", status=529, type="overloaded_error"), "overloaded_error"),
    (errors.UpstreamError("m", status=418, type="teapot"), "invalid_request_error"),
]


@pytest.mark.parametrize(("error", "kind"), TREE, ids=lambda value: str(getattr(value, "status", value)))
def test_our_tree_in_the_words_of_the_api(error: errors.AsbruError, kind: str) -> None:
    """Every error of ours has one of the API's types, the message and the request id, in body and stream alike."""
    body = json.loads(DIALECT.errors.write(error, "req_1"))
    assert body == {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "req_1"}
    name, data = DIALECT.errors.write_stream(error).decode().removesuffix("\n\n").split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: ")) == {"type": "error", "error": {"type": kind, "message": "m"}}


def test_own_provider_answer_is_passed_on_whole() -> None:
    """A caller of this dialect gets the provider's own error body, byte for byte."""
    body = b'{"type":"error", "error":{"type":"new_error","message":"m","details":1},"request_id":"req_up"}'
    assert DIALECT.errors.write(DIALECT.errors.read(400, body), "req_1") == body


@pytest.mark.parametrize("body", [b"<html>", b'{"error":{"message":"x"}}', b""])
def test_other_provider_answers_are_rewritten(body: bytes) -> None:
    """An error answer in another shape is told in the API's shape."""
    written = json.loads(DIALECT.errors.write(DIALECT.errors.read(502, body), "req_1"))
    assert (written["type"], written["error"]["type"], written["request_id"]) == ("error", "api_error", "req_1")


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", b'{"error":5}', b'{"error":{"message":[]}}', b"null"])
def test_any_error_body_is_read(body: bytes) -> None:
    """Garbage never raises: it is an error of that status with a message."""
    error = DIALECT.errors.read(500, body)
    assert (error.status, error.type, error.body) == (500, "api_error", body)
    assert error.message
    assert len(error.message) <= 600


def test_an_error_with_status_200_is_found() -> None:
    """An error object in place of an answer is a fault with the status of its type; an answer is none."""
    body = b'{ "type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'
    error = DIALECT.errors.inside(body)
    assert error is not None
    assert (error.kind, error.status, error.message, error.body) == ("fault", 529, "busy", body)
    unknown = DIALECT.errors.inside(b'{"error":"m"}')
    assert unknown is not None and unknown.status == 502
    for answer in (b'{"content":[],"error":{"message":"m"}}', b'{"error":null}', b'{"error"', b"[]", b"{}"):
        assert DIALECT.errors.inside(answer) is None
