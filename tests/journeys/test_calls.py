"""Plain calls, door to door: both dialects, whole and streamed, passed through and translated, one record each."""

from __future__ import annotations

import json

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_STREAM,
    CHAT_STREAM_SHOWN,
    COUNT_PATH,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_START,
    MESSAGES_STREAM,
    MESSAGES_WORDS,
    chat,
    chat_text,
    event,
    messages,
    messages_text,
)

from asbru.core.traits import Traits

SILENT = Traits(ask_stream_usage=False)
ASKED = {"include_usage": True}


async def test_a_chat_call_passes_through() -> None:
    """A chat call reaches an OpenAI upstream with its model renamed and its answer comes back byte for byte."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY))
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.body) == (200, upstream_body(CHAT_REPLY))
        seen = upstream.requests[0]
        assert seen.json() == {**chat(), "model": "gpt-x"}
        assert seen.headers["authorization"] == "Bearer sk-o1"
        row = gateway.row
        assert (row["status"], row["outcome"], row["provider"], row["key_name"]) == (200, "ok", "openai", "o1")
        assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (5, 2, "provider")
        assert (row["pass_through"], row["attempts"], row["caller"]) == (True, 1, "tester")


async def test_a_messages_call_passes_through() -> None:
    """A messages call reaches an Anthropic upstream and its answer comes back byte for byte."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json(MESSAGES_REPLY))
        answer = await gateway.call(MESSAGES_PATH, messages())
        assert (answer.status, answer.body) == (200, upstream_body(MESSAGES_REPLY))
        assert upstream.requests[0].headers["x-api-key"] == "sk-a1"
        assert "authorization" not in upstream.requests[0].headers
        assert (gateway.row["surface"], gateway.row["output_tokens"]) == ("anthropic.messages", 2)


async def test_calls_are_translated_both_ways() -> None:
    """A caller of either dialect may ask a provider of the other, and is answered in its own."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json(MESSAGES_REPLY), Reply.json(CHAT_REPLY))
        first = await gateway.call(CHAT_PATH, chat("anthropic/claude-x"))
        assert first.json()["choices"][0]["message"]["content"] == "Hi you"
        second = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x"))
        assert second.json()["content"] == [{"type": "text", "text": "Hi you"}]
        assert [seen.path for seen in upstream.requests] == ["/v1/messages", "/v1/chat/completions"]
        assert [row["pass_through"] for row in gateway.rows] == [False, False]


async def test_a_stream_without_asked_usage_loses_only_that_chunk() -> None:
    """The upstream is asked for usage, the one chunk that holds it is withheld, the rest is byte-exact."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert answer.body == CHAT_STREAM_SHOWN
        assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
        row = gateway.row
        assert (row["stream"], row["outcome"], row["usage_source"]) == (True, "ok", "provider")
        assert (row["input_tokens"], row["output_tokens"]) == (5, 2)
        assert row["first_token_us"] is not None
        assert row["response_bytes"] == len(CHAT_STREAM_SHOWN)
        assert row["request_bytes"] == len(json.dumps(chat(stream=True)).encode())


async def test_a_stream_with_asked_usage_is_byte_exact() -> None:
    """A caller that asked for usage gets every byte, and the request goes out as it came but for the model."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        answer = await gateway.call(CHAT_PATH, chat(stream=True, stream_options=ASKED))
        assert answer.body == b"".join(CHAT_STREAM)
        assert upstream.requests[0].json() == {**chat(stream=True, stream_options=ASKED), "model": "gpt-x"}


async def test_a_provider_that_is_not_asked_for_usage() -> None:
    """Where the provider's facts say so, usage is not asked for, and the record says it is unknown."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, traits=SILENT)) as gateway:
        upstream.queue(Reply.events(*[one for one in CHAT_STREAM if b"prompt_tokens" not in one]))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert answer.body == CHAT_STREAM_SHOWN
        assert "stream_options" not in upstream.requests[0].json()
        assert gateway.row["usage_source"] == "none"


async def test_a_translated_stream_is_not_asked_for_usage_either() -> None:
    """The provider's word on usage holds for a messages caller too, who is told in a note what is missing."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, traits=SILENT)) as gateway:
        upstream.queue(Reply.events(*[one for one in CHAT_STREAM if b"prompt_tokens" not in one]))
        answer = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x", stream=True))
        assert messages_text(answer.body) == "Hi you"
        assert "stream_options" not in upstream.requests[0].json()
        assert "dropped stream_options.include_usage" in answer.headers["x-asbru-notes"]
        assert gateway.row["usage_source"] == "none"


async def test_a_provider_s_own_header_gives_way_to_the_caller_s() -> None:
    """Where the caller says which version it speaks, the provider hears that one, and only that."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(MESSAGES_REPLY)
        await gateway.call(MESSAGES_PATH, messages(), headers=["anthropic-version: 2030-01-01"])
        await gateway.call(MESSAGES_PATH, messages())
        named = [
            [value for name, value in seen.header_list if name.lower() == "anthropic-version"]
            for seen in upstream.requests
        ]
        assert named == [["2030-01-01"], ["2023-06-01"]]


