"""What Groq lacks, as an application with the OpenAI SDK meets it: fields removed and named, inputs refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.strict.provider import StrictProvider
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

MODEL = "groq/llama-3.3-70b-versatile"
ASK: Any = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def groq() -> Iterator[FakeUpstream]:
    """A Groq on loopback, as strict as the real one."""
    with FakeUpstream() as upstream:
        upstream.otherwise = StrictProvider("groq", lambda _: "from groq")
        yield upstream


@pytest.fixture(scope="module")
def client(groq: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    """The SDK, through Asbru, to that Groq."""
    providers = {"groq": loopback(f"{groq.url}/openai/v1")}
    config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
    with (
        Gateway(tmp_path_factory.mktemp("groq"), config) as gateway,
        openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=KEY, max_retries=0) as made,
    ):
        yield made


def test_fields_it_refuses_are_removed_and_named(client: openai.OpenAI, groq: FakeUpstream) -> None:
    """`store`, `service_tier` and `prompt_cache_key` do not reach Groq, and the caller is told; the rest arrives."""
    more: Any = {"store": True, "service_tier": "auto", "prompt_cache_key": "k", "seed": 7}
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASK, **more)
    assert raw.parse().choices[0].message.content == "from groq"
    sent = groq.requests[-1].json()
    assert sent == {"model": "llama-3.3-70b-versatile", "messages": ASK, "seed": 7}
    assert groq.requests[-1].path == "/openai/v1/chat/completions"
    notes = raw.headers["x-asbru-notes"]
    assert all(field in notes for field in ("store", "service_tier", "prompt_cache_key"))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ],
    ids=["image", "audio"],
)
def test_inputs_it_lacks_are_refused(client: openai.OpenAI, groq: FakeUpstream, part: dict[str, Any]) -> None:
    """Images and audio are a typed error before anything is sent."""
    before = len(groq.requests)
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "what is this"}, part]}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=messages)
    assert caught.value.code == "unsupported_by_provider"
    assert len(groq.requests) == before


def test_operations_it_lacks_are_refused(client: openai.OpenAI, groq: FakeUpstream) -> None:
    """Embeddings are a typed error before anything is sent."""
    before = len(groq.requests)
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=MODEL, input="a")
    assert caught.value.code == "unsupported_by_provider"
    assert len(groq.requests) == before
