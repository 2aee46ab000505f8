"""Images, speech, transcription and OCR of the mock, answered in process; over a socket: test_server.py."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest
from tests.fakes.forms import FORM_LINE, Field, form

from asbru.providers.mock.answers import Answers, UpstreamResponse

TYPE = {"content-type": FORM_LINE.partition(": ")[2]}
PNG = b"\x89PNG\r\n--\r\n"


def ask(path: str, body: dict[str, Any]) -> UpstreamResponse:
    """The answer to JSON."""
    return Answers().answer("POST", path, {"content-type": "application/json"}, json.dumps(body).encode())


def send(path: str, *fields: Field) -> UpstreamResponse:
    """The answer to a form."""
    return Answers().answer("POST", path, TYPE, form(*fields))


def streamed(answer: UpstreamResponse) -> list[Any]:
    """The data of its events."""
    assert answer.events is not None
    return [json.loads(event.split(b"data: ", 1)[1]) for event in answer.events]


def test_images_follow_from_the_prompt() -> None:
    """As many as asked for, of the size asked for, the same for the same prompt; usage counts words and images."""
    answer = json.loads(ask("/v1/images/generations", {"model": "paint", "prompt": "a cat", "n": 2}).body)
    first, second = (base64.b64decode(image["b64_json"]) for image in answer["data"])
    again = json.loads(ask("/v1/images/generations", {"model": "paint", "prompt": "a cat"}).body)
    assert base64.b64decode(again["data"][0]["b64_json"]) == first != second
    assert first.startswith(b"\x89PNG") and first.endswith(b"IEND\xaeB`\x82")
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (2, 32)
    wide = ask("/v1/images/generations", {"model": "paint", "prompt": "a", "size": "64x32", "response_format": "url"})
    url = json.loads(wide.body)["data"][0]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(url)[16:24] == bytes((0, 0, 0, 64, 0, 0, 0, 32))


def test_images_as_they_are_made() -> None:
    """Partial ones, then the whole, with usage."""
    asked = {"model": "paint", "prompt": "a cat", "stream": True, "partial_images": 1}
    events = streamed(ask("/v1/images/generations", asked))
    assert [event["type"] for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    assert events[-1]["usage"]["output_tokens"] == 16


def test_edits_and_variations_take_forms() -> None:
    """An edit counts the images that came; a variation follows from its image."""
    images = [("image[]", ("a.png", PNG)), ("image[]", ("b.png", PNG))]
    edit = json.loads(send("/v1/images/edits", ("model", "paint"), ("prompt", "a hat"), *images).body)
    assert edit["usage"]["input_tokens_details"] == {"text_tokens": 2, "image_tokens": 32}
    varied = json.loads(send("/v1/images/variations", ("model", "paint"), ("image", ("a.png", PNG))).body)
    assert varied["data"][0]["b64_json"] != edit["data"][0]["b64_json"]


@pytest.mark.parametrize(
    "more",
    [{"n": 0}, {"n": 11}, {"size": "9999x1"}, {"size": "big"}, {"response_format": "x"}, {"partial_images": 4}],
)
def test_images_that_cannot_be(more: dict[str, Any]) -> None:
    """A 400 that names the member."""
    answer = ask("/v1/images/generations", {"model": "paint", "prompt": "a cat", **more})
    assert answer.status == 400 and next(iter(more)) in json.loads(answer.body)["error"]["message"]


def test_what_is_spoken_can_be_heard() -> None:
    """Speech is a WAV file; sent back it is transcribed to its text, in every format, with its seconds."""
    spoken = ask("/v1/audio/speech", {"model": "speak", "input": "red llama", "voice": "alloy"})
    assert spoken.content_type == "audio/wav" and spoken.events is not None
    audio = b"".join(spoken.events)
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, 3200)
    fields = (("model", "listen"), ("file", ("a.wav", audio)))
    heard = json.loads(send("/v1/audio/transcriptions", *fields).body)
    assert heard == {"text": "red llama", "usage": {"type": "duration", "seconds": 1}}
    events = streamed(send("/v1/audio/transcriptions", *fields, ("stream", "true")))
    assert [event["type"] for event in events] == [*["transcript.text.delta"] * 2, "transcript.text.done"]
    captions = send("/v1/audio/translations", *fields, ("response_format", "srt"))
    assert captions.body == b"1\n00:00:00,000 --> 00:00:00,400\nred llama\n\n"
    assert captions.content_type.startswith("text/plain")
    told = json.loads(send("/v1/audio/transcriptions", *fields, ("response_format", "verbose_json")).body)
    assert (told["duration"], told["segments"][0]["text"]) == (0.4, "red llama")
    other = send("/v1/audio/transcriptions", ("model", "listen"), ("file", ("a.mp3", b"ID3")))
    assert json.loads(other.body)["text"] == "a recording of 3 bytes"


def test_speech_in_events() -> None:
    """The same audio in pieces, with usage at the end."""
    asked = {"model": "speak", "input": "red llama", "voice": "alloy", "response_format": "pcm"}
    events = streamed(ask("/v1/audio/speech", {**asked, "stream_format": "sse"}))
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert len(audio) == 6400 and events[-1]["usage"]["total_tokens"] == 4


def test_documents_are_read() -> None:
    """A page for each that is asked for; the text names the document."""
    document = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
    answer = json.loads(ask("/v1/ocr", {"model": "read", "document": document, "pages": [0, 3]}).body)
    assert [page["markdown"].split()[2] for page in answer["pages"]] == ["1", "4"]
    assert answer["usage_info"]["pages_processed"] == 2
    assert ask("/v1/ocr", {"model": "read", "document": {"type": "document_url"}}).status == 400


def test_faults_of_media() -> None:
    """A fault alone, or behind the model, goes wrong as for a chat; another model does not do it."""
    asked = {"prompt": "a cat"}
    assert ask("/v1/images/generations", {**asked, "model": "error-429"}).status == 429
    assert ask("/v1/images/generations", {**asked, "model": "paint+cut-5"}).ending == "cut"
    assert ask("/v1/images/generations", {**asked, "model": "wrong-type"}).content_type == "text/html"
    assert ask("/v1/images/generations", {**asked, "model": "echo"}).status == 404
    spoken = ask("/v1/audio/speech", {"model": "error-mid-stream", "input": "a " * 50, "voice": "alloy"})
    assert spoken.ending == "cut" and spoken.events is not None and len(list(spoken.events)) == 4
    told = ask("/v1/audio/speech", {"model": "error-in-200", "input": "a", "voice": "alloy"})
    assert (told.content_type, b"error" in told.body) == ("application/json", True)


def test_bodies_that_are_no_form() -> None:
    """A 400 that says so, for JSON, for a form without an end, for one without what is needed; a GET is a 405."""
    answers = [
        ask("/v1/images/edits", {"model": "paint"}),
        Answers().answer("POST", "/v1/images/edits", TYPE, form(("model", "paint"))[:-8]),
        send("/v1/images/edits", ("model", "paint"), ("prompt", "a hat")),
        send("/v1/audio/transcriptions", ("model", "listen")),
    ]
    assert [answer.status for answer in answers] == [400] * 4
    assert Answers().answer("GET", "/v1/images/edits", {}, b"").status == 405
