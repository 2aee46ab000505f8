"""The official `anthropic` package as applications use it: sync, async, streaming, tools, thinking, counting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from clients.conftest import Route
from clients.gateway import Gateway

from asbru.providers.mock.script import STORY, THOUGHT

pytestmark = pytest.mark.clients

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
    "required": ["city", "days"],
}
TOOLS: Any = [
    {"name": "forecast", "description": "The weather", "input_schema": SCHEMA},
    {"name": "clock", "input_schema": {"type": "object", "properties": {}}},
]
ASK: Any = [{"role": "user", "content": "what will the weather be"}]


@pytest.fixture
def client(route: Route) -> Iterator[anthropic.Anthropic]:
    """The SDK, without retries of its own."""
    with anthropic.Anthropic(base_url=route.anthropic_url, api_key=route.key, max_retries=0, timeout=120) as made:
        yield made


def test_a_prompt(client: anthropic.Anthropic, route: Route) -> None:
    """A prompt is answered, with the model's usage."""
    answer = client.messages.create(model=route.model("echo"), max_tokens=99, system="be brief", messages=ASK)
    assert [(block.type, block.text) for block in answer.content if block.type == "text"] == [
        ("text", "what will the weather be")
    ]
    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 5)


def test_a_prompt_asynchronously(route: Route) -> None:
    """The async client, with its key as a bearer token, gets the same, several at a time."""

    async def ask(count: int) -> list[str]:
        async with anthropic.AsyncAnthropic(
            base_url=route.anthropic_url, auth_token=route.key, max_retries=0
        ) as client:
            calls = [
                client.messages.create(
                    model=route.model("echo"),
                    max_tokens=99,
                    messages=[{"role": "user", "content": f"number {number}"}],
                )
                for number in range(count)
            ]
            answers: list[Any] = await asyncio.gather(*calls)
            return [answer.content[0].text for answer in answers]

    assert asyncio.run(ask(8)) == [f"number {number}" for number in range(8)]


def test_a_stream_is_the_whole_answer(client: anthropic.Anthropic, route: Route) -> None:
    """What is streamed adds up to what comes whole: text, stop reason and usage."""
    asked: Any = {"model": route.model("story+pause-0"), "max_tokens": 999, "messages": ASK}
    whole: Any = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        pieces = list(stream.text_stream)
        final: Any = stream.get_final_message()
    assert "".join(pieces) == whole.content[0].text == final.content[0].text == STORY
    assert len(pieces) > 300
    assert final.stop_reason == whole.stop_reason == "end_turn"
    assert final.usage.output_tokens == whole.usage.output_tokens == len(STORY.split())
    assert final.usage.input_tokens == whole.usage.input_tokens == 5


