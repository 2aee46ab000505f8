"""Heads of calls for images and audio: of forms and of speech, and what is charged by the request alone."""

from __future__ import annotations

import json
import re

import pytest
from tests.fakes.forms import FORM_LINE, Field, form

from asbru.core.errors import BadRequest
from asbru.core.usage import Usage
from asbru.dialects import RequestHead
from asbru.dialects.openai_chat.media_head import (
    AUDIO_TOKENS_PER_BYTE,
    BYTES_PER_SECOND,
    IMAGE_TOKENS,
    charge_characters,
    charge_images,
    heard_seconds_max,
    image_tokens_max,
    read_form_head,
    read_media_head,
    read_speech_head,
    speech_tokens_max,
)
from asbru.wire.multipart import FormError, read_form

TYPE = FORM_LINE.partition(": ")[2].encode()
FILE = ("file", ("a.mp3", b"ID3"))


def head_of(*fields: Field) -> RequestHead:
    """The head of a form."""
    body = form(*fields)
    return read_form_head(read_form(body, TYPE), body)


def test_the_head_of_a_form() -> None:
    """Model, flag and number; the names of all fields, so that some can be dropped; where the parts stand."""
    head = head_of(("model", "openai/m"), ("stream", "true"), ("n", "3"), ("user", "u"), FILE)
    assert (head.model, head.stream, head.choices, head.wants_usage) == ("openai/m", True, 3, True)
    assert list(head.members) == ["model", "stream", "n", "user", "file"]
    assert head.form is not None and len(head.form.parts) == 5


@pytest.mark.parametrize(
    ("text", "flag"), [("", False), ("false", False), ("0", False), ("True", True), (" on ", True)]
)
def test_flags_as_servers_read_them(text: str, flag: bool) -> None:
    """OpenAI's SDKs send true and false; servers take more, and a stream must not be taken for a whole reply."""
    assert head_of(("model", "m"), ("stream", text)).stream is flag


REFUSED: dict[str, tuple[tuple[Field, ...], str]] = {
    "no model": ((FILE,), "model: expected a field with the name of a model, got none"),
    "an empty model": ((("model", ""),), "got an empty string"),
    "two models": ((("model", "a"), ("model", "b")), "the field 'model' once"),
    "upper case": ((("Model", "a"),), "the field 'model' by this name, got 'Model'"),
    "a list": ((("model[]", "a"),), "the field 'model' by this name, got 'model[]'"),
    "spaces": (((" model", "a"),), "the field 'model' by this name"),
    "no flag": ((("model", "a"), ("stream", "maybe")), "stream: expected true or false, got 'maybe'"),
    "no number": ((("model", "a"), ("n", "two")), "n: expected a whole number, got 'two'"),
    "many": ((("model", "a"), ("n", "129")), "n: expected at most 128, got 129"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_servers_may_read_otherwise_is_refused(what: str) -> None:
    """In words that name the field."""
    fields, words = REFUSED[what]
    with pytest.raises(BadRequest, match=re.escape(words)):
        head_of(*fields)


def test_a_model_in_a_file_is_refused() -> None:
    """Some servers read a file as a field, others do not."""
    with pytest.raises(FormError, match="model: expected a plain field"):
        head_of(("model", ("m", b"openai/m")))


def test_repeated_fields_that_decide_nothing() -> None:
    """Lists in forms are fields that come again."""
    names = ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")
    assert head_of(("model", "m"), *names).model == "m"


def test_speech_is_streamed_as_events_where_that_is_asked_for() -> None:
    """By its format; audio as it comes is no stream of events."""
    body = {"model": "m", "input": "hi", "voice": "alloy"}
    assert not read_speech_head(json.dumps(body).encode()).stream
    assert read_speech_head(json.dumps({**body, "stream_format": "sse"}).encode()).stream
    assert not read_speech_head(json.dumps({**body, "stream_format": "audio"}).encode()).stream


def test_characters_to_be_spoken_are_charged() -> None:
    """As many as the text has, not its bytes; what is no text is left to the provider to refuse."""
    for told, wanted in (("größe", Usage(units=(("character", 5),))), (5, None)):
        body = json.dumps({"model": "m", "input": told}).encode()
        assert charge_characters(read_speech_head(body), body) == wanted
    body = b'{"model":"m"}'
    assert charge_characters(read_speech_head(body), body) is None


def test_the_most_that_may_come_out() -> None:
    """By the number of images, and by the length of what is spoken."""
    assert image_tokens_max(head_of(("model", "m"), ("n", "3"))) == 3 * IMAGE_TOKENS
    head = read_speech_head(b'{"model":"m","input":"Hello"}')
    assert speech_tokens_max(head) == len('"Hello"') * AUDIO_TOKENS_PER_BYTE
    assert speech_tokens_max(read_speech_head(b'{"model":"m"}')) == 0
    heard = head_of(("model", "m"), ("file", ("a.mp3", bytes(5 * BYTES_PER_SECOND))))
    assert heard_seconds_max(heard, b"") == (("second", 6),)


def test_audio_that_is_coded_sparingly_reserves_what_it_tells() -> None:
    """An hour of silence in a few bytes is an hour."""
    silence = b"fLaC\x80\0\0\x22" + b"\0" * 10 + ((8000 << 44) | 8000 * 3600).to_bytes(8, "big")
    body = form(("model", "m"), ("file", ("a.flac", silence)))
    head = read_form_head(read_form(body, TYPE), body)
    assert heard_seconds_max(head, body) == (("second", 3601),)


@pytest.mark.parametrize(("members", "count"), [({}, 1), ({"n": 4}, 4), ({"n": None}, 1), ({"n": -2}, 1)])
def test_images_asked_for_are_charged(members: dict[str, object], count: int) -> None:
    """One, unless more are asked for."""
    body = json.dumps({"model": "m", "prompt": "a cat", **members}).encode()
    assert charge_images(read_media_head(body), body) == Usage(units=(("image", count),))
