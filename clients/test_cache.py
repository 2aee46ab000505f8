"""The cache of replies with the official SDKs: a hit is read as a reply, whole and streamed, in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback

from asbru.providers.mock.script import STORY

pytestmark = pytest.mark.clients

ASK: Any = [{"role": "user", "content": "tell me a story"}]


@pytest.fixture(scope="module")
def cached(mock_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose cache is on, before a provider of each dialect."""
    providers = {
        "oai": loopback(f"{mock_url}/v1", dialect="openai"),
        "ant": loopback(f"{mock_url}/v1", dialect="anthropic"),
    }
    config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS, "cache": {"enabled": True, "store": "sql"}}
    with Gateway(tmp_path_factory.mktemp("cached"), config) as running:
        yield running


def by_openai(gateway: Gateway, model: str, *, stream: bool) -> tuple[str, str | None]:
    """What the OpenAI SDK reads, and what the cache did."""
    with openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY, max_retries=0, timeout=120) as client:
        given: Any = {"model": model, "messages": ASK, "max_tokens": 4000}
        if not stream:
            raw = client.chat.completions.with_raw_response.create(**given)
            reply = raw.parse()
            assert reply.choices[0].finish_reason == "stop"
            return reply.choices[0].message.content or "", raw.headers.get("x-asbru-cache")
        with client.chat.completions.with_streaming_response.create(**given, stream=True) as response:
            chunks = list(response.parse())
            assert chunks[-1].choices[0].finish_reason == "stop"
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            return text, response.headers.get("x-asbru-cache")


def by_anthropic(gateway: Gateway, model: str, *, stream: bool) -> tuple[str, str | None]:
    """The same with the Anthropic SDK."""
    with anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=KEY, max_retries=0, timeout=120) as client:
        given: Any = {"model": model, "messages": ASK, "max_tokens": 4000}
        if not stream:
            raw = client.messages.with_raw_response.create(**given)
            reply = raw.parse()
            assert reply.stop_reason == "end_turn"
            return "".join(block.text for block in reply.content if block.type == "text"), raw.headers.get(
                "x-asbru-cache"
            )
        with client.messages.stream(**given) as events:
            text = "".join(events.text_stream)
            assert events.get_final_message().stop_reason == "end_turn"
            return text, events.response.headers.get("x-asbru-cache")


@pytest.mark.parametrize("kept_as_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_one_entry_serves_both_sdks_in_both_modes(cached: Gateway, provider: str, kept_as_stream: bool) -> None:
    """Whoever asked first, in whichever mode: all ways to ask are hits that say the same, at no cost. What an SDK says
    to a provider of its own dialect (`anthropic-version`) counts, so it asks once itself."""
    model = f"{provider}/story"
    with openai.OpenAI(base_url=f"{cached.url}/openai/v1", api_key=KEY) as client:
        given: Any = {"model": model, "messages": ASK, "max_tokens": 4000, "stream": kept_as_stream}
        first: Any = client.chat.completions.create(**given, extra_headers={"x-asbru-cache": "refresh"})
        if kept_as_stream:
            assert list(first)
    for ask in (by_openai, by_anthropic):
        if provider == "ant":
            ask(cached, model, stream=kept_as_stream)
        for stream in (False, True):
            assert ask(cached, model, stream=stream) == (STORY, "hit"), (ask.__name__, stream)
    hits = cached.records(4, cache="hit")
    assert all(hit["cost_nanousd"] == 0 and hit["attempts"] == 0 for hit in hits)
