"""Speech on Mistral, from the OpenAI surface: the body, the voice, the audio out of its JSON, and its cost."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.inside import Caller, Inside, answer
from tests.fakes.translated import configured, noted, sent

AUDIO = b"ID3\x04\x00" + bytes(range(256))
ASKED: dict[str, Any] = {"model": "mistral/voxtral-mini-tts-3-0", "input": "Hello", "voice": "gb_jane_neutral"}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with Mistral."""
    return configured("mistral", tmp_path, monkeypatch)


def speak(inside: Inside, body: bytes = b"", **members: Any) -> Caller:
    """A call that is answered with audio, as Mistral packs it."""
    packed = body or json.dumps({"audio_data": base64.b64encode(AUDIO).decode()}).encode()
    inside.script("api.mistral.ai", answer(200, packed))
    return inside.call("/v1/audio/speech", {**ASKED, **members})


def test_a_text_is_spoken(inside: Inside) -> None:
    """The body as Mistral has it; the audio comes as bytes of its type, and its characters are counted."""
    caller = speak(inside, user="u", prompt_cache_key="k")
    assert (caller.status, caller.body, caller.header(b"content-type")) == (200, AUDIO, b"audio/mpeg")
    line, headers, body = sent(inside)
    assert line == "POST /v1/audio/speech HTTP/1.1"
    assert headers["authorization"] == "Bearer secret"
    assert json.loads(body) == {
        "model": "voxtral-mini-tts-3-0",
        "input": "Hello",
        "voice_id": "gb_jane_neutral",
        "response_format": "mp3",
        "prompt_cache_key": "k",
    }
    assert noted(caller) == ["dropped user"]
    row = inside.recorder.rows[-1]
    assert (row["units"], row["outcome"]) == ('{"character":5}', "ok")


@pytest.mark.parametrize(
    ("members", "said", "notes"),
    [
        ({"voice": "alloy"}, {"voice_id": "gb_jane_neutral"}, ["changed voice"]),
        ({"voice": {"id": "v-1"}}, {"voice_id": "v-1"}, []),
        ({"ref_audio": "UklGRg=="}, {"ref_audio": "UklGRg=="}, []),
        ({"speed": 2}, {}, ["dropped speed"]),
        ({"speed": 1}, {}, []),
        ({"instructions": "softly"}, {}, ["dropped instructions"]),
    ],
)
def test_what_differs_is_changed_and_noted(
    inside: Inside, members: dict[str, Any], said: dict[str, Any], notes: list[str]
) -> None:
    """Voices as Mistral has them; what it does not take is left out, since it refuses what it does not know."""
    caller = speak(inside, **members)
    assert caller.status == 200
    body = json.loads(sent(inside)[2])
    assert said.items() <= body.items() and not {"voice", "speed", "instructions"} & body.keys()
    assert ("voice_id" in body) is ("ref_audio" not in body)
    assert noted(caller) == notes


@pytest.mark.parametrize(("form", "kind"), [("wav", b"audio/wav"), ("flac", b"audio/flac"), ("opus", b"audio/ogg")])
def test_formats(inside: Inside, form: str, kind: bytes) -> None:
    """Those that both have."""
    caller = speak(inside, response_format=form)
    assert (caller.status, caller.header(b"content-type")) == (200, kind)
    assert json.loads(sent(inside)[2])["response_format"] == form


@pytest.mark.parametrize(
    "members", [{"response_format": "aac"}, {"response_format": "pcm"}, {"stream_format": "sse"}]
)
def test_what_it_lacks_is_refused_before_it_is_sent(inside: Inside, members: dict[str, Any]) -> None:
    """With words that say what there is."""
    caller = inside.call("/v1/audio/speech", {**ASKED, **members})
    assert json.loads(caller.body)["error"]["code"] == "unsupported_by_provider"
    assert not inside.requests


@pytest.mark.parametrize(
    "body", [b'{"audio_data":"?"}', b'{"audio_data":""}', b'{"audio_data":"\xc3\xbc"}', b'{"a":1}']
)
def test_what_is_no_audio_is_an_error(inside: Inside, body: bytes) -> None:
    """The caller gets no bytes that are none."""
    caller = speak(inside, body)
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (502, "upstream_protocol")


def test_a_refusal_keeps_its_words(inside: Inside) -> None:
    """In OpenAI's form."""
    said = {"object": "error", "message": {"detail": [{"loc": ["body", "voice_id"], "msg": "unknown voice"}]}}
    inside.script("api.mistral.ai", answer(422, json.dumps(said).encode()))
    caller = inside.call("/v1/audio/speech", ASKED)
    assert caller.status == 422 and "unknown voice" in json.loads(caller.body)["error"]["message"]


def test_all_else_is_asked_in_the_openai_dialect(inside: Inside) -> None:
    """Chat passes as it came."""
    inside.script("api.mistral.ai", answer(200, b'{"choices":[],"object":"chat.completion"}'))
    inside.call("/v1/chat/completions", {"model": "mistral/mistral-small-latest", "messages": []})
    assert sent(inside)[0] == "POST /v1/chat/completions HTTP/1.1"
