"""The official `openai` package for images and audio, through Asbru, to a provider that refuses what OpenAI refuses."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.strict.media import MP3, PIXELS, TEXT, StrictMedia
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

SPEECH = ("speech.mp3", b"ID3" + bytes(100_000))
PNG = ("cat.png", b"\x89PNG\r\n\x1a\n" + bytes(1000))


class Running(NamedTuple):
    """The SDK, the gateway it calls and the provider behind it."""

    client: openai.OpenAI
    gateway: Gateway
    strict: StrictMedia


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests; the SDK does not retry."""
    strict = StrictMedia()
    with FakeUpstream() as upstream:
        upstream.otherwise = strict
        config = {"providers": {"openai": loopback(f"{upstream.url}/v1")}, "virtual_keys": VIRTUAL_KEYS}
        with (
            Gateway(tmp_path_factory.mktemp("media"), config) as gateway,
            openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=120) as client,
        ):
            yield Running(client, gateway, strict)


@pytest.fixture
def client(running: Running) -> Iterator[openai.OpenAI]:
    """The SDK; the provider refuses nothing of what it sends."""
    before = len(running.strict.refused)
    yield running.client
    assert running.strict.refused[before:] == []


def test_speech_into_a_file(client: openai.OpenAI, tmp_path: Path) -> None:
    """Streamed as it comes."""
    path = tmp_path / "speech.mp3"
    with client.audio.speech.with_streaming_response.create(
        model="openai/tts-1", voice="alloy", input="Hello"
    ) as response:
        assert response.headers["content-type"] == "audio/mpeg"
        response.stream_to_file(path)
    assert path.read_bytes() == MP3


def test_a_transcription(client: openai.OpenAI, running: Running) -> None:
    """With its usage, in the record too."""
    heard = client.audio.transcriptions.create(model="openai/gpt-4o-transcribe", file=SPEECH, prompt="greetings")
    assert heard.text == TEXT
    assert heard.usage is not None and heard.usage.type == "tokens"
    record = running.gateway.records(1, surface="openai.transcriptions", model_served="gpt-4o-transcribe")[0]
    assert (record["audio_input_tokens"], record["output_tokens"]) == (14, 6)


@pytest.mark.parametrize("form", ["text", "srt", "verbose_json"])
def test_other_formats(client: openai.OpenAI, form: Any) -> None:
    """Text, subtitles and segments."""
    heard: Any = client.audio.transcriptions.create(
        model="openai/whisper-1", file=SPEECH, response_format=form, timestamp_granularities=["segment"]
    )
    assert TEXT in (heard if isinstance(heard, str) else heard.text)


def test_a_streamed_transcription(client: openai.OpenAI) -> None:
    """Pieces of text, then all of it."""
    events = list(client.audio.transcriptions.create(model="openai/gpt-4o-transcribe", file=SPEECH, stream=True))
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]


def test_a_translation(client: openai.OpenAI) -> None:
    """Into English; the SDK calls it deprecated."""
    with pytest.deprecated_call():
        assert client.audio.translations.create(model="openai/whisper-1", file=SPEECH).text == TEXT


def test_images(client: openai.OpenAI) -> None:
    """Two at once."""
    made = client.images.generate(model="openai/gpt-image-1", prompt="a cat", n=2, size="1024x1024")
    assert made.data is not None and [one.b64_json for one in made.data] == [PIXELS] * 2
    assert made.usage is not None and made.usage.output_tokens == 4160


def test_images_as_they_are_made(client: openai.OpenAI) -> None:
    """A partial image, then the whole."""
    events = list(client.images.generate(model="openai/gpt-image-1", prompt="a cat", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert base64.b64decode(events[-1].b64_json)


@pytest.mark.parametrize("images", [PNG, [PNG, PNG]], ids=["one", "two"])
def test_an_edit(client: openai.OpenAI, images: Any) -> None:
    """Of one image or several."""
    made = client.images.edit(model="openai/gpt-image-1", image=images, prompt="a hat")
    assert made.data is not None and made.data[0].b64_json == PIXELS


def test_a_streamed_edit(client: openai.OpenAI) -> None:
    """Asked for by a field of a form."""
    events = list(client.images.edit(model="openai/gpt-image-1", image=PNG, prompt="a hat", stream=True))
    assert events[-1].type == "image_edit.completed"


def test_a_variation(client: openai.OpenAI) -> None:
    """Of dall-e-2; the SDK calls it deprecated."""
    with pytest.deprecated_call():
        made = client.images.create_variation(model="openai/dall-e-2", image=PNG, n=2)
    assert made.data is not None and len(made.data) == 2


def test_what_the_provider_refuses(running: Running) -> None:
    """Is raised with its words; the gateway adds nothing."""
    with pytest.raises(openai.BadRequestError, match="Input should be one of") as raised:
        running.client.audio.speech.create(model="openai/tts-1", voice="nobody", input="Hello")
    assert raised.value.param == "voice"
    with pytest.raises(openai.BadRequestError, match="Invalid file format"):
        running.client.audio.transcriptions.create(model="openai/whisper-1", file=("a.exe", b"MZ"))
    with pytest.raises(openai.APIStatusError, match="Maximum content size limit") as large:
        running.client.audio.transcriptions.create(model="openai/whisper-1", file=("a.mp3", bytes(26 * 1024 * 1024)))
    assert large.value.status_code == 413


def test_what_the_gateway_refuses(running: Running) -> None:
    """A file above its own limit, in words of its own."""
    with pytest.raises(openai.APIStatusError, match=r"limits\.body_bytes_max") as raised:
        running.client.audio.transcriptions.create(model="openai/whisper-1", file=("a.mp3", bytes(40 * 1024 * 1024)))
    assert raised.value.status_code == 413
