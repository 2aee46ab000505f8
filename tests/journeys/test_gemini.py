"""Calls of every surface to a Gemini that is as strict as the real one: tools, thoughts and signatures, whole and
streamed; histories of other models; and the surface's own ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.strict.gemini import STAND_IN, StrictGemini, sign
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talks import Chat, Contents, Messages, Talk

from asbru.app.snapshot import ProviderFacts
from asbru.providers import discover

MODELS = ("gemini-3-flash-preview", "gemini-2.5-flash")
ARGUMENTS = {"city": "Basel"}


def speak(tools: list[str], results: list[str]) -> str | tuple[str, dict[str, Any]]:
    """Two calls, one after the other, then a text."""
    return (tools[0], ARGUMENTS) if len(results) < 2 else f"It is {results[-1]}"


def facts(url: str) -> ProviderFacts:
    """The provider as its folder describes it, at `url`."""
    kind = discover()["gemini"]
    return openai(
        url,
        name="gemini",
        kind="gemini",
        dialect="gemini",
        auth="x-goog-api-key",
        base_url=f"{url}/v1beta",
        operations=kind.access[0].operations,
        trait_rules=kind.trait_rules,
    )


@pytest.mark.parametrize("surface", [Chat, Messages])
async def test_streamed_arguments_are_a_call_to_every_caller(surface: Callable[..., Talk]) -> None:
    """A provider that streams the arguments of calls in pieces: the calls come back whole, each with its signature."""
    strict = StrictGemini(speak, in_pieces=True)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = strict
        talk = surface(f"gemini/{MODELS[0]}", stream=True)
        for _ in range(3):
            answer = await gateway.call(talk.path, talk.body())
            assert answer.status == 200, answer.body
            said = talk.take(answer.body)
        assert strict.refused == []
        assert said is not None and "sunny" in said
        calls = [part["functionCall"] for content in strict.asked[-1]["contents"] for part in content["parts"]
                 if "functionCall" in part]  # fmt: skip
        assert [call["args"] for call in calls] == [ARGUMENTS] * 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("surface", [Chat, Messages, Contents])
async def test_signatures_return_on_their_part(surface: Callable[..., Talk], model: str, stream: bool) -> None:
    """Whatever the caller's dialect, two calls of a tool and their results are accepted, each call signed as it was."""
    strict = StrictGemini(speak)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = strict
        talk = surface(f"gemini/{model}", stream=stream)
        said: str | None = None
        for _ in range(3):
            answer = await gateway.call(talk.path, talk.body())
            assert answer.status == 200, answer.body
            said = talk.take(answer.body)
        assert strict.refused == []
        assert said is not None and "sunny" in said
        parts = [part for content in strict.asked[-1]["contents"] for part in content["parts"]]
        signed = [part["thoughtSignature"] for part in parts if "functionCall" in part]
        assert signed == [sign({"name": "get_weather", "args": ARGUMENTS})] * 2
        assert [row["outcome"] for row in gateway.rows] == ["ok"] * 3


async def test_calls_of_another_model_are_accepted() -> None:
    """A conversation that another model began: its calls have no signature of Gemini's, and get the documented one."""
    strict = StrictGemini(speak)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = strict
        talk = Chat(f"gemini/{MODELS[0]}", stream=False)
        for number in range(2):
            call = {"id": f"call_{number}", "type": "function",
                    "function": {"name": "get_weather", "arguments": json.dumps(ARGUMENTS)}}  # fmt: skip
            talk.messages += [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
            ]
        answer = await gateway.call(talk.path, talk.body())
        assert (answer.status, strict.refused) == (200, [])
        parts = [part for content in strict.asked[-1]["contents"] for part in content["parts"]]
        assert [part["thoughtSignature"] for part in parts if "functionCall" in part] == [STAND_IN] * 2


