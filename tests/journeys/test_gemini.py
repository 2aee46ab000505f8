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

from asbru.app.snapshot import ProviderFacts
from asbru.providers import discover

MODELS = ("gemini-3-flash-preview", "gemini-2.5-flash")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
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


class Talk:
    """A conversation with tools on one surface. `path` and `body` of the next call; `take` what came back."""

    def __init__(self, model: str, *, stream: bool) -> None:
        self.model = f"gemini/{model}"
        self.stream = stream
        self.path = ""
        self.messages: list[Any] = []

    def body(self) -> dict[str, Any]:
        raise NotImplementedError

    def take(self, body: bytes) -> str | None:
        """Keep a reply; its text, or None where it called a tool, which is then answered."""
        raise NotImplementedError

    def _events(self, body: bytes) -> list[Any]:
        return [json.loads(line[5:]) for line in body.split(b"\n") if line.startswith(b"data: {")]


class Chat(Talk):
    """OpenAI's chat; clients send back what they got."""

    def __init__(self, model: str, *, stream: bool) -> None:
        super().__init__(model, stream=stream)
        self.path = "/v1/chat/completions"
        self.messages.append({"role": "user", "content": "The weather?"})

    def body(self) -> dict[str, Any]:
        tool = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
        about = {"model": self.model, "tools": [tool], "reasoning_effort": "low", "stream": self.stream}
        return {**about, "messages": self.messages}

    def take(self, body: bytes) -> str | None:
        message = self._collected(body) if self.stream else json.loads(body)["choices"][0]["message"]
        if not message.get("tool_calls"):
            return message["content"]
        self.messages.append(message)
        self.messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": "sunny"} for call in message["tool_calls"]
        ]
        return None

    def _collected(self, body: bytes) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_details": []}
        for event in self._events(body):
            for choice in event["choices"]:
                delta = choice["delta"]
                message["content"] += delta.get("content") or ""
                message["reasoning_details"] += delta.get("reasoning_details", [])
                for call in delta.get("tool_calls", ()):
                    calls = message.setdefault("tool_calls", [])
                    if call["index"] == len(calls):
                        calls.append({"id": call["id"], "type": "function", "function": dict(call["function"])})
                    else:
                        calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
        return message


class Messages(Talk):
    """Anthropic's messages."""

    def __init__(self, model: str, *, stream: bool) -> None:
        super().__init__(model, stream=stream)
        self.path = "/anthropic/v1/messages"
        self.messages.append({"role": "user", "content": "The weather?"})

    def body(self) -> dict[str, Any]:
        tool = {"name": "get_weather", "input_schema": SCHEMA}
        thinking = {"type": "enabled", "budget_tokens": 2048}
        about = {"model": self.model, "max_tokens": 4096, "tools": [tool], "thinking": thinking}
        return {**about, "stream": self.stream, "messages": self.messages}

    def take(self, body: bytes) -> str | None:
        content = self._collected(body) if self.stream else json.loads(body)["content"]
        calls = [block for block in content if block["type"] == "tool_use"]
        if not calls:
            return next(block["text"] for block in content if block["type"] == "text")
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "sunny"} for call in calls]
        self.messages += [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
        return None

    def _collected(self, body: bytes) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        for event in self._events(body):
            if event["type"] == "content_block_start":
                blocks.append({**event["content_block"], "partial": ""})
            elif event["type"] == "content_block_delta":
                delta, block = event["delta"], blocks[event["index"]]
                if "partial_json" in delta:
                    block["partial"] += delta["partial_json"]
                name = {"thinking_delta": "thinking", "text_delta": "text", "signature_delta": "signature"}.get(
                    delta["type"]
                )
                if name is not None:
                    block[name] = block.get(name, "") + delta[name]
        for block in blocks:
            partial = block.pop("partial")
            if partial:
                block["input"] = json.loads(partial)
        return blocks


class Contents(Talk):
    """Gemini's own."""

    def __init__(self, model: str, *, stream: bool) -> None:
        super().__init__(model, stream=stream)
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        self.path = f"/genai/v1beta/models/{self.model}:{method}"
        self.messages.append({"role": "user", "parts": [{"text": "The weather?"}]})

    def body(self) -> dict[str, Any]:
        tools = [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": SCHEMA}]}]
        config = {"thinkingConfig": {"includeThoughts": True}}
        return {"contents": self.messages, "tools": tools, "generationConfig": config}

    def take(self, body: bytes) -> str | None:
        replies = self._events(body) if self.stream else [json.loads(body)]
        parts = [part for reply in replies for part in reply["candidates"][0]["content"]["parts"]]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if not calls:
            return "".join(part["text"] for part in parts if not part.get("thought"))
        results = [
            {"functionResponse": {**({"id": call["id"]} if "id" in call else {}), "name": call["name"],
                                  "response": {"output": "sunny"}}}
            for call in calls
        ]  # fmt: skip
        self.messages += [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]
        return None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("surface", [Chat, Messages, Contents])
async def test_signatures_return_on_their_part(surface: Callable[..., Talk], model: str, stream: bool) -> None:
    """Whatever the caller's dialect, two calls of a tool and their results are accepted, each call signed as it was."""
    strict = StrictGemini(speak)
    async with FakeUpstream() as upstream, Gateway(facts(upstream.url)) as gateway:
        upstream.otherwise = strict
        talk = surface(model, stream=stream)
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
        talk = Chat(MODELS[0], stream=False)
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
        talk = Contents(MODELS[0], stream=True)
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
        talk = Chat(MODELS[0], stream=False)
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
