"""Other SDKs that speak the OpenAI dialect, as their users set them up: Groq's, Mistral's, LangChain, Pydantic AI.

Each asks whole and streamed, and makes a tool call with its result, at a provider of the same dialect and at a foreign
one. Directly at the mock as well, so that a failure that is not ours is seen as such.
"""

from __future__ import annotations

import asyncio
from typing import Any

import groq
import httpx
import openai
import pytest
from clients.conftest import Route
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from mistralai.client import Mistral
from pydantic import SecretStr
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from asbru.providers.mock.script import STORY

# What the SDKs themselves do with others: nothing of it is ours.
pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("default")]

WORDS = "what will the weather be"
PARAMETERS: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "function": {"name": "forecast", "description": "The weather", "parameters": PARAMETERS}}
]


@pytest.mark.parametrize("route", ["oai", "ant"], indirect=True)
def test_groq(route: Route) -> None:
    """Groq's own SDK puts `/openai/v1` behind its base URL, which the mock itself does not have."""
    root = route.openai_url.removesuffix("/openai/v1")
    with groq.Groq(base_url=root, api_key=route.key, max_retries=0) as client:
        ask: Any = [{"role": "user", "content": WORDS}]
        answer = client.chat.completions.create(model=route.model("echo"), messages=ask)
        assert answer.choices[0].message.content == WORDS
        assert answer.usage is not None and answer.usage.total_tokens == 10
        chunks = client.chat.completions.create(model=route.model("story+pause-0"), messages=ask, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == STORY
        called = client.chat.completions.create(model=route.model("tools"), messages=ask, tools=TOOLS)
        (call,) = called.choices[0].message.tool_calls or ()
        assert call.function.name == "forecast"
        result = {"role": "tool", "tool_call_id": call.id, "content": "forecast is 7"}
        messages: Any = [*ask, called.choices[0].message.model_dump(exclude_none=True), result]
        end = client.chat.completions.create(model=route.model("tools"), messages=messages, tools=TOOLS)
        assert (end.choices[0].message.content or "").endswith("forecast is 7")
    with groq.Groq(base_url=root, api_key="wrong", max_retries=0) as client, pytest.raises(groq.AuthenticationError):
        client.chat.completions.create(model="x", messages=ask)


def test_mistral(route: Route) -> None:
    """Mistral's own SDK, which checks answers against its types."""
    root = route.openai_url.removesuffix("/v1")
    with Mistral(api_key=route.key, server_url=root) as client:
        ask: Any = [{"role": "user", "content": WORDS}]
        answer: Any = client.chat.complete(model=route.model("echo"), messages=ask)
        assert answer.choices[0].message.content == WORDS
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (5, 5)
        events: Any = client.chat.stream(model=route.model("story+pause-0"), messages=ask)
        assert "".join(event.data.choices[0].delta.content or "" for event in events if event.data.choices) == STORY
        called: Any = client.chat.complete(model=route.model("tools"), messages=ask, tools=TOOLS)
        (call,) = called.choices[0].message.tool_calls
        assert call.function.name == "forecast"
        result = {"role": "tool", "tool_call_id": call.id, "name": "forecast", "content": "forecast is 7"}
        messages: Any = [*ask, called.choices[0].message, result]
        end: Any = client.chat.complete(model=route.model("tools"), messages=messages, tools=TOOLS)
        assert end.choices[0].message.content.endswith("forecast is 7")


def test_langchain(route: Route) -> None:
    """LangChain: invoke, stream, a bound tool, embeddings."""
    with httpx.Client() as http, httpx.Client() as others:
        made: dict[str, Any] = {"base_url": route.openai_url, "api_key": SecretStr(route.key), "max_retries": 0}
        _use_langchain(route, {**made, "http_client": http}, {**made, "http_client": others})


def _use_langchain(route: Route, made: dict[str, Any], embedding: dict[str, Any]) -> None:
    @tool
    def forecast(city: str) -> str:
        """The weather."""
        return f"{city} is 7"

    chat = ChatOpenAI(model=route.model("echo"), **made)
    answer = chat.invoke(WORDS)
    assert (answer.content, answer.usage_metadata) == (
        WORDS,
        {
            "input_tokens": 5,
            "output_tokens": 5,
            "total_tokens": 10,
            "input_token_details": answer.usage_metadata["input_token_details"] if answer.usage_metadata else None,
            "output_token_details": answer.usage_metadata["output_token_details"] if answer.usage_metadata else None,
        },
    )
    pieces = list(ChatOpenAI(model=route.model("story+pause-0"), **made).stream(WORDS))
    assert "".join(str(piece.content) for piece in pieces) == STORY
    bound = ChatOpenAI(model=route.model("tools"), **made).bind_tools([forecast])
    asked = bound.invoke([HumanMessage(WORDS)])
    assert [call["name"] for call in asked.tool_calls] == ["forecast"]
    result = forecast.invoke(asked.tool_calls[0])
    end = bound.invoke([HumanMessage(WORDS), asked, result])
    assert str(end.content).endswith("is 7")
    if route.name == "oai":
        embeddings = OpenAIEmbeddings(model=route.model("embed"), check_embedding_ctx_length=False, **embedding)
        assert len(embeddings.embed_documents(["one", "two"])) == 2


def test_pydantic_ai(route: Route) -> None:
    """An agent of Pydantic AI runs its tool and ends with what it gave."""

    async def run() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=route.openai_url, api_key=route.key, max_retries=0) as client:
            provider = OpenAIProvider(openai_client=client)
            agent = Agent(OpenAIChatModel(route.model("tools"), provider=provider))

            @agent.tool_plain
            def forecast(city: str) -> str:
                """The weather."""
                return f"{city} is 7"

            whole = await agent.run(WORDS)
            async with agent.run_stream(WORDS) as streamed:
                return whole.output, await streamed.get_output()

    whole, streamed = asyncio.run(run())
    assert whole.endswith("is 7") and streamed.endswith("is 7")
