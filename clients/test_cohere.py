"""The official `cohere` package through Asbru: chat, streams, tools, embed, rerank; on Cohere, and on models of others.

And Cohere's models for an application with the OpenAI SDK. That Cohere refuses what the real one is documented to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import openai
import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from cohere.core.api_error import ApiError
from tests.fakes.strict.cohere import StrictCohere
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OWN, FOREIGN = "command-a-03-2025", ["oai/echo", "ant/echo"]


def _speak(asked: dict[str, Any]) -> str | tuple[str, dict[str, Any]]:
    """A call of the first tool, and what it returned."""
    last = asked["messages"][-1]
    if asked.get("tools") and last["role"] == "user":
        return asked["tools"][0]["function"]["name"], {"city": "Paris"}
    content = last["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@pytest.fixture(scope="module")
def strict() -> StrictCohere:
    """Cohere."""
    return StrictCohere(_speak)


@pytest.fixture(scope="module")
def gateway(strict: StrictCohere, mock_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Asbru before it, and before the mock in two other dialects."""
    with FakeUpstream() as upstream:
        upstream.otherwise = strict
        providers = {
            "cohere": loopback(upstream.url),
            "oai": loopback(f"{mock_url}/v1", type="mock", dialect="openai"),
            "ant": loopback(f"{mock_url}/v1", dialect="anthropic"),
        }
        config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
        with Gateway(tmp_path_factory.mktemp("cohere"), config) as found:
            yield found


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[cohere.ClientV2]:
    """The SDK."""
    with httpx.Client(timeout=120) as connections:
        yield cohere.ClientV2(base_url=f"{gateway.url}/cohere", api_key=KEY, httpx_client=connections)


@pytest.fixture(autouse=True)
def _nothing_refused(strict: StrictCohere) -> Iterator[None]:
    """Whatever a test does: Cohere takes what it is sent."""
    before = len(strict.refused)
    yield
    assert strict.refused[before:] == []


@pytest.mark.parametrize("model", [OWN, *FOREIGN])
def test_a_chat(client: cohere.ClientV2, gateway: Gateway, model: str) -> None:
    """A prompt is answered, with the tokens that are billed; so says the record."""
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]
    reply = client.chat(model=model, messages=messages, temperature=0.3, max_tokens=50)
    assert (reply.finish_reason, reply.message.role) == ("COMPLETE", "assistant")
    assert reply.message.content is not None
    assert "".join(part.text for part in reply.message.content if part.type == "text") == "hello there"
    assert reply.usage is not None and reply.usage.billed_units is not None
    assert reply.usage.billed_units.input_tokens
    if model == OWN:
        row = gateway.records(1, provider="cohere", surface="cohere.chat")[-1]
        assert (row["input_tokens"], row["output_tokens"], row["pass_through"]) == (9, 4, 1)


@pytest.mark.parametrize("model", [OWN, *FOREIGN])
def test_a_stream(client: cohere.ClientV2, model: str) -> None:
    """Every event is one that the SDK knows, in Cohere's order, and the last one tells the usage."""
    events = [*client.chat_stream(model=model, messages=[{"role": "user", "content": "hello there"}])]
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message-start", "content-start"] and kinds[-2:] == ["content-end", "message-end"]
    texts = [event.delta.message.content.text for event in events if event.type == "content-delta"]
    assert "".join(texts) == "hello there"
    assert events[-1].delta.finish_reason == "COMPLETE"
    assert events[-1].delta.usage.billed_units.output_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_on_cohere(client: cohere.ClientV2, stream: bool) -> None:
    """A call, its result, and the answer; also where they are streamed."""
    messages: list[Any] = [{"role": "user", "content": "the weather in Paris"}]
    if stream:
        events = [*client.chat_stream(model=OWN, messages=messages, tools=[TOOL])]
        assert [event.type for event in events][1:5] == [
            "tool-plan-delta",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-end",
        ]
        return
    reply = client.chat(model=OWN, messages=messages, tools=[TOOL], tool_choice="REQUIRED")
    assert reply.finish_reason == "TOOL_CALL" and reply.message.tool_plan == "I will look."
    assert reply.message.tool_calls is not None
    (call,) = reply.message.tool_calls
    assert call.function is not None and call.function.arguments == '{"city": "Paris"}'
    messages += [reply.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = client.chat(model=OWN, messages=messages, tools=[TOOL])
    assert answer.message.content is not None and answer.message.content[0].text == "sunny"


@pytest.mark.parametrize("stream", [False, True])
def test_cohere_for_the_openai_sdk(gateway: Gateway, stream: bool) -> None:
    """A tool is called on Cohere by an application of another dialect, whole and streamed, and its result goes back."""
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "the weather in Paris"},
    ]
    about: dict[str, Any] = {"model": "cohere/command-a-03-2025", "tools": [TOOL], "top_p": 1, "presence_penalty": 2}
    with openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY, max_retries=0) as client:
        if stream:
            with client.chat.completions.stream(messages=messages, **about) as found:
                message = found.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(messages=messages, **about).choices[0].message
        assert message.tool_calls and message.content == "I will look."
        (call,) = message.tool_calls
        messages += [
            message.model_dump(exclude_none=True, exclude={"parsed"}),
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        answer = client.chat.completions.create(messages=messages, **about)
        assert answer.choices[0].message.content == "sunny"
        assert answer.usage is not None and (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (9, 4)


def test_embeddings(client: cohere.ClientV2, gateway: Gateway) -> None:
    """As Cohere's SDK asks for them, and as OpenAI's does, which says nothing of a purpose."""
    found = client.embed(model="embed-v4.0", texts=["a", "bb"], input_type="search_query", embedding_types=["float"])
    assert found.embeddings.float_ == [[1.0, 0.5], [2.0, 0.5]]
    with openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY, max_retries=0) as other:
        vectors = other.embeddings.create(model="cohere/embed-v4.0", input=["a", "bb"])
    assert [one.embedding for one in vectors.data] == [[1.0, 0.5], [2.0, 0.5]]
    assert vectors.usage.prompt_tokens == 4


def test_embeddings_of_others(client: cohere.ClientV2) -> None:
    """The SDK of Cohere on a provider of another dialect."""
    found = client.embed(model="oai/embed", texts=["a", "bb"], input_type="search_query", embedding_types=["float"])
    assert found.embeddings.float_ is not None and len(found.embeddings.float_) == 2


@pytest.mark.parametrize("model", ["rerank-v3.5", "oai/rank"])
def test_rerank(client: cohere.ClientV2, model: str) -> None:
    """The best documents, on Cohere and on another provider."""
    found = client.rerank(model=model, query="bridge", documents=["a river", "a very long bridge"], top_n=1)
    assert [one.index for one in found.results] == [1]


def test_models(gateway: Gateway, client: cohere.ClientV2) -> None:
    """The list of what may be used, in Cohere's form."""
    del gateway
    names = [model.name for model in client.models.list().models]
    assert "cohere/command-a-03-2025" in names


def test_refusals_are_the_sdks_own(client: cohere.ClientV2) -> None:
    """An unknown model is the SDK's error, with our words."""
    with pytest.raises(ApiError) as refused:
        client.chat(model="nobody/m", messages=[{"role": "user", "content": "x"}])
    assert refused.value.status_code == 404 and "nobody" in str(refused.value.body)
