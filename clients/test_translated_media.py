"""The OpenAI SDK for speech on ElevenLabs and Mistral, transcription on ElevenLabs, and images on Replicate: strict
fakes on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback
from tests.fakes.strict import mistral_speech
from tests.fakes.strict.elevenlabs import AUDIO, StrictElevenLabs
from tests.fakes.upstream import FakeUpstream, Reply, Seen

pytestmark = pytest.mark.clients

PREDICTION = {"id": "gm3qorzd", "version": "v", "input": {}, "error": None, "created_at": "2026-01-01T00:00:00Z"}


class _Replicate:
    """Predictions that are done when they are asked for the second time."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, seen: Seen) -> Reply:
        self.asked.append(f"{seen.method} {seen.path}")
        if seen.headers.get("authorization") != "Bearer sk-upstream":
            return Reply.json({"title": "Unauthenticated", "detail": "You did not pass a token", "status": 401}, 401)
        if (seen.method, seen.path) == ("POST", "/v1/predictions"):
            asked = seen.json()
            if asked.keys() != {"version", "input"} or "prompt" not in asked["input"]:
                return Reply.json({"title": "Invalid", "detail": json.dumps(asked), "status": 422}, 422)
            return Reply.json({**PREDICTION, "status": "processing", "output": None}, 201)
        if seen.path == "/v1/predictions/gm3qorzd" and not seen.body:
            urls = ["https://replicate.delivery/a/0.webp"]
            return Reply.json({**PREDICTION, "status": "succeeded", "output": urls})
        return Reply.json({"detail": "Not found."}, 404)


@pytest.fixture(scope="module")
def voices() -> StrictElevenLabs:
    """ElevenLabs."""
    return StrictElevenLabs()


@pytest.fixture(scope="module")
def painter() -> _Replicate:
    """Replicate."""
    return _Replicate()


@pytest.fixture(scope="module")
def mistral() -> mistral_speech.StrictMistralSpeech:
    """Mistral."""
    return mistral_speech.StrictMistralSpeech()


@pytest.fixture(scope="module")
def gateway(
    voices: StrictElevenLabs,
    painter: _Replicate,
    mistral: mistral_speech.StrictMistralSpeech,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """Asbru before all three."""
    with FakeUpstream() as spoken, FakeUpstream() as painted, FakeUpstream() as packed:
        spoken.otherwise, painted.otherwise, packed.otherwise = voices, painter, mistral
        providers = {
            "elevenlabs": loopback(f"{spoken.url}/v1"),
            "replicate": loopback(f"{painted.url}/v1"),
            "mistral": loopback(f"{packed.url}/v1"),
        }
        config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
        with Gateway(tmp_path_factory.mktemp("media"), config) as found:
            yield found


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """The SDK."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def test_speech(client: openai.OpenAI, gateway: Gateway, voices: StrictElevenLabs) -> None:
    """Audio, also in pieces, from the voice that is asked for and from one that is OpenAI's."""
    for voice in ("9BWtsMINqrJLrRacOk9x", "alloy"):
        about = {"model": "elevenlabs/eleven_v3", "voice": voice, "input": "Hello."}
        with client.audio.speech.with_streaming_response.create(**about, speed=2) as spoken:
            assert spoken.headers["content-type"] == "audio/mpeg"
            assert b"".join(spoken.iter_bytes()) == AUDIO
    assert voices.refused == []
    rows = gateway.records(2, surface="openai.speech")
    assert [(row["units"], row["cost_nanousd"]) for row in rows] == [('{"character":6}', 600_000)] * 2


def test_speech_that_comes_packed(client: openai.OpenAI, mistral: mistral_speech.StrictMistralSpeech) -> None:
    """The SDK gets audio, whatever it came in."""
    for voice in ("v-own", "alloy"):
        about = {"model": "mistral/voxtral-mini-tts-3-0", "voice": voice, "input": "Hello."}
        with client.audio.speech.with_streaming_response.create(**about, speed=2) as spoken:
            assert spoken.headers["content-type"] == "audio/mpeg"
            assert b"".join(spoken.iter_bytes()) == mistral_speech.AUDIO
    assert mistral.refused == []


def test_transcription(client: openai.OpenAI, gateway: Gateway, voices: StrictElevenLabs) -> None:
    """Text, and words with their times."""
    about = {"model": "elevenlabs/scribe_v2", "file": ("a.mp3", AUDIO), "language": "en"}
    assert client.audio.transcriptions.create(**about).text == "Hello."
    told = client.audio.transcriptions.create(
        **about, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert told.words is not None and [word.word for word in told.words] == ["Hello."]
    assert voices.refused == []
    assert gateway.records(2, surface="openai.transcriptions")[0]["units"] == '{"second":2}'


def test_images(client: openai.OpenAI, gateway: Gateway, painter: _Replicate) -> None:
    """A prediction that is not done at once is asked for again."""
    images = client.images.generate(
        model="replicate/black-forest-labs/flux-schnell", prompt="a bridge", extra_body={"aspect_ratio": "3:2"}
    )
    assert images.data is not None and [one.url for one in images.data] == ["https://replicate.delivery/a/0.webp"]
    assert painter.asked == ["POST /v1/predictions", "GET /v1/predictions/gm3qorzd"]
    (row,) = gateway.records(1, surface="openai.images")
    assert (row["units"], row["cost_nanousd"]) == ('{"image":1}', 3_000_000)


def test_what_they_lack_is_refused(client: openai.OpenAI) -> None:
    """Typed, before anything is sent."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model="replicate/a/b", prompt="x", response_format="b64_json")
    assert refused.value.code == "unsupported_by_provider"
