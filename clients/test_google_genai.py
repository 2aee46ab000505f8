"""The official `google-genai` package on the Gemini surface, in front of foreign upstreams and of one of its dialect:
prompts, streams, tools, conversations, counts, embeddings, models, errors; and Gemini CLI.

The mock does not speak Gemini's dialect, so the upstream of the same dialect is a second gateway in front of the mock.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import pytest
from clients import agents
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

pytestmark = pytest.mark.clients


class Way(NamedTuple):
    """A gateway, and how a model of the mock is called there."""

    url: str
    prefix: str

    def model(self, name: str) -> str:
        return f"{self.prefix}/{name}"


@pytest.fixture(scope="module")
def behind(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose provider speaks Gemini's dialect."""
    keys = [{"name": "k", "value": KEY}]
    provider = {"type": "gemini", "base_url": f"{gateway.url}/genai/v1beta", "allow_loopback": True, "keys": keys}
    config = {"providers": {"gem": provider}, "virtual_keys": VIRTUAL_KEYS}
    with Gateway(tmp_path_factory.mktemp("behind"), config) as running:
        yield running


@pytest.fixture(params=["oai", "ant", "gem"])
def way(request: pytest.FixtureRequest, gateway: Gateway) -> Way:
    """Both dialects of the mock, and the caller's own."""
    if request.param != "gem":
        return Way(gateway.url, request.param)
    behind: Gateway = request.getfixturevalue("behind")
    return Way(behind.url, "gem/oai")


@pytest.fixture
def client(way: Way) -> genai.Client:
    """The SDK, without retries of its own."""
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=f"{way.url}/genai", timeout=30_000))


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def test_a_prompt(client: genai.Client, way: Way) -> None:
    """A prompt is answered, with the model's usage."""
    config = types.GenerateContentConfig(system_instruction="be brief", max_output_tokens=50, temperature=0.5)
    answer = client.models.generate_content(model=way.model("echo"), contents="hello there", config=config)
    assert answer.text == "hello there"
    usage = answer.usage_metadata
    assert usage is not None and usage.prompt_token_count and usage.candidates_token_count
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert answer.candidates and answer.candidates[0].finish_reason == types.FinishReason.STOP


def test_a_stream(client: genai.Client, way: Way) -> None:
    """It comes in pieces, and the last one tells why it ended."""
    chunks = list(client.models.generate_content_stream(model=way.model("echo"), contents="hello there friend"))
    assert "".join(chunk.text or "" for chunk in chunks) == "hello there friend"
    assert len(chunks) > 2
    last = chunks[-1]
    assert last.candidates and last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata is not None and last.usage_metadata.total_token_count


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_tool(client: genai.Client, way: Way, stream: bool) -> None:
    """The SDK calls the function and sends its result back by itself."""
    config = types.GenerateContentConfig(tools=[get_weather])
    asked = {"model": way.model("tools"), "contents": "The weather in Basel?", "config": config}
    if stream:
        text = "".join(chunk.text or "" for chunk in client.models.generate_content_stream(**asked))
    else:
        text = client.models.generate_content(**asked).text or ""
    assert "sunny in" in text


def test_a_conversation_with_thoughts(client: genai.Client, way: Way) -> None:
    """Thoughts are shown, and go back with their signature: the mock refuses one that is not its own."""
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048), max_output_tokens=4096
    )
    chat = client.chats.create(model=way.model("thinking"), config=config)
    first = chat.send_message("one")
    assert first.candidates and first.candidates[0].content and first.candidates[0].content.parts
    assert any(part.thought for part in first.candidates[0].content.parts)
    assert (first.text, chat.send_message("two").text) == ("one", "two")
    pieces = "".join(chunk.text or "" for chunk in chat.send_message_stream("three"))
    assert (pieces, chat.send_message("four").text) == ("three", "four")


def test_structured_output(client: genai.Client, way: Way) -> None:
    """An object that fits the schema."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    answer = client.models.generate_content(model=way.model("json"), contents="x", config=config)
    assert isinstance(answer.parsed, dict) and isinstance(answer.parsed["name"], str)


def test_a_count(client: genai.Client, way: Way) -> None:
    """Tokens are counted."""
    counted = client.models.count_tokens(model=way.model("echo"), contents="hello there")
    assert counted.total_tokens and counted.total_tokens > 1


def test_embeddings(client: genai.Client, way: Way) -> None:
    """A vector for each text, of the size asked for, from a provider that has embeddings."""
    if way.prefix == "ant":
        with pytest.raises(errors.ClientError, match="does not support embeddings"):
            client.models.embed_content(model=way.model("embed"), contents=["a"])
        return
    config = types.EmbedContentConfig(output_dimensionality=8)
    found = client.models.embed_content(model=way.model("embed"), contents=["one", "two"], config=config)
    assert found.embeddings is not None
    assert [len(one.values or ()) for one in found.embeddings] == [8, 8]


def test_the_models(client: genai.Client, way: Way) -> None:
    """They are listed in Gemini's form."""
    assert any(model.name == f"models/{way.model('echo')}" for model in client.models.list())


def test_an_unknown_model(client: genai.Client) -> None:
    """An error is the SDK's own, with our words."""
    with pytest.raises(errors.ClientError, match="nobody") as refused:
        client.models.generate_content(model="nobody/m", contents="x")
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")


def test_gemini_cli(way: Way, tmp_path: Path) -> None:
    """Headless, with a call of its shell tool and the result sent back."""
    printed = agents.gemini_cli("run a tool", tmp_path / "agent", agents.Target(way.url, KEY, way.model("tools")))
    assert "The tool answered" in printed


def test_vertex_mode(way: Way) -> None:
    """The SDK in its Vertex mode, at `/vertex`: a provider in the model's name is a publisher there."""
    if way.prefix == "gem/oai":
        pytest.skip("the model's name has two slashes, of which this mode makes nothing")
    options = types.HttpOptions(base_url=f"{way.url}/vertex", headers={"x-asbru-key": KEY}, api_version="v1")
    credentials = Credentials("token")  # type: ignore[no-untyped-call]  # google-auth has no types
    client = genai.Client(
        vertexai=True, project="p", location="us-central1", credentials=credentials, http_options=options
    )
    assert client.models.generate_content(model=way.model("echo"), contents="hello").text == "hello"
    chunks = client.models.generate_content_stream(model=way.model("echo"), contents="hello there")
    assert "".join(chunk.text or "" for chunk in chunks) == "hello there"


def test_claude_in_vertex_mode(way: Way) -> None:
    """The anthropic package in its Vertex mode, whole, streamed and counted."""
    client = anthropic.AnthropicVertex(
        base_url=f"{way.url}/vertex/v1", project_id="p", region="us-east5", access_token=KEY, max_retries=0
    )
    about: Any = {
        "model": way.model("echo"),
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "hello there"}],
    }
    assert getattr(client.messages.create(**about).content[0], "text", "") == "hello there"
    with client.messages.stream(**about) as stream:
        assert stream.get_final_text() == "hello there"
    del about["max_tokens"]
    assert client.messages.count_tokens(**about).input_tokens > 1
