"""Speech on ElevenLabs, from the OpenAI surface: the path, the voice, the format, audio in pieces, and its cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.inside import Caller, Inside, answer
from tests.fakes.translated import configured, noted, sent

AUDIO = b"ID3\x04\x00" + bytes(range(256))
ASKED: dict[str, Any] = {"model": "elevenlabs/eleven_v3", "input": "Hello", "voice": "JBFq1"}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with ElevenLabs."""
    return configured("elevenlabs", tmp_path, monkeypatch)


def speak(inside: Inside, **members: Any) -> Caller:
    """A call that is answered with audio."""
    inside.script("api.elevenlabs.io", answer(200, AUDIO, content_type=b"audio/mpeg"))
    return inside.call("/v1/audio/speech", {**ASKED, **members})


def test_a_text_is_spoken(inside: Inside) -> None:
    """The voice and the format stand in the path, the key in ElevenLabs' header; the audio comes as it is, and its
    characters are charged."""
    caller = speak(inside, speed=1.1, seed=7, user="u")
    assert (caller.status, caller.body, caller.header(b"content-type")) == (200, AUDIO, b"audio/mpeg")
    line, headers, body = sent(inside)
    assert line == "POST /v1/text-to-speech/JBFq1?output_format=mp3_44100_128 HTTP/1.1"
    assert headers["xi-api-key"] == "secret" and headers["content-type"] == "application/json"
    assert json.loads(body) == {"text": "Hello", "model_id": "eleven_v3", "voice_settings": {"speed": 1.1}, "seed": 7}
    assert noted(caller) == ["dropped user"]
    row = inside.recorder.rows[-1]
    assert (row["units"], row["cost_nanousd"], row["outcome"]) == ('{"character":5}', 500_000, "ok")


@pytest.mark.parametrize(
    ("members", "line", "notes"),
    [
        ({"voice": "alloy"}, "JBFqnCBsd6RMkjVDRZzb?output_format=mp3_44100_128", ["changed voice"]),
        ({"voice": {"id": "a/b"}}, "a%2Fb?output_format=mp3_44100_128", []),
        ({"response_format": "opus"}, "JBFq1?output_format=opus_48000_128", []),
        ({"response_format": "mp3_22050_32"}, "JBFq1?output_format=mp3_22050_32", []),
        ({"speed": 4}, "JBFq1?output_format=mp3_44100_128", ["changed speed"]),
        ({"instructions": "softly"}, "JBFq1?output_format=mp3_44100_128", ["dropped instructions"]),
    ],
)
def test_what_differs_is_changed_and_noted(inside: Inside, members: Any, line: str, notes: list[str]) -> None:
    """Voices, formats and speeds as ElevenLabs has them."""
    caller = speak(inside, **members)
    assert caller.status == 200
    assert sent(inside)[0] == f"POST /v1/text-to-speech/{line} HTTP/1.1"
    assert noted(caller) == notes


@pytest.mark.parametrize("members", [{"response_format": "flac"}, {"stream_format": "sse"}])
def test_what_it_lacks_is_refused(inside: Inside, members: Any) -> None:
    """Before anything is sent."""
    caller = inside.call("/v1/audio/speech", {**ASKED, **members})
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (400, "unsupported_by_provider")
    assert not inside.requests


def test_an_error_keeps_its_words(inside: Inside) -> None:
    """Also one that came with status 200 where audio was expected."""
    body = b'{"detail":{"status":"voice_not_found","message":"A voice with this id was not found."}}'
    for status in (404, 200):
        inside.script("api.elevenlabs.io", answer(status, body))
        caller = inside.call("/v1/audio/speech", ASKED)
        assert caller.status == {404: 404, 200: 502}[status]
        assert "A voice with this id was not found." in json.loads(caller.body)["error"]["message"]
        inside.scripts.clear()
