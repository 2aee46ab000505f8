"""Transcription on ElevenLabs, from the OpenAI surface: the form, the forms of the reply, and its cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fakes.forms import BOUNDARY, FORM_LINE, form, read_back
from tests.fakes.inside import Caller, Inside, answer
from tests.fakes.translated import configured, noted, sent

from asbru.core.errors import UpstreamError
from asbru.dialects.elevenlabs.transcription import read_reply

AUDIO = b"RIFF\r\n--\x00" + bytes(range(256))
REPLY = {
    "language_code": "eng",
    "text": "Hello there.",
    "words": [
        {"text": "Hello", "start": 0.2, "end": 0.5, "type": "word"},
        {"text": " ", "start": 0.5, "end": 0.5, "type": "spacing"},
        {"text": "there.", "start": 0.5, "end": 1, "type": "word"},
    ],
    "audio_duration_secs": 1.5,
}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with ElevenLabs."""
    return configured("elevenlabs", tmp_path, monkeypatch)


def hear(inside: Inside, *fields: tuple[str, str], reply: object = REPLY) -> Caller:
    """A call with a file and some fields."""
    inside.script("api.elevenlabs.io", answer(200, json.dumps(reply).encode()))
    body = form(("file", ("a.wav", AUDIO)), ("model", "elevenlabs/scribe_v2"), *fields)
    return inside.call("/v1/audio/transcriptions", body, FORM_LINE.encode())


def test_a_file_is_transcribed(inside: Inside) -> None:
    """The file's part goes as it stands, with ElevenLabs' fields; the seconds are charged."""
    caller = hear(inside, ("language", "en"), ("temperature", "0"), ("prompt", "x"), ("chunking_strategy", "auto"))
    usage = {"type": "duration", "seconds": 2}
    assert (caller.status, json.loads(caller.body)) == (200, {"text": "Hello there.", "usage": usage})
    line, headers, body = sent(inside)
    assert (line, headers["xi-api-key"]) == ("POST /v1/speech-to-text HTTP/1.1", "secret")
    assert headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"
    assert list(read_back(body, headers["content-type"])) == [
        ("model_id", b"scribe_v2"),
        ("language_code", b"en"),
        ("temperature", b"0"),
        ("file", AUDIO),
    ]
    assert noted(caller) == ["dropped prompt", "dropped chunking_strategy"]
    row = inside.recorder.rows[-1]
    assert (row["units"], row["cost_nanousd"]) == ('{"second":2}', 122_222)


def test_replies_are_written_as_asked(inside: Inside) -> None:
    """Text, and with the times of words."""
    text = hear(inside, ("response_format", "text"))
    assert (text.body, text.header(b"content-type")) == (b"Hello there.\n", b"text/plain; charset=utf-8")
    asked = (("response_format", "verbose_json"), ("timestamp_granularities[]", "word"))
    told = json.loads(hear(inside, *asked).body)
    assert (told["language"], told["duration"]) == ("eng", 1.5)
    assert told["words"] == [
        {"word": "Hello", "start": 0.2, "end": 0.5},
        {"word": "there.", "start": 0.5, "end": 1.0},
    ]


def test_a_reply_without_a_duration_has_no_cost(inside: Inside) -> None:
    """The last word says nothing about the silence after it."""
    hear(inside, reply={"text": "Hello", "words": REPLY["words"]})
    row = inside.recorder.rows[-1]
    assert (row["units"], row["cost_nanousd"], row["outcome"]) == ("", None, "ok")


@pytest.mark.parametrize("field", [("response_format", "srt"), ("stream", "true")])
def test_what_it_lacks_is_refused(inside: Inside, field: tuple[str, str]) -> None:
    """Before anything is sent."""
    caller = hear(inside, field)
    assert (caller.status, json.loads(caller.body)["error"]["code"]) == (400, "unsupported_by_provider")
    assert not inside.requests


def test_a_field_that_would_end_its_part_is_refused(inside: Inside) -> None:
    """The provider must read what was judged."""
    body = form(("file", ("a.wav", AUDIO)), ("model", "elevenlabs/scribe_v2"), ("language", f"x--{BOUNDARY}"))
    assert inside.call("/v1/audio/transcriptions", body, FORM_LINE.encode()).status == 400
    assert not inside.requests


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"text":5}', b'{"text":"a","words":5}'])
def test_what_is_no_reply_is_the_providers_fault(body: bytes) -> None:
    """Nothing unforeseen comes of it."""
    with pytest.raises(UpstreamError):
        read_reply(body)
