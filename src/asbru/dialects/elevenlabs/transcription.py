"""Transcription: a file in canonical form, written as a form for ElevenLabs, and its reply read.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from asbru.core.errors import BadRequest, UnsupportedByProvider
from asbru.core.shapes import transcription
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects.contract import PathParameters, RequestHead, Shape, WrittenForm
from asbru.dialects.elevenlabs.types import NAME, REFUSE_REPLY
from asbru.dialects.fields import DECODE_ERRORS, NUMBER, Fields, open_body
from asbru.dialects.receipt import Receipt

_SECONDS_MAX: Final = 1_000_000


class _Told(msgspec.Struct):
    audio_duration_secs: float | None = None


_told = msgspec.json.Decoder(_Told).decode


def read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """No caller sends this form: passthrough reads no forms."""
    del body, parameters, query
    raise BadRequest("this dialect has no surface for callers")


def write_request(request: transcription.TranscriptionRequest, model: str, traits: Traits) -> WrittenForm:
    """The form for `model`, divided as the caller's; the file's part goes as it stands."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    if request.stream:
        raise UnsupportedByProvider("the provider transcribes files whole, not as a stream")
    if request.prompt is not None:
        receipt.dropped("prompt", "the provider takes none")
    for name in request.extra:
        receipt.dropped(name, f"known to {request.dialect or 'another dialect'} only")
    fields = {"model_id": model, "language_code": request.language, "temperature": request.temperature}
    delimiter = b"--" + request.boundary
    pieces: list[bytes | memoryview] = []
    for name, text in fields.items():
        if text is None:
            continue
        if text.find(delimiter.decode()) >= 0:
            raise BadRequest(f"{name}: expected a text without the form's boundary", code="invalid_form")
        head = b'%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % (delimiter, name.encode())
        pieces += (head, text.encode(), b"\r\n")
    pieces += (request.file, b"\r\n%b--\r\n" % delimiter)
    return WrittenForm(b"".join(pieces), b"multipart/form-data", notes=receipt.notes)


def read_reply(body: bytes, content_type: bytes = b"") -> transcription.TranscriptionReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, REFUSE_REPLY)
    text = fields.need_text("text")
    words = [word for item in fields.children("words") or () if (word := _word(item)) is not None]
    duration = fields.raw("audio_duration_secs")
    return transcription.TranscriptionReply(
        text=text,
        language=fields.text("language_code"),
        duration_s=None if duration is None else fields.read(duration, "audio_duration_secs", NUMBER),
        words=tuple(words),
        usage=usage_of(body),
    )


def _word(item: Fields) -> transcription.Word | None:
    """A word that was said; None for the space between two, and for other sounds."""
    start, end = item.raw("start"), item.raw("end")
    if item.text("type") not in (None, "word") or start is None or end is None:
        return None
    return transcription.Word(
        item.text("text") or "", item.read(start, "start", NUMBER), item.read(end, "end", NUMBER)
    )


def usage_of(body: bytes) -> Usage | None:
    """The seconds of audio, which are charged."""
    try:
        seconds = _told(body).audio_duration_secs
    except DECODE_ERRORS:
        return None
    if seconds is None or not 0 < seconds < _SECONDS_MAX:
        return None
    return Usage(units=(("second", math.ceil(seconds)),))


SHAPE: Final = Shape(write_request=write_request, read_reply=read_reply)