async def test_a_key_in_the_query() -> None:
    """It identifies the caller and goes no further; `alt` is asked once."""
    strict = StrictGemini(speak)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = strict
        talk = Contents(f"gemini/{MODELS[0]}", stream=True)
        answer = await gateway.call(f"{talk.path}&key={KEY}", talk.body(), key=None)
        assert answer.status == 200, answer.body
        assert upstream.requests[0].target == "/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse"
        wrong = await gateway.call(f"{talk.path}&key=sk-asb-wrong", talk.body(), key=None)
        assert (wrong.status, json.loads(wrong.body)["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_how_long_to_wait_is_in_the_body() -> None:
    """Google says it there; callers of every dialect read it in the header."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.2s"}
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = Reply.json({"error": error}, 429)
        talk = Chat(f"gemini/{MODELS[0]}", stream=False)
        answer = await gateway.call(talk.path, talk.body())
        assert (answer.status, answer.headers["retry-after"]) == (429, "34")


async def test_a_count_of_another_dialect_is_made_here() -> None:
    """Anthropic's count for a Gemini model is estimated; Gemini's own is the provider's."""
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = Reply.json({"totalTokens": 77})
        body = {"model": "gemini/gemini-2.5-flash", "messages": [{"role": "user", "content": "hi there"}]}
        counted = json.loads((await gateway.call("/anthropic/v1/messages/count_tokens", body)).body)
        assert 0 < counted["input_tokens"] < 77 and upstream.requests == []
        content = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
        own = await gateway.call("/genai/v1beta/models/gemini/gemini-2.5-flash:countTokens", content)
        assert json.loads(own.body) == {"totalTokens": 77}


HELLO = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
SAYS: tuple[bytes, ...] = (
    b'{"candidates": [{"content": {"role": "model",  "parts": [{"text": "[It }is\\""}]}}]}',
    b'{"candidates":[{"content":{"parts":[{"text":" so"}],"role":"model"},"finishReason":"STOP"}],'
    b'"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":3,"totalTokenCount":10},"modelVersion":"m"}',
)
FAULT = b'{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}'
AS_ARRAY = "/genai/v1beta/models/{}:streamGenerateContent"


async def test_a_stream_without_alt_is_an_array() -> None:
    """Its elements are the provider's, byte for byte; an error inside is the last of them, a refusal the only one."""
    path = AS_ARRAY.format("gemini/gemini-2.5-flash")
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.queue(Reply.events(*(b"data: %b\r\n\r\n" % says for says in SAYS)))
        answer = await gateway.call(path, HELLO)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.body == b"[%b,\r\n%b]" % SAYS
        upstream.queue(Reply.events(b"data: %b\r\n\r\n" % SAYS[0], b"data: %b\r\n\r\n" % FAULT))
        answer = await gateway.call(path, HELLO)
        assert answer.body == b"[%b,\r\n%b]" % (SAYS[0], FAULT)
        assert [row["outcome"] for row in gateway.rows] == ["ok", "error"]
        assert gateway.rows[0]["output_tokens"] == 3
        answer = await gateway.call(AS_ARRAY.format("nobody/m"), HELLO)
        (refused,) = json.loads(answer.body)
        assert (answer.status, refused["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("coding", [None, "gzip"])
async def test_a_provider_may_send_an_array(coding: Any) -> None:
    """Though it is asked for events: callers of every dialect get theirs, with the usage; an error is one."""
    array = Reply.body(b"[%b\n,\r\n%b\n]\n" % SAYS, "application/json; charset=UTF-8")
    broken = Reply.body(b"[%b\n,\r\n%b\n]\n" % (SAYS[0], FAULT))
    refused = Reply.body(b"[%b]" % FAULT)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.queue(array if coding is None else array.coded(coding), array, broken, refused)
        path = AS_ARRAY.format("gemini/gemini-2.5-flash")
        answer = await gateway.call(f"{path}?alt=sse", HELLO)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.body == b"".join(b"data: %b\n\n" % says for says in SAYS)
        talk = Chat("gemini/gemini-2.5-flash", stream=True)
        assert talk.take((await gateway.call(talk.path, talk.body())).body) == '[It }is" so'
        answer = await gateway.call(f"{path}?alt=sse", HELLO)
        assert answer.body == b"data: %b\n\ndata: %b\n\n" % (SAYS[0], FAULT)
        answer = await gateway.call(f"{path}?alt=sse", HELLO)
        assert answer.status == 429
        assert [row["outcome"] for row in gateway.rows] == ["ok", "ok", "error", "error"]
        assert [row["output_tokens"] for row in gateway.rows[:2]] == [3, 3]
