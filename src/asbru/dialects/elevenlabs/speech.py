"""Speech: a text in canonical form, written for ElevenLabs. The voice and the format of the audio stand in the path.

A voice is an id. The names of OpenAI's voices, which its clients send, are no ids: they become one voice that
ElevenLabs documents, which is noted. The audio comes back as it is.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/convert
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.shapes import speech
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects.contract import PathParameters, RequestHead, Shape, WrittenForm
from asbru.dialects.elevenlabs.types import NAME
from asbru.dialects.fields import DECODE_ERRORS, TEXT, open_body, refuse_request
from asbru.dialects.openai_voices import OPENAI_VOICES
from asbru.dialects.receipt import Receipt

DEFAULT_VOICE: Final = "JBFqnCBsd6RMkjVDRZzb"
"""The voice of ElevenLabs' own examples (https://elevenlabs.io/docs/overview/intro)."""
DEFAULT_MODEL: Final = "eleven_multilingual_v2"
_FORMATS: Final = {"mp3": "mp3_44100_128", "opus": "opus_48000_128", "pcm": "pcm_24000", "wav": "wav_44100"}
"""By OpenAI's names; its pcm has 24,000 samples a second."""
_SPEEDS: Final = (0.7, 1.2)
_ASIDE: Final = ("language_code", "voice_settings", "seed", "previous_text", "next_text", "apply_text_normalization")
"""Members of ElevenLabs' that callers of other dialects may add."""
_members = msgspec.json.Decoder(dict[str, Any]).decode


def write_request(request: speech.SpeechRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`, with the voice and the format as parameters of the path."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    if request.events:
        raise UnsupportedByProvider("the provider sends speech as audio, not as a stream of events")
    form = _FORMATS.get(request.format, request.format if "_" in request.format else None)
    if form is None:
        raise UnsupportedByProvider(
            f"response_format: the provider has no '{request.format[:20]}'; it has {', '.join(_FORMATS)}"
        )
    voice = request.voice
    if voice in OPENAI_VOICES:
        receipt.changed("voice", f"'{voice}' is a voice of OpenAI's; expected the id of a voice")
        voice = DEFAULT_VOICE
    extra = dict(request.extra)
    body: dict[str, Any] = {"text": request.text, "model_id": model}
    body |= {name: extra.pop(name) for name in _ASIDE if name in extra}
    if request.speed is not None and request.speed != 1:
        body["voice_settings"] = {**_settings(body), "speed": _fitted(request.speed, receipt)}
    if request.instructions is not None:
        receipt.dropped("instructions", "the provider takes none")
    receipt.riding("", extra)
    parameters = {"voice": voice, "output_format": form}
    return WrittenForm(msgspec.json.encode(body), notes=receipt.notes, parameters=parameters)


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    try:
        return _members(body.get("voice_settings", b"{}"))
    except msgspec.MsgspecError:
        return {}


def _fitted(speed: float, receipt: Receipt) -> float:
    fitted = min(max(speed, _SPEEDS[0]), _SPEEDS[1])
    if fitted != speed:
        receipt.changed("speed", f"{speed} became {fitted}")
    return fitted


def read_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """What passthrough must know of a body; the model that ElevenLabs takes where none is named."""
    del parameters, query
    fields = open_body(body, refuse_request)
    model = fields.text("model_id") or DEFAULT_MODEL
    return RequestHead(model, False, True, None, 1, fields.rest())


def charge(head: RequestHead, body: bytes) -> Usage | None:
    """The characters to be spoken. None where they cannot be read; then the provider refuses the call."""
    del body
    try:
        return Usage(units=(("character", len(TEXT.decode(head.members["text"]))),))
    except (KeyError, *DECODE_ERRORS):
        return None


SHAPE: Final = Shape(write_request=write_request)
