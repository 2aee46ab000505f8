"""Transcription on the OpenAI surface in canonical form: a form with a file, and what is said in it.

Replies are written as JSON, whole or with the times of words, or as plain text. Subtitles are not made here.
Source: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.errors import BadRequest, UnsupportedByProvider
from asbru.core.shapes import transcription
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.openai_chat.types import NAME
from asbru.wire.multipart import FormError, read_form

_TEXT: Final = b"text/plain; charset=utf-8"
_TEXTS: Final = frozenset(("language", "prompt", "temperature", "response_format", "stream", "model"))
_GRANULARITIES: Final = ("timestamp_granularities[]", "timestamp_granularities")
_FALSE: Final = ("", "false", "0", "no", "off", "f", "n")
FORMATS: Final = ("json", "text", "verbose_json")
"""What replies can be written as."""


def read_request(body: bytes, content_type: bytes) -> transcription.TranscriptionRequest:
    """The request; `BadRequest` for anything else, `UnsupportedByProvider` for a reply that cannot be written."""
    texts: dict[str, str] = {}
    granularities: list[str] = []
    extra: list[str] = []
    file: memoryview | None = None
    try:
        form = read_form(body, content_type)
        for part in form.parts:
            if part.name == "file" and file is None:
                file = memoryview(body)[part.begin : part.end]
            elif part.name in _TEXTS:
                texts[part.name] = form.text(body, part)
            elif part.name in _GRANULARITIES:
                granularities.append(form.text(body, part))
            else:
                extra.append(part.name)
    except FormError as error:
        raise BadRequest(str(error), code="invalid_form") from None
    if file is None:
        raise BadRequest("file: expected a file with audio, got none", param="file")
    wanted = texts.get("response_format") or "json"
    if wanted not in FORMATS:
        raise UnsupportedByProvider(
            f"response_format: '{wanted[:20]}' cannot be made of this provider's reply, only {', '.join(FORMATS)}"
        )
    return transcription.TranscriptionRequest(
        model=texts.get("model", ""),
        file=file,
        boundary=form.boundary,
        format=wanted,
        language=texts.get("language") or None,
        prompt=texts.get("prompt") or None,
        temperature=texts.get("temperature") or None,
        words="word" in granularities,
        stream=texts.get("stream", "").strip().casefold() not in _FALSE,
        dialect=NAME,
        extra=tuple(extra),
    )


def write_reply(reply: transcription.TranscriptionReply, request: transcription.TranscriptionRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    if request.format == "text":
        return WrittenForm(f"{reply.text}\n".encode(), _TEXT)
    seconds = None if reply.usage is None else dict(reply.usage.units).get("second")
    body: dict[str, Any] = {"text": reply.text}
    if request.format == "verbose_json":
        body |= {"task": "transcribe", "language": reply.language or "", "duration": reply.duration_s or 0.0}
        if request.words:
            body["words"] = [{"word": one.text, "start": one.start_s, "end": one.end_s} for one in reply.words]
        else:
            body["segments"] = []
    if seconds is not None:
        body["usage"] = {"type": "duration", "seconds": seconds}
    return WrittenForm(msgspec.json.encode(body))


SHAPE: Final = Shape(read_request=read_request, write_reply=write_reply)