def test_an_asynchronous_stream(route: Route) -> None:
    """The async client streams the same text."""

    async def read() -> str:
        async with (
            anthropic.AsyncAnthropic(base_url=route.anthropic_url, api_key=route.key, max_retries=0) as client,
            client.messages.stream(model=route.model("story+pause-0"), max_tokens=999, messages=ASK) as stream,
        ):
            return "".join([piece async for piece in stream.text_stream])

    assert asyncio.run(read()) == STORY


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["tools", "parallel"])
def test_a_tool_round_trip(client: anthropic.Anthropic, route: Route, model: str, *, streamed: bool) -> None:
    """The model asks for tools, the application answers, the model concludes."""
    asked: Any = {"model": route.model(model), "max_tokens": 99, "messages": ASK, "tools": TOOLS}
    if streamed:
        with client.messages.stream(**asked) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["forecast", "clock"][: 2 if model == "parallel" else 1]
    assert calls[0].input == {"city": "city", "days": 2}
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name} is 7"} for call in calls]
    turns: Any = [*ASK, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    end: Any = client.messages.create(model=route.model(model), max_tokens=99, messages=turns, tools=TOOLS)
    assert end.content[0].text.endswith("; ".join(f"{call.name} is 7" for call in calls))
    assert end.stop_reason == "end_turn"


def test_a_forced_tool_and_none(client: anthropic.Anthropic, route: Route) -> None:
    """`tool_choice` reaches the model: a named tool is called, `none` calls nothing."""
    asked: Any = {"model": route.model("tools"), "max_tokens": 99, "messages": ASK, "tools": TOOLS}
    answer: Any = client.messages.create(**asked, tool_choice={"type": "tool", "name": "clock"})
    assert [block.name for block in answer.content] == ["clock"]
    answer = client.messages.create(**asked, tool_choice={"type": "none"})
    assert [block.type for block in answer.content] == ["text"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_there_and_back(client: anthropic.Anthropic, route: Route, *, streamed: bool) -> None:
    """Thinking arrives before the text, and may be sent back as it came; the mock checks its signature."""
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked: Any = {"model": route.model("thinking"), "max_tokens": 2048, "messages": ASK, "thinking": thinking}
    if streamed:
        with client.messages.stream(**asked) as stream:
            answer: Any = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)
    thought, text = answer.content
    assert (thought.type, thought.thinking, text.text) == ("thinking", THOUGHT, "what will the weather be")
    if route.name != "oai":  # an OpenAI-dialect upstream signs nothing
        assert thought.signature.startswith("mock-signature-")
    again = {"role": "user", "content": "and tomorrow"}
    asked["messages"] = [*ASK, {"role": "assistant", "content": answer.content}, again]
    answer = client.messages.create(**asked)
    assert answer.content[-1].text == "and tomorrow"


def test_a_forged_signature(client: anthropic.Anthropic, route: Route) -> None:
    """Thinking whose signature the upstream refuses is left out, and the receipt says so; a caller that wants no losses
    is refused."""
    if route.name == "oai":
        return  # nothing there checks signatures
    forged = {"type": "thinking", "thinking": THOUGHT, "signature": "forged"}
    turns: Any = [*ASK, {"role": "assistant", "content": [forged, {"type": "text", "text": "rain"}]}, *ASK]
    asked: Any = {"model": route.model("thinking"), "max_tokens": 99, "messages": turns}
    if route.name == "direct":
        with pytest.raises(anthropic.BadRequestError, match="signature"):
            client.messages.create(**asked)
        return
    raw = client.messages.with_raw_response.create(**asked)
    assert "messages.thinking" in raw.headers["x-asbru-notes"] and raw.parse().content
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.thinking"):
        client.messages.create(**asked, extra_headers={"x-asbru-strict": "true"})


def test_an_image(client: anthropic.Anthropic, route: Route) -> None:
    """An image in the prompt arrives."""
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    messages: Any = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    answer: Any = client.messages.create(model=route.model("vision"), max_tokens=99, messages=messages)
    assert answer.content[0].text == "I see 1 image: image/png."


def test_limits(client: anthropic.Anthropic, route: Route) -> None:
    """Token limits reach the model, and the stop reason comes back."""
    answer: Any = client.messages.create(model=route.model("echo"), max_tokens=2, messages=ASK)
    assert (answer.content[0].text, answer.stop_reason) == ("what will", "max_tokens")


def test_errors_are_the_sdks_own(client: anthropic.Anthropic, route: Route) -> None:
    """Refusals and failures arrive as the SDK's typed exceptions, with a message."""
    for model, kind in (
        (route.model("no-such-model"), anthropic.NotFoundError),
        (route.model("error-400"), anthropic.BadRequestError),
        (route.limited_model("error-429"), anthropic.RateLimitError),
        (route.model("error-500"), anthropic.InternalServerError),
        (route.model("error-529"), anthropic.InternalServerError),
    ):
        with pytest.raises(kind) as caught:
            client.messages.create(model=model, max_tokens=9, messages=ASK)
        body: Any = caught.value.body
        assert body["type"] == "error" and body["error"]["message"]
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=route.model("echo"), max_tokens=9, messages=[])


def test_a_wrong_key(route: Route) -> None:
    """An unknown key is an AuthenticationError."""
    if route.is_direct:
        return  # the mock asks for none
    with (
        anthropic.Anthropic(base_url=route.anthropic_url, api_key="sk-asb-wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model=route.model("echo"), max_tokens=9, messages=ASK)


def test_an_error_inside_a_stream_raises(client: anthropic.Anthropic, route: Route) -> None:
    """A stream that fails raises in the application: it never looks like a short answer."""
    asked: Any = {"model": route.model("error-mid-stream"), "max_tokens": 999, "messages": ASK}
    with pytest.raises(anthropic.APIStatusError), client.messages.stream(**asked) as stream:
        stream.get_final_message()


def test_a_cut_stream_raises(client: anthropic.Anthropic, route: Route) -> None:
    """A stream that is cut upstream is an error event to the caller, not an end."""
    if route.is_direct:
        return  # without a gateway it is the transport's error
    asked: Any = {"model": route.model("story+cut-40"), "max_tokens": 999, "messages": ASK}
    with pytest.raises(anthropic.APIStatusError), client.messages.stream(**asked) as stream:
        stream.get_final_message()


def test_tokens_are_counted(client: anthropic.Anthropic, route: Route) -> None:
    """count_tokens gives the upstream's count; where the upstream has none, an estimate."""
    count = client.messages.count_tokens(model=route.model("echo"), system="be brief", messages=ASK, tools=TOOLS)
    if route.name == "oai":
        assert 10 < count.input_tokens < 500
    else:
        assert count.input_tokens == 7 + 2 * 8


def test_models(client: anthropic.Anthropic, route: Route) -> None:
    """The list of models can be read."""
    models = list(client.models.list())
    assert all(model.type == "model" for model in models)
    expected = "echo" if route.is_direct else f"{route.name}/story"
    assert expected in {model.id for model in models}


def test_usage_is_the_same_everywhere(client: anthropic.Anthropic, route: Route, gateway: Gateway) -> None:
    """Whatever the upstream's dialect, the caller and the record see the same tokens."""
    asked: Any = {"model": route.model("tools"), "max_tokens": 99, "messages": ASK, "tools": TOOLS}
    raw = client.messages.with_raw_response.create(**asked)
    usage = raw.parse().usage
    assert (usage.input_tokens, usage.output_tokens) == (5 + 2 * 8, 2)
    if not route.is_direct:
        (row,) = gateway.records(1, id=raw.headers["x-asbru-id"])
        assert (row["input_tokens"], row["output_tokens"], row["status"]) == (21, 2, 200)
