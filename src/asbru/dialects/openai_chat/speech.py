"""Speech of the OpenAI surface in canonical form. Replies are audio: as it comes, or taken out of what it came in.

Source: https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.shapes import speech
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import DECODE_ERRORS, NUMBER, Fields, open_body, refuse_request
from asbru.dialects.openai_chat.types import NAME

_EVENTS: Final = "sse"
_TYPES: Final = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/ogg",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
_id = msgspec.json.Decoder(dict[str, str]).decode


def read_request(body: bytes, content_type: bytes = b"") -> speech.SpeechRequest:
    """The request; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    speed = fields.raw("speed")
    return speech.SpeechRequest(
        model=fields.need_text("model"),
        text=fields.need_text("input"),
        voice=_voice(fields),
        format=fields.text("response_format") or "mp3",
        speed=None if speed is None else fields.read(speed, "speed", NUMBER),
        instructions=fields.text("instructions"),
        events=fields.text("stream_format") == _EVENTS or fields.boolean("stream") is True,
        dialect=NAME,
        extra=fields.rest_set(),
    )


def _voice(fields: Fields) -> str:
    """A voice's name, or the id of a caller's own."""
    raw = fields.peek("voice")
    if raw is not None and bytes(memoryview(raw)[:1]) == b"{":
        return _voice_id(fields, raw)
    return fields.need_text("voice")


def _voice_id(fields: Fields, raw: Raw) -> str:
    fields.raw("voice")
    try:
        return _id(raw)["id"]
    except (KeyError, *DECODE_ERRORS):
        raise fields.wrong("voice", "expected the name of a voice, or an object with its id") from None


def write_reply(reply: speech.SpeechReply, request: speech.SpeechRequest) -> WrittenForm:
    """The audio, with its type."""
    return WrittenForm(reply.audio, _TYPES.get(request.format, b"application/octet-stream"))


SHAPE: Final = Shape(read_request=read_request, write_reply=write_reply)
