"""Errors inside answers: told in a 200, in a choice or by a broken event, in any form; retried elsewhere, or told."""

from __future__ import annotations

import json

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, fallback, openai, retries
from tests.journeys.talk import (
    CHAT_DONE,
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_START,
    CHAT_STREAM,
    CHAT_WORDS,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_STREAM,
    chat,
    chat_text,
    event,
    events,
    messages,
)
from tests.journeys.test_upstream_faults import CUTS, GARBAGE

BROKEN_OFF = {**CHAT_REPLY, "choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "error"}]}


async def test_a_choice_that_failed() -> None:
    """A choice that the provider broke off is an error: the fallback answers, or the caller is told in its dialect."""
    async with FakeUpstream() as upstream:
        facts = (openai(upstream.url), anthropic(upstream.url))
        async with Gateway(*facts, fallbacks=fallback("openai/first", "anthropic/c")) as gateway:
            upstream.on("/v1/chat/completions", Reply.json(BROKEN_OFF))
            upstream.on("/v1/messages", Reply.json(MESSAGES_REPLY))
            for path, body in ((CHAT_PATH, chat()), (MESSAGES_PATH, messages("openai/gpt-x"))):
                answer = await gateway.call(path, body)
                assert answer.status == 502 and "finish_reason 'error'" in answer.error["message"]
                assert (gateway.rows[-1]["outcome"], gateway.rows[-1]["input_tokens"]) == ("error", 5)
            assert (await gateway.call(CHAT_PATH, chat("openai/first"))).headers["x-asbru-provider"] == "anthropic"


async def test_a_choice_that_failed_in_a_stream() -> None:
    """In a stream too: before content the fallback answers; after it the record says error, and a translated stream
    ends with an error event."""
    broken = event({**json.loads(CHAT_START[6:]), "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]})
    async with FakeUpstream() as upstream:
        facts = (openai(upstream.url), anthropic(upstream.url))
        async with Gateway(*facts, fallbacks=fallback("openai/first", "anthropic/c")) as gateway:
            upstream.on("/v1/messages", Reply.events(*MESSAGES_STREAM))
            upstream.on("/v1/chat/completions", Reply.events(CHAT_START, broken, CHAT_DONE))
            answer = await gateway.call(CHAT_PATH, chat("openai/first", stream=True))
            assert chat_text(answer.body) == "Hi you"
            upstream.on("/v1/chat/completions", Reply.events(CHAT_START, CHAT_WORDS[0], broken, CHAT_DONE))
            answer = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x", stream=True))
            assert events(answer.body)[-1]["type"] == "error"
            await gateway.call(CHAT_PATH, chat(stream=True))
            assert [row["outcome"] for row in gateway.rows] == ["ok", "error", "error"]


@pytest.mark.parametrize("kind", ["invalid_request_error", "invalid_parameter_error"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_callers_mistake_told_inside_a_200(kind: str, stream: bool) -> None:
    """A mistake of the caller's is 400 after one attempt, without a fallback, though it came with status 200."""
    said = {"error": {"message": "bad temperature", "type": kind}}
    facts = {"retries": retries(2)}
    async with FakeUpstream() as upstream:
        providers = (openai(upstream.url, **facts), anthropic(upstream.url, **facts))
        lines = (*fallback("openai/gpt-x", "anthropic/c"), *fallback("anthropic/claude-x", "openai/c"))
        async with Gateway(*providers, fallbacks=lines) as gateway:
            upstream.otherwise = Reply.events(event(said, "error")) if stream else Reply.json(said)
            for path, body in [(path, {**body, "stream": stream}) for path, body, _ in CUTS.values()]:
                answer = await gateway.call(path, body)
                assert (answer.status, answer.error["message"]) == (400, "bad temperature")
                assert (gateway.rows[-1]["status"], gateway.rows[-1]["attempts"]) == (400, 1)


def among(name: str, *, first: bool) -> Reply:
    """A stream with a malformed event before any content, or after the first word."""
    words = CHAT_STREAM[1:] if first else CHAT_STREAM[2:]
    return Reply.events(CHAT_START, *(() if first else CHAT_WORDS[:1]), GARBAGE[name], *words)


@pytest.mark.parametrize("name", ["half JSON", "no JSON", "binary", "a number"])
async def test_a_malformed_event_when_passed_on(name: str) -> None:
    """In a stream that passes, too: the fallback answers while nothing was sent; after that the caller is told with an
    error event in its place, and the record says error."""
    async with FakeUpstream() as upstream:
        facts = (openai(upstream.url), anthropic(upstream.url))
        async with Gateway(*facts, fallbacks=fallback("openai/first", "anthropic/c")) as gateway:
            upstream.on("/v1/messages", Reply.events(*MESSAGES_STREAM))
            upstream.on("/v1/chat/completions", among(name, first=True))
            assert chat_text((await gateway.call(CHAT_PATH, chat("openai/first", stream=True))).body) == "Hi you"
            upstream.on("/v1/chat/completions", among(name, first=False))
            answer = await gateway.call(CHAT_PATH, chat(stream=True))
            if answer.status == 200:
                assert events(answer.body)[-1]["error"]["code"] == "upstream_protocol"
                assert GARBAGE[name] not in answer.body and b"[DONE]" not in answer.body
            assert [row["outcome"] for row in gateway.rows] == ["ok", "error"]
            assert gateway.rows[-1]["error_code"] == "upstream_protocol"


@pytest.mark.parametrize("form", ["whole", "event", "body of a stream"])
async def test_a_list_with_an_error(form: str) -> None:
    """An error in a list, as Google answers it, is an error with its words and status wherever it stands in a 200."""
    said = [{"error": {"code": 400, "message": "bad field", "status": "INVALID_ARGUMENT"}}]
    reply = Reply.events(event(said)) if form == "event" else Reply.json(said)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.otherwise = reply
        for path, body in [(path, {**body, "stream": form != "whole"}) for path, body, _ in CUTS.values()]:
            answer = await gateway.call(path, body)
            assert (answer.status, answer.error["message"]) == (400, "bad field"), answer.body
        assert {row["outcome"] for row in gateway.rows} == {"error"}


FOREIGN_ERRORS = {
    "HTML": Reply.body(b"<html><title>502 Bad Gateway</title></html>", "text/html", status=503),
    "text": Reply.body(b"upstream says no: Bad Gateway", "text/plain", status=503),
    "a bare message": Reply.json({"message": "Bad Gateway"}, 503),
    "a list": Reply.json([{"error": {"code": 503, "message": "Bad Gateway"}}], 503),
    "the other dialect": None,
}


@pytest.mark.parametrize("name", FOREIGN_ERRORS)
async def test_an_error_that_is_not_of_the_dialect(name: str) -> None:
    """An error of a same-dialect provider that is not of the dialect is put into it, with the provider's words and
    status, as JSON."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        given = FOREIGN_ERRORS[name]
        ours, theirs = (
            {"error": {"message": "Bad Gateway", "type": "x", "code": "y"}},
            {
                "type": "error",
                "error": {"type": "overloaded_error", "message": "Bad Gateway"},
            },
        )
        for path, body, other in ((CHAT_PATH, chat(), theirs), (MESSAGES_PATH, messages(), ours)):
            upstream.queue(given or Reply.json(other, 503))
            answer = await gateway.call(path, body)
            assert (answer.status, answer.headers["content-type"]) == (503, "application/json")
            assert "Bad Gateway" in answer.error["message"]
            assert set(answer.json()) == ({"error"} if path == CHAT_PATH else {"type", "error", "request_id"})
            if path == CHAT_PATH:
                assert answer.error.keys() == {"message", "type", "param", "code"}


async def test_an_error_of_the_dialect_stays_byte_for_byte() -> None:
    """A provider's own error keeps its bytes, members that nobody knows included."""
    ours = b'{ "error": {"message": "m", "type": "x", "more": [1] }, "trace": 7 }'
    theirs = b'{ "type":"error", "error": {"type":"x","message":"m"}, "request_id": "req_7", "more": 1 }'
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        for path, body, said in ((CHAT_PATH, chat(), ours), (MESSAGES_PATH, messages(), theirs)):
            upstream.queue(Reply.body(said, "application/json; charset=utf-8", status=422))
            answer = await gateway.call(path, body)
            assert (answer.status, answer.body) == (422, said)
            assert answer.headers["content-type"] == "application/json; charset=utf-8"


LIMITED = {
    "retry_after_ms": "7000",
    "x_should_retry": "false",
    "x_ratelimit_remaining_requests": "0",
    "anthropic_ratelimit_requests_remaining": "0",
    "x_request_id": "req_up",
    "request_id": "req_up",
}


@pytest.mark.parametrize("stream", [False, True])
async def test_the_headers_of_an_error_go_back(stream: bool) -> None:
    """What goes back to callers of a 200 goes back with an error as well, in either dialect, translated or not; a key
    rests for `retry-after-ms`."""
    said = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    async with FakeUpstream() as upstream:
        for path, body in [(path, {**body, "stream": stream}) for path, body, _ in CUTS.values()]:
            async with Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
                upstream.otherwise = Reply.json(said, 429, **LIMITED)
                answer = await gateway.call(path, body)
                assert answer.status == 429
                for name, value in LIMITED.items():
                    assert answer.headers[name.replace("_", "-")] == value
                assert answer.headers["retry-after"] == "7"
                again = await gateway.call(path, body)
                assert 6 <= int(again.headers["retry-after"]) <= 7


async def test_the_headers_of_an_error_inside_a_200_go_back() -> None:
    """So do those of an error inside a 200, whole or before the first content."""
    said = {"error": {"message": "m", "code": 400}}
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for reply in (Reply.json(said, **LIMITED), Reply.events(event(said), **LIMITED)):
            upstream.queue(reply)
            answer = await gateway.call(CHAT_PATH, chat(stream="event" in reply.headers["content-type"]))
            assert (answer.status, answer.headers["x-request-id"]) == (400, "req_up")


async def test_every_response_has_a_request_id() -> None:
    """Where the provider gives none it is the call's id, under the names that the SDKs of its surface read."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.on("/v1/chat/completions", Reply.json(CHAT_REPLY))
        upstream.on("/v1/messages", Reply.json(MESSAGES_REPLY, Request_Id="req_up"))
        answer = await gateway.call(CHAT_PATH, chat())
        assert answer.headers["x-request-id"] == answer.headers["x-asbru-id"]
        assert "request-id" not in answer.headers
        answer = await gateway.call(MESSAGES_PATH, messages())
        assert answer.headers["x-request-id"] == answer.headers["x-asbru-id"]
        assert answer.headers["request-id"] == "req_up"
        for path, body in ((MESSAGES_PATH, messages("nowhere/x")), ("/v1/nothing", {}), (MESSAGES_PATH, b"{")):
            answer = await gateway.call(path, body)
            assert answer.headers["x-request-id"] == answer.headers["x-asbru-id"]
