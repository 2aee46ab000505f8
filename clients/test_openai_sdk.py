"""The official `openai` package as applications use it: sync, async, streaming, tools, errors, embeddings, models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from clients.conftest import Route
from clients.gateway import Gateway

from asbru.providers.mock.openai_wire import vector_of
from asbru.providers.mock.script import STORY, THOUGHT

pytestmark = pytest.mark.clients

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
    "required": ["city", "days"],
}
TOOLS: Any = [
    {"type": "function", "function": {"name": "forecast", "description": "The weather", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]
ASK: Any = [{"role": "user", "content": "what will the weather be"}]


@pytest.fixture
def client(route: Route) -> Iterator[openai.OpenAI]:
    """The SDK, without retries of its own."""
    with openai.OpenAI(base_url=route.openai_url, api_key=route.key, max_retries=0, timeout=120) as made:
        yield made


def _assemble(chunks: list[Any]) -> tuple[str, list[list[str]], str | None]:
    """Text, tool calls as [id, name, arguments], and the finish reason of a stream."""
    text, calls, finish = "", list[list[str]](), None
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or ():
                if call.index == len(calls):
                    calls.append([call.id, call.function.name, ""])
                calls[call.index][2] += call.function.arguments or ""
    return text, calls, finish


def test_a_prompt(client: openai.OpenAI, route: Route) -> None:
    """A prompt is answered, with the model's usage."""
    answer = client.chat.completions.create(
        model=route.model("echo"), messages=[{"role": "system", "content": "be brief"}, *ASK]
    )
    assert answer.choices[0].message.content == "what will the weather be"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 5, 12)


def test_a_prompt_asynchronously(route: Route) -> None:
    """The async client gets the same, several at a time."""

    async def ask(count: int) -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=route.openai_url, api_key=route.key, max_retries=0) as client:
            calls = [
                client.chat.completions.create(
                    model=route.model("echo"), messages=[{"role": "user", "content": f"number {number}"}]
                )
                for number in range(count)
            ]
            return [answer.choices[0].message.content for answer in await asyncio.gather(*calls)]

    assert asyncio.run(ask(8)) == [f"number {number}" for number in range(8)]


def test_a_stream_is_the_whole_answer(client: openai.OpenAI, route: Route) -> None:
    """What is streamed adds up to what comes whole, with the same usage."""
    model = route.model("story+pause-0")
    whole = client.chat.completions.create(model=model, messages=ASK)
    chunks = list(
        client.chat.completions.create(model=model, messages=ASK, stream=True, stream_options={"include_usage": True})
    )
    assert whole.choices[0].message.content == STORY
    assert _assemble(chunks) == (STORY, [], "stop")
    assert len(chunks) > 300
    streamed = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert len(streamed) == 1 and whole.usage is not None
    assert (streamed[0].prompt_tokens, streamed[0].completion_tokens) == (
        whole.usage.prompt_tokens,
        whole.usage.completion_tokens,
    )


def test_usage_nobody_asked_for_stays_away(client: openai.OpenAI, route: Route, gateway: Gateway) -> None:
    """A caller that did not ask for usage gets none in the stream; the record has it all the same."""
    raw = client.chat.completions.with_raw_response.create(model=route.model("echo"), messages=ASK, stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in raw.parse())
    if not route.is_direct:
        (row,) = gateway.records(1, id=raw.headers["x-asbru-id"])
        assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (5, 5, "provider")