async def test_messages_streams_are_byte_exact_and_translated() -> None:
    """An Anthropic stream passes byte for byte, and reads the same through the other dialect."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.otherwise = Reply.events(*MESSAGES_STREAM)
        answer = await gateway.call(MESSAGES_PATH, messages(stream=True))
        assert answer.body == b"".join(MESSAGES_STREAM)
        other = await gateway.call(CHAT_PATH, chat("anthropic/claude-x", stream=True))
        assert chat_text(other.body) == "Hi you"
        assert other.body.endswith(b"data: [DONE]\n\n")
        assert [(row["input_tokens"], row["output_tokens"]) for row in gateway.rows] == [(5, 2), (5, 2)]


async def test_a_chat_stream_for_a_messages_caller() -> None:
    """A chat stream is written anew for a messages caller, with its usage, which the upstream was asked for."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        answer = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x", stream=True))
        assert messages_text(answer.body) == "Hi you"
        assert b"message_stop" in answer.body
        assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
        assert (gateway.row["input_tokens"], gateway.row["output_tokens"]) == (5, 2)


async def test_a_coded_reply_is_translated_without_its_coding() -> None:
    """The provider compresses; what is written for the caller says nothing of that."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json(MESSAGES_REPLY).coded("gzip"))
        answer = await gateway.call(CHAT_PATH, chat("anthropic/claude-x"), headers=["accept-encoding: gzip"])
        assert "content-encoding" not in answer.headers
        assert answer.json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [True, False])
async def test_what_a_translated_reply_lost_is_noted(stream: bool) -> None:
    """Which stop sequence matched has no place in a chat reply: the record says so, and the header where it is known
    before the first byte."""
    stop = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        ended = event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 2}}, "message_delta")
        upstream.queue(
            Reply.events(MESSAGES_START, *MESSAGES_WORDS, ended, event({"type": "message_stop"}, "message_stop"))
            if stream
            else Reply.json({**MESSAGES_REPLY, **stop})
        )
        answer = await gateway.call(CHAT_PATH, chat("anthropic/claude-x", stream=stream))
        assert answer.status == 200
        assert "dropped" in gateway.row["notes"] and "stop_sequence" in gateway.row["notes"]
        assert stream or "stop_sequence" in answer.headers["x-asbru-notes"]


async def test_count_tokens_is_estimated_where_nobody_counts() -> None:
    """count_tokens for an OpenAI upstream is counted here, marked as an estimate, and asks nobody."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        answer = await gateway.call(COUNT_PATH, {"model": "openai/gpt-x", "messages": messages()["messages"]})
        assert answer.status == 200
        assert 0 < answer.json()["input_tokens"] < 50
        assert "estimated" in answer.headers["x-asbru-notes"]
        assert upstream.requests == []
        row = gateway.row
        assert (row["usage_source"], row["outcome"], row["provider"]) == ("none", "ok", "openai")
        assert "estimated" in row["notes"]


async def test_count_tokens_passes_through_where_the_provider_counts() -> None:
    """count_tokens for an Anthropic upstream is the provider's own answer."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json({"input_tokens": 12}))
        answer = await gateway.call(COUNT_PATH, {"model": "claude-x", "messages": messages()["messages"]})
        assert answer.json() == {"input_tokens": 12}
        assert upstream.requests[0].path == "/v1/messages/count_tokens"


async def test_completions_and_embeddings_pass_through() -> None:
    """The two older operations go to their own paths and come back as they are, with usage in the record."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        said = {"object": "x", "data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
        upstream.otherwise = Reply.json(said)
        for path, body in (("completions", {"prompt": "x"}), ("embeddings", {"input": "x"})):
            answer = await gateway.call(f"/openai/v1/{path}", {"model": "gpt-x", **body})
            assert answer.json() == said
            assert upstream.requests[-1].path == f"/v1/{path}"
            assert upstream.requests[-1].json() == {"model": "gpt-x", **body}
        assert [row["surface"] for row in gateway.rows] == ["openai.completions", "openai.embeddings"]
        assert [row["input_tokens"] for row in gateway.rows] == [3, 3]


async def test_headers_on_the_way() -> None:
    """Hop-by-hop headers, credentials and cookies stay behind both ways; beta and tracing headers are carried."""
    sent = [
        "Cookie: a=b", "Connection: keep-alive, X-Request-Id", "X-Request-Id: hop", "Proxy-Authorization: Basic eA==",
        "TE: trailers", "anthropic-beta: tools-1", "traceparent: 00-1-1-00", "x-api-key: sk-other", "X-Custom: no",
    ]  # fmt: skip
    back = {"set-cookie": "a=b", "keep-alive": "timeout=1", "anthropic-ratelimit-x": "7", "request-id": "r1"}
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json(MESSAGES_REPLY, **back))
        answer = await gateway.call(MESSAGES_PATH + "?beta=true", messages(), headers=sent)
        got = upstream.requests[0].headers
        assert got["anthropic-beta"] == "tools-1"
        assert got["traceparent"] == "00-1-1-00"
        assert got["x-api-key"] == "sk-a1"
        unwanted = {"cookie", "x-request-id", "proxy-authorization", "te", "connection", "authorization", "x-custom"}
        assert unwanted.isdisjoint(got)
        assert (answer.headers["anthropic-ratelimit-x"], answer.headers["request-id"]) == ("7", "r1")
        assert {"set-cookie", "keep-alive"}.isdisjoint(answer.headers)
        assert answer.headers["x-asbru-provider"] == "anthropic"


def upstream_body(value: object) -> bytes:
    """What the fake sends for a JSON reply."""
    return Reply.json(value).steps[0]  # pyright: ignore[reportReturnType] -- bytes
