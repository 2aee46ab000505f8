"""Calls by the Responses API, door to door: passed to a provider that speaks it, translated for one that does not."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, fallback, openai
from tests.journeys.talk import CHAT_REPLY, CHAT_STREAM, MESSAGES_REPLY

RESPONSES_PATH = "/v1/responses"
OWN: dict[str, Any] = {
    "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-x", "error": None,
    "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
}  # fmt: skip
ASK: dict[str, Any] = {"model": "openai/gpt-x", "input": "hi", "store": False}


async def test_it_passes_to_a_provider_that_speaks_it() -> None:
    """OpenAI is asked at /responses with the caller's body, also where its configuration says nothing of it."""
    async with FakeUpstream() as upstream:
        facts = openai(upstream.url, also={"openai_responses": ("chat", "models")})
        async with Gateway(facts) as gateway:
            upstream.queue(Reply.json(OWN))
            answer = await gateway.call(RESPONSES_PATH, {**ASK, "previous_response_id": "resp_0"})
            assert json.loads(answer.body) == OWN
            seen = upstream.requests[0]
            assert (seen.path, seen.json()) == (
                "/v1/responses",
                {**ASK, "model": "gpt-x", "previous_response_id": "resp_0"},
            )
            row = gateway.row
            assert (row["surface"], row["pass_through"], row["input_tokens"]) == ("openai.responses", True, 5)


async def test_it_is_translated_for_others() -> None:
    """A provider that speaks chat or Messages only answers it too, whole and streamed, with usage in the record."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY), Reply.json(MESSAGES_REPLY), Reply.events(*CHAT_STREAM))
        for model in ("openai/gpt-x", "anthropic/claude-x"):
            answer = json.loads((await gateway.call(RESPONSES_PATH, {**ASK, "model": model})).body)
            assert (answer["object"], answer["status"]) == ("response", "completed")
            assert answer["output"][0]["content"][0]["type"] == "output_text"
        streamed = await gateway.call(RESPONSES_PATH, {**ASK, "stream": True})
        names = [line[7:] for line in streamed.body.decode().split("\n") if line.startswith("event: ")]
        assert (names[0], names[-1]) == ("response.created", "response.completed")
        assert [row["output_tokens"] for row in gateway.rows] == [2, 2, 2]


async def test_a_stored_conversation_goes_nowhere_else() -> None:
    """A call that continues a stored response is refused by a provider that cannot have it; nothing is sent."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        answer = await gateway.call(
            RESPONSES_PATH, {**ASK, "model": "anthropic/claude-x", "previous_response_id": "resp_0"}
        )
        assert (answer.status, json.loads(answer.body)["error"]["param"]) == (400, "previous_response_id")
        assert upstream.requests == []


async def test_codex_is_refused_in_a_stream() -> None:
    """Codex asks again on a 403, and stops on a response that fails: it reads our words in one."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        body = {**ASK, "model": "nobody/gpt-x", "stream": True}
        answer = await gateway.call(RESPONSES_PATH, body, headers=["User-Agent: codex_exec/0.171.0"])
        event = json.loads(answer.body.split(b"data: ", 1)[1])
        assert (answer.status, event["type"]) == (200, "response.failed")
        assert event["response"]["error"]["code"] == "invalid_prompt"
        assert "nobody" in event["response"]["error"]["message"]
        assert gateway.row["status"] == 404


async def test_tools_of_codex_work_with_any_model() -> None:
    """Tools that stand among the items, a custom tool and a namespace reach a model that has only functions; its calls
    come back as calls of the caller's own tools."""
    patch = {"type": "custom", "name": "apply_patch"}
    group = {"type": "namespace", "name": "gw", "description": "", "tools": [{"type": "function", "name": "look"}]}
    body = {
        **ASK,
        "model": "anthropic/claude-x",
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [patch, group]},
            {"type": "message", "role": "user", "content": "hi"},
        ],
    }
    calls = [
        {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {"input": "*** Begin"}},
        {"type": "tool_use", "id": "toolu_2", "name": "gw__look", "input": {"a": 1}},
    ]
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.json({**MESSAGES_REPLY, "content": calls, "stop_reason": "tool_use"}))
        first, second = json.loads((await gateway.call(RESPONSES_PATH, body)).body)["output"]
        assert [tool["name"] for tool in upstream.requests[0].json()["tools"]] == ["apply_patch", "gw__look"]
        assert (first["type"], first["name"], first["input"]) == ("custom_tool_call", "apply_patch", "*** Begin")
        assert (second["type"], second["namespace"], second["name"]) == ("function_call", "gw", "look")


async def test_codex_lists_models_in_its_own_form() -> None:
    """Those that a key may chat with; without its parameter the list is OpenAI's."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.on("/v1/models", Reply.json({"data": [{"id": "gpt-x"}]}))
        told = (await gateway.call("/v1/models?client_version=0.171.0", method="GET")).json()
        assert [one["slug"] for one in told["models"]] == ["openai/gpt-x"]
        plain = (await gateway.call("/v1/models", method="GET")).json()
        assert [one["id"] for one in plain["data"]] == ["openai/gpt-x"]


async def test_a_strict_caller_is_refused_instead_of_losing_something() -> None:
    """What a target cannot take refuses the call, by name, and nothing is sent; a fallback that takes it is used."""
    search = {**ASK, "model": "anthropic/claude-x", "tools": [{"type": "web_search"}]}
    strict = ["x-asbru-strict: true"]
    async with FakeUpstream() as upstream:
        facts = openai(upstream.url, also={"openai_responses": ("chat", "models")})
        async with Gateway(anthropic(upstream.url), facts) as gateway:
            answer = await gateway.call(RESPONSES_PATH, search, headers=strict)
            assert (answer.status, answer.error["code"]) == (400, "strict_refused")
            assert "tools[0]" in answer.error["message"] and upstream.requests == []
            upstream.queue(Reply.json(MESSAGES_REPLY))
            lax = await gateway.call(RESPONSES_PATH, search, headers=["x-asbru-strict: false"])
            assert (lax.status, "tools[0]" in lax.headers["x-asbru-notes"]) == (200, True)
            wrong = await gateway.call(RESPONSES_PATH, search, headers=["x-asbru-strict: maybe"])
            assert (wrong.status, wrong.error["param"]) == (400, "x-asbru-strict")
        fallbacks = fallback("anthropic/claude-x", "openai/gpt-x")
        async with Gateway(anthropic(upstream.url), facts, fallbacks=fallbacks) as gateway:
            upstream.queue(Reply.json(OWN))
            answer = await gateway.call(RESPONSES_PATH, search, headers=strict)
            assert (answer.status, upstream.requests[-1].path) == (200, "/v1/responses")