def test_an_asynchronous_stream(route: Route) -> None:
    """The async client streams the same text."""

    async def read() -> str:
        async with openai.AsyncOpenAI(base_url=route.openai_url, api_key=route.key, max_retries=0) as client:
            stream = await client.chat.completions.create(
                model=route.model("story+pause-0"), messages=ASK, stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    assert asyncio.run(read()) == STORY


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["tools", "parallel"])
def test_a_tool_round_trip(client: openai.OpenAI, route: Route, model: str, *, streamed: bool) -> None:
    """The model asks for tools, the application answers, the model concludes."""
    asked: Any = {"model": route.model(model), "messages": ASK, "tools": TOOLS}
    whole = client.chat.completions.create(**asked)
    message = whole.choices[0].message
    calls = [[call.id, call.function.name, call.function.arguments] for call in message.tool_calls or ()]
    if streamed:
        text, calls_streamed, finish = _assemble(list(client.chat.completions.create(**asked, stream=True)))
        assert (text, finish) == ("", "tool_calls")
        assert [(c[1], json.loads(c[2])) for c in calls_streamed] == [(c[1], json.loads(c[2])) for c in calls]
        calls = calls_streamed
    assert whole.choices[0].finish_reason == "tool_calls"
    assert [call[1] for call in calls] == ["forecast", "clock"][: 2 if model == "parallel" else 1]
    assert json.loads(calls[0][2]) == {"city": "city", "days": 2}
    results = [{"role": "tool", "tool_call_id": call[0], "content": f"{call[1]} is 7"} for call in calls]
    messages: Any = [*ASK, message.model_dump(exclude_none=True), *results]
    if streamed:
        messages[1]["tool_calls"] = [
            {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": call[2]}} for call in calls
        ]
    end = client.chat.completions.create(model=route.model(model), messages=messages, tools=TOOLS)
    assert (end.choices[0].message.content or "").endswith("; ".join(f"{call[1]} is 7" for call in calls))
    assert end.choices[0].finish_reason == "stop"


def test_a_forced_tool_and_none(client: openai.OpenAI, route: Route) -> None:
    """`tool_choice` reaches the model: a named tool is called, `none` calls nothing."""
    choice: Any = {"type": "function", "function": {"name": "clock"}}
    model = route.model("tools")
    answer = client.chat.completions.create(model=model, messages=ASK, tools=TOOLS, tool_choice=choice)
    assert [call.function.name for call in answer.choices[0].message.tool_calls or ()] == ["clock"]
    answer = client.chat.completions.create(model=model, messages=ASK, tools=TOOLS, tool_choice="none")
    assert not answer.choices[0].message.tool_calls


def test_structured_output(client: openai.OpenAI, route: Route) -> None:
    """A reply bound to a JSON schema fits it, but for bounds of numbers, which Anthropic's schemas do not have."""
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "forecast", "strict": True, "schema": PARAMETERS}}
    answer = client.chat.completions.create(model=route.model("json"), messages=ASK, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == {
        "city": "city",
        "days": 1 if route.name == "ant" else 2,
    }


def test_reasoning_is_shown(client: openai.OpenAI, route: Route) -> None:
    """Reasoning arrives beside the text, whole and streamed."""
    model = route.model("thinking")
    whole: Any = client.chat.completions.create(model=model, messages=ASK).choices[0].message
    assert (whole.reasoning_content, whole.content) == (THOUGHT, "what will the weather be")
    deltas: list[Any] = [
        chunk.choices[0].delta
        for chunk in client.chat.completions.create(model=model, messages=ASK, stream=True)
        if chunk.choices
    ]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == THOUGHT


def test_an_image(client: openai.OpenAI, route: Route) -> None:
    """An image in the prompt arrives."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "what is this"}, image]}]
    answer = client.chat.completions.create(model=route.model("vision"), messages=messages)
    assert answer.choices[0].message.content == "I see 1 image: image/png."


def test_limits(client: openai.OpenAI, route: Route) -> None:
    """Token limits and stop sequences reach the model, and the finish reason comes back."""
    model = route.model("echo")
    answer = client.chat.completions.create(model=model, messages=ASK, max_completion_tokens=2)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("what will", "length")
    answer = client.chat.completions.create(model=model, messages=ASK, stop=["the weather"])
    assert (answer.choices[0].message.content or "").rstrip() == "what will"
    assert answer.choices[0].finish_reason == "stop"


def test_errors_are_the_sdks_own(client: openai.OpenAI, route: Route) -> None:
    """Refusals and failures arrive as the SDK's typed exceptions, with a message."""
    create = client.chat.completions.create
    for model, kind in (
        (route.model("no-such-model"), openai.NotFoundError),
        (route.model("error-400"), openai.BadRequestError),
        (route.limited_model("error-429"), openai.RateLimitError),
        (route.model("error-500"), openai.InternalServerError),
        (route.model("error-529"), openai.InternalServerError),
    ):
        with pytest.raises(kind) as caught:
            create(model=model, messages=ASK)
        assert caught.value.message
    with pytest.raises(openai.BadRequestError):
        create(model=route.model("echo"), messages=[])


def test_a_wrong_key(route: Route) -> None:
    """An unknown key is an AuthenticationError."""
    if route.is_direct:
        return  # the mock asks for none
    with (
        openai.OpenAI(base_url=route.openai_url, api_key="sk-asb-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model=route.model("echo"), messages=ASK)


@pytest.mark.parametrize("fault", ["error-mid-stream", "story+cut-40"])
def test_a_broken_stream_raises(client: openai.OpenAI, route: Route, fault: str) -> None:
    """A stream that fails or is cut raises in the application: it never looks like a short answer."""
    stream = client.chat.completions.create(model=route.model(fault), messages=ASK, stream=True)
    with pytest.raises((openai.APIError, openai.APIConnectionError, *_transport_errors())):
        list(stream)


def _transport_errors() -> tuple[type[Exception], ...]:
    """What the SDK lets through of its HTTP library when a connection breaks (straight at the mock only)."""
    import importlib

    for name in ("httpx2", "httpx"):
        try:
            return (importlib.import_module(name).RemoteProtocolError,)
        except ImportError:
            continue
    return ()


def test_embeddings(client: openai.OpenAI, route: Route) -> None:
    """Embeddings come as they are; a provider without them is a BadRequestError that says so."""
    if route.name == "ant":
        with pytest.raises(openai.BadRequestError, match="embeddings"):
            client.embeddings.create(model=route.model("embed"), input="a")
        return
    answer = client.embeddings.create(model=route.model("embed"), input=["a", "b"])
    assert answer.data[1].embedding == pytest.approx(vector_of("b", 16), abs=1e-6)
    assert answer.usage.total_tokens == 2


def test_embeddings_for_many_inputs(client: openai.OpenAI, route: Route) -> None:
    """Vectors come as numbers and as the SDK's own base64, in the order of the inputs, of the size asked for."""
    if route.name == "ant":
        return
    texts = [f"text {number}" for number in range(96)]
    for form in ("float", "base64"):
        answer = client.embeddings.create(model=route.model("embed"), input=texts, dimensions=8, encoding_format=form)
        assert [item.index for item in answer.data] == list(range(96))
    plain = client.embeddings.create(model=route.model("embed"), input=texts, dimensions=8)
    assert plain.data[95].embedding == pytest.approx(vector_of("text 95", 8), abs=1e-6)


def test_moderations(client: openai.OpenAI, route: Route) -> None:
    """A verdict for each input; a provider without moderations is a BadRequestError that says so."""
    if route.name == "ant":
        with pytest.raises(openai.BadRequestError, match="moderations"):
            client.moderations.create(model=route.model("moderate"), input="a")
        return
    answer = client.moderations.create(model=route.model("moderate"), input=["some violence", "peace"])
    assert [result.flagged for result in answer.results] == [True, False]


def test_legacy_completions(client: openai.OpenAI, route: Route) -> None:
    """The old completions endpoint works where the provider has it, whole and streamed."""
    model = route.model("echo")
    if route.name == "ant":
        with pytest.raises(openai.BadRequestError):
            client.completions.create(model=model, prompt="once upon a time")
        return
    assert client.completions.create(model=model, prompt="once upon a time").choices[0].text == "once upon a time"
    stream = client.completions.create(
        model=model, prompt="once upon a time", stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "once upon a time"
    usage = chunks[-1].usage
    assert usage is not None and (usage.prompt_tokens, usage.completion_tokens) == (4, 4)


def test_models(client: openai.OpenAI, route: Route) -> None:
    """The list of models can be read."""
    models = list(client.models.list())
    assert all(model.object == "model" for model in models)
    expected = "echo" if route.is_direct else f"{route.name}/story"
    assert expected in {model.id for model in models}


@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_the_client_for_azure(gateway: Gateway, provider: str) -> None:
    """Azure's own paths and header: a deployment is a model, whole and streamed."""
    route = Route(provider, gateway.url)
    with openai.AzureOpenAI(
        azure_endpoint=gateway.url, api_key=route.key, api_version="2024-10-21", max_retries=0, timeout=30
    ) as client:
        reply = client.chat.completions.create(model=route.model("echo"), messages=ASK)
        assert reply.choices[0].message.content == ASK[0]["content"]
        stream = client.chat.completions.create(model=route.model("story"), messages=ASK, stream=True)
        assert _assemble([*stream])[0] == STORY
        if provider == "oai":
            embedded = client.embeddings.create(model=route.model("embed"), input="b")
            assert embedded.data[0].embedding == pytest.approx(vector_of("b", 16), abs=1e-6)
