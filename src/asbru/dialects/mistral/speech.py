"""Speech: a text in canonical form, written for Mistral. The audio comes back in base64, in a JSON object.

A voice is the id of a preset or of a voice of the account (`voice_id`). The names of OpenAI's voices, which its clients
send, become one preset, which is noted. Its `pcm` is not used: it is not documented to be what OpenAI's is.

Source: https://docs.mistral.ai/studio/audio/text-to-speech/generate-speech and
https://github.com/mistralai/client-python/blob/main/docs/sdks/speech/README.md
"""

from __future__ import annotations

import binascii
from typing import Any, Final

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.shapes import speech
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects.contract import PathParameters, RequestHead, Shape, WrittenForm
from asbru.dialects.fields import DECODE_ERRORS, TEXT, open_body, refuse_reply, refuse_request
from asbru.dialects.openai_voices import OPENAI_VOICES
from asbru.dialects.receipt import Receipt

NAME: Final = "mistral"
DEFAULT_VOICE: Final = "gb_jane_neutral"
"""The preset of Mistral's own examples."""
_FORMATS: Final = ("mp3", "opus", "flac", "wav")
_ASIDE: Final = ("ref_audio", "phoneme_hints", "metadata", "prompt_cache_key")
"""Members of Mistral's that callers of the OpenAI dialect may add."""
_REFUSE_REPLY: Final = refuse_reply(NAME)


def write_request(request: speech.SpeechRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    if request.events:
        raise UnsupportedByProvider("the provider sends speech as a whole, not as a stream of events")
    if request.format not in _FORMATS:
        raise UnsupportedByProvider(
            f"response_format: the provider has no '{request.format[:20]}'; it has {', '.join(_FORMATS)}"
        )
    extra = dict(request.extra)
    body: dict[str, Any] = {"model": model, "input": request.text, "response_format": request.format}
    body |= {name: extra.pop(name) for name in _ASIDE if name in extra}
    if "ref_audio" not in body:
        body["voice_id"] = _voice(request.voice, receipt)
    if request.speed is not None and request.speed != 1:
        receipt.dropped("speed", "the provider takes none")
    if request.instructions is not None:
        receipt.dropped("instructions", "the provider takes none")
    receipt.riding("", extra)
    return WrittenForm(msgspec.json.encode(body), notes=receipt.notes)


def _voice(voice: str, receipt: Receipt) -> str:
    if voice not in OPENAI_VOICES:
        return voice
    receipt.changed("voice", f"'{voice}' is a voice of OpenAI's; expected the id of a voice")
    return DEFAULT_VOICE


def read_reply(body: bytes, content_type: bytes) -> speech.SpeechReply:
    """The audio; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, _REFUSE_REPLY)
    try:
        audio = binascii.a2b_base64(fields.need_text("audio_data"), strict_mode=True)
    except ValueError:  # which characters that are not ASCII are, too
        raise fields.wrong("audio_data", "expected base64, got something else") from None
    if not audio:
        raise fields.wrong("audio_data", "expected audio, got nothing")
    return speech.SpeechReply(audio=audio)


def read_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """What passthrough must know of a body."""
    del parameters, query
    fields = open_body(body, refuse_request)
    stream = fields.boolean("stream") is True
    return RequestHead(fields.text("model") or "", stream, True, None, 1, fields.rest())


def charge(head: RequestHead, body: bytes) -> Usage | None:
    """The characters to be spoken. None where they cannot be read; then the provider refuses the call."""
    del body
    try:
        return Usage(units=(("character", len(TEXT.decode(head.members["input"]))),))
    except (KeyError, *DECODE_ERRORS):
        return None


SHAPE: Final = Shape(write_request=write_request, read_reply=read_reply)
