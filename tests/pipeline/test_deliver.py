"""Errors on their way to the caller: whose words, and which status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.errors import AsbruError, Forbidden, RateLimited, UpstreamError
from asbru.dialects import RequestHead
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.gemini import DIALECT as GEMINI
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.dialects.openai_responses import DIALECT as RESPONSES
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import refuse
from asbru.wire.forwarded import TO_ANY_DIALECT, ForwardedHeaders

FILTERED = b'{ "error": {"message": "filtered", "code": "content_filter", "status": 400} }'


class Heard:
    """The caller's side: keeps what it was told."""

    started = False

    def __init__(self) -> None:
        self.told: tuple[int, bytes, bytes] | None = None

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self.told = (status, lines, body)


def refused(dialect: Any, error: UpstreamError, *, stream: bool) -> tuple[Call, int, bytes]:
    """A call that ended with `error`: the call, and the status and body its caller got."""
    heard: Any = Heard()
    call = Call("openai", dialect.operation("chat"), dialect, b"{}", response=heard)
    call.head = RequestHead(model="m", stream=stream, wants_usage=True, max_tokens=None)
    refuse(call, error)
    return call, heard.told[0], heard.told[2]


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_inside_a_200_goes_as_it_came(stream: bool) -> None:
    """Its caller gets the provider's bytes, and the status that they name, for a 200 would be taken for an answer."""
    error = OPENAI.errors.inside(FILTERED)
    assert error is not None
    call, told, body = refused(OPENAI, error, stream=stream)
    assert (told, body) == (400, FILTERED)
    assert (call.status, call.outcome, call.error) == (400, "error", error)


def test_an_error_inside_a_200_is_translated_with_its_own_status() -> None:
    """A caller of another dialect gets the error in that dialect's form, with the status it names."""
    error = OPENAI.errors.inside(FILTERED)
    assert error is not None
    call, told, body = refused(ANTHROPIC, error, stream=False)
    assert (told, call.status) == (400, 400)
    assert b'"type":"error"' in body and b"filtered" in body


def test_a_client_that_judges_by_words_gets_others() -> None:
    """In the body alone: message, header and what is recorded stay those of the refusal."""
    heard: Any = Heard()
    call = Call("openai", OPENAI.operation("chat"), OPENAI, b"{}", response=heard)
    call.forwarded = ForwardedHeaders([(b"", b"User-Agent", b"opencode/1.18.33 ai-sdk/x")])
    error = RateLimited("60 of 60 requests", retry_after_s=7)
    refuse(call, error)
    told, lines, body = heard.told
    assert (told, call.status, call.error, error.code) == (403, 403, error, "rate_limit_exceeded")
    assert b"retry-after: 7\r\n" in lines and b"60 of 60 requests" in body
    assert b"limit_reached" in body and b"rate_limit" not in body


def test_a_status_in_the_body_is_the_one_that_is_sent() -> None:
    """Gemini CLI reads it there, and would wait for a limit to pass."""
    heard: Any = Heard()
    call = Call("genai", GEMINI.operation("chat"), GEMINI, b"{}", response=heard)
    call.forwarded = ForwardedHeaders([(b"", b"User-Agent", b"GeminiCLI-tui/0.61.0/m (linux)")])
    refuse(call, RateLimited("60 of 60 requests", retry_after_s=7))
    told, _, body = heard.told
    error = json.loads(body)["error"]
    assert (told, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    assert error["message"] == "60 of 60 requests" and "RetryInfo" not in body.decode()


@pytest.mark.parametrize(
    ("error", "status"),
    [(Forbidden("not this one", code="model_not_allowed"), 429), (UpstreamError("theirs", status=403), 403)],
)
def test_a_refusal_of_ours_is_put_as_the_client_needs_it(error: AsbruError, status: int) -> None:
    """The status that is sent is the one that is recorded; what the error is does not change, nor a provider's own."""
    heard: Any = Heard()
    call = Call("anthropic", ANTHROPIC.operation("chat"), ANTHROPIC, b"{}", response=heard)
    call.forwarded = ForwardedHeaders([(b"", b"User-Agent", b"claude-cli/2.1")])
    refuse(call, error)
    told, lines, body = heard.told
    assert (told, call.status) == (status, status) and call.error is error
    assert (b"x-should-retry: false\r\n" in lines) == (status == 429)
    assert error.message.encode() in body


def test_a_refusal_in_a_stream_has_the_headers_of_any_other() -> None:
    """A client that is told by a stream that fails reads its limits where all others do; the record has the status."""

    class Limits:
        def put(self, call: Call, lines: bytes) -> bytes:
            del call
            return lines + b"x-ratelimit-remaining-requests: 0\r\n"

    heard: Any = Heard()
    call = Call("openai", RESPONSES.operation("chat"), RESPONSES, b"{}", response=heard)
    call.forwarded = ForwardedHeaders([(TO_ANY_DIALECT, b"user-agent", b"codex_exec/0.171.0")])
    limits: Any = Limits()
    refuse(call, RateLimited("team 'blue' has made 60 of 60 requests", retry_after_s=2), limits)
    status, lines, body = heard.told
    assert (status, call.status) == (200, 429)
    assert b"x-ratelimit-remaining-requests: 0\r\n" in lines and b"content-type: text/event-stream" in lines
    assert b"response.failed" in body and b"60 of 60" in body
