"""The strict fake of images and audio refuses what is documented, and serves the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.forms import FORM_LINE, Field, form
from tests.fakes.happening import Happening
from tests.fakes.strict.media import FILE_BYTES_MAX, StrictMedia
from tests.fakes.upstream import Reply, Seen

KEY = ("authorization", "Bearer k")
FORM_TYPE = ("content-type", FORM_LINE.partition(": ")[2])
JSON_TYPE = ("content-type", "application/json")
MP3: Field = ("file", ("a.mp3", b"ID3"))
PNG: Field = ("image", ("a.png", b"PNG"))
SPEAK = {"model": "tts-1", "input": "hi", "voice": "alloy"}


def ask(path: str, body: bytes, *headers: tuple[str, str]) -> Reply:
    """What the fake says."""
    return StrictMedia()(Seen(0, Happening("gone"), "POST", f"/v1/{path}", [*headers], body))


def told(*fields: Field) -> bytes:
    """A form."""
    return form(*fields)


def spoken(**members: Any) -> bytes:
    """A call for speech."""
    return json.dumps({**SPEAK, **members}).encode()


REFUSED: dict[str, tuple[str, bytes, tuple[str, str], int]] = {
    "another path": ("audio/music", b"{}", JSON_TYPE, 404),
    "JSON for a form": ("audio/transcriptions", b"{}", JSON_TYPE, 400),
    "a form for JSON": ("audio/speech", told(("model", "tts-1")), FORM_TYPE, 400),
    "no file": ("audio/transcriptions", told(("model", "whisper-1")), FORM_TYPE, 400),
    "a large file": (
        "audio/transcriptions",
        told(("model", "whisper-1"), ("file", ("a.mp3", bytes(FILE_BYTES_MAX + 1)))),
        FORM_TYPE,
        413,
    ),
    "a file of another kind": ("audio/translations", told(("file", ("a.exe", b"MZ"))), FORM_TYPE, 400),
    "an unknown model": ("audio/transcriptions", told(MP3, ("model", "openai/whisper-1")), FORM_TYPE, 404),
    "a format of another model": (
        "audio/transcriptions",
        told(MP3, ("model", "gpt-4o-transcribe"), ("response_format", "srt")),
        FORM_TYPE,
        400,
    ),
    "an unknown voice": ("audio/speech", spoken(voice="nobody"), JSON_TYPE, 400),
    "nothing to say": ("audio/speech", spoken(input=""), JSON_TYPE, 400),
    "events of a model without": ("audio/speech", spoken(stream_format="sse"), JSON_TYPE, 400),
    "too many images": ("images/generations", b'{"model":"dall-e-3","prompt":"a","n":2}', JSON_TYPE, 400),
    "no prompt": ("images/edits", told(PNG, ("model", "gpt-image-1")), FORM_TYPE, 400),
    "variations of another model": ("images/variations", told(PNG, ("model", "gpt-image-1")), FORM_TYPE, 400),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    """With an error object."""
    path, body, kind, status = REFUSED[what]
    reply = ask(path, body, KEY, kind)
    assert reply.status == status
    (data,) = reply.steps
    assert isinstance(data, bytes) and json.loads(data)["error"]["message"]


def test_a_key_is_needed() -> None:
    """As everywhere."""
    assert ask("audio/speech", spoken(), JSON_TYPE).status == 401


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("audio/speech", spoken(), JSON_TYPE),
        ("audio/transcriptions", told(MP3, ("model", "whisper-1"), ("response_format", "srt")), FORM_TYPE),
        ("audio/translations", told(MP3, ("model", "whisper-1")), FORM_TYPE),
        ("images/generations", b'{"model":"gpt-image-1","prompt":"a","n":2,"stream":true}', JSON_TYPE),
        ("images/edits", told(PNG, ("model", "gpt-image-1"), ("prompt", "a")), FORM_TYPE),
        ("images/variations", told(PNG, ("model", "dall-e-2")), FORM_TYPE),
    ],
)
def test_what_is_served(path: str, body: bytes, kind: tuple[str, str]) -> None:
    """What is as documented."""
    assert ask(path, body, KEY, kind).status == 200
