"""Errors read from any bytes and written as OpenAI writes them, without leaking what is Asbru's own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, Overloaded, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.openai_chat.errors import (
    error_inside,
    read_error,
    write_error,
    write_fault,
    write_stream_error,
)
from asbru.dialects.openai_errors import read_fault

OWN = b'{ "error": {"message": "slow down", "type": "rate_limit", "code": "x", "more": 1} }'


def test_a_read_error_keeps_everything() -> None:
    """Status, words and the provider's own bytes are kept, with the dialect they are in."""
    error = read_error(429, OWN)
    assert (error.status, error.type, error.code, error.message) == (429, "rate_limit", "x", "slow down")
    assert (error.kind, error.body, error.dialect, error.blame) == ("status", OWN, "openai_chat", "upstream")


@given(st.integers(400, 599), st.binary(max_size=60) | st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(("error", "message", "detail", "code", "type", "errors",
     "status")), inner),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_error_answer_makes_the_reader_fail(status: int, body: bytes) -> None:
    """Whatever a provider answers, the error has its status and some words, and can be written."""
    error = read_error(status, body)
    assert error.status == status
    assert error.message
    assert json.loads(write_error(error, "id")).keys() >= {"error"}


def test_an_own_error_goes_on_as_it_came() -> None:
    """A provider's error in this dialect is forwarded byte for byte."""
    assert write_error(read_error(429, OWN), "id") is OWN


@pytest.mark.parametrize("body", [b'{"error":"text"}', b'{"message":"text"}', b'{"detail":"text"}', b"text"])
def test_other_shapes_are_written_as_openai_writes_them(body: bytes) -> None:
    """Callers see one shape, whatever the provider's was."""
    written = json.loads(write_error(read_error(400, body), "id"))["error"]
    assert written.keys() == {"message", "type", "param", "code"}
    assert written["message"].endswith("text")


def test_the_providers_view_of_our_key_stays_here() -> None:
    """A provider's 401 shows parts of the key Asbru holds: the caller reads something else."""
    error = read_error(401, b'{"error":{"message":"Incorrect API key provided: sk-abc***xyz"}}')
    assert "sk-abc" in error.message
    assert b"sk-abc" not in write_error(error, "id") + write_stream_error(error)


def test_our_own_errors() -> None:
    """An error of the gateway has message, type, param and code."""
    error = BadRequest("model: expected a string, got a number", param="model")
    assert json.loads(write_error(error, "id")) == {
        "error": {
            "message": "model: expected a string, got a number",
            "type": "invalid_request_error",
            "param": "model",
            "code": "invalid_request",
        }
    }


def test_errors_in_a_stream_are_one_event_and_no_done() -> None:
    """An error that ends a stream is one data event and nothing else, even with odd characters in it."""
    for data in (
        write_stream_error(Overloaded("busy\nnow \ud800")),
        write_stream_error(UpstreamError("busy", kind="cut")),
        write_fault(StreamFault(message="busy")),
    ):
        assert data.startswith(b'data: {"error":{"message":"busy')
        assert data.endswith(b"}\n\n")
        assert (data.count(b"\n"), data.count(b"[DONE]")) == (2, 0)


def test_a_fault_without_words_gets_some() -> None:
    """An empty error object still gives a fault with a message."""
    assert read_fault(Raw(b'{"error":{}}')).message == "the provider reported an error without a message"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"error":{"message":"busy","code":503}}', 503, "busy"),
        (b' { "error": { "message": "filtered", "code": "content_filter", "status": 400 } } ', 400, "filtered"),
        (b'{"id":"g","user_id":"u","error":{"message":"m"}}', 502, "m"),
        (b'{"error":"m"}', 502, "m"),
        (b' [{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]', 400, "m"),
        (b'{"choices":[],"error":{"message":"m"}}', 502, "m"),
    ],
)
def test_an_error_with_status_200_is_found(body: bytes, status: int, message: str) -> None:
    """An error object in place of an answer is a fault with its own status, and keeps its bytes."""
    error = error_inside(body)
    assert error is not None
    assert (error.kind, error.status, error.message, error.body) == ("fault", status, message, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[],"error":null}',
        b'{"error":null,"choices":[]}',
        b'{"error":{"message":"late"},"choices":[{"message":{}}]}',
        b'{"choices":[{"message":{"content":"the \\"error\\" is"}}]}',
        b'{"choices":[{"error":null,"finish_reason":"stop","message":{"content":"an error"}}]}',
        b'{"choices":[{"error":{},"message":{"content":"error"}}]}',
        b'{"choices":{"error":"x"}}',
        b'{"choices":[],"error":{}}',
        b'{"data":[],"error":{}}',
        b'{"error"',
        b"[]",
    ],
)
def test_an_answer_is_no_error(body: bytes) -> None:
    """An answer that quotes an error, carries an empty one, or one beside its choices is an answer."""
    assert error_inside(body) is None


@pytest.mark.parametrize(
    ("choice", "status", "message"),
    [
        ({"message": {"content": "x" * 2000}, "error": {"code": 502, "message": "gone"}}, 502, "gone"),
        ({"error": {"code": 429, "message": "slow"}, "finish_reason": "stop"}, 429, "slow"),
        ({"error": "gone"}, 502, "gone"),
        ({"finish_reason": "error"}, 502, "'error'"),
        ({"finish_reason": "network_error"}, 502, "'network_error'"),
        ({"finish_reason": "insufficient_system_resource"}, 502, "'insufficient_system_resource'"),
    ],
)
def test_a_choice_that_failed_is_found(choice: dict[str, object], status: int, message: str) -> None:
    """A choice that the provider broke off is a fault; its body is an answer's and is not kept as an error's."""
    error = error_inside(json.dumps({"id": "c", "choices": [{"index": 0}, choice]}).encode())
    assert error is not None
    assert (error.kind, error.status, error.body) == ("fault", status, None)
    assert message in error.message
