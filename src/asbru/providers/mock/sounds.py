"""Speech of the mock, and what it hears: a tone for each word, with the text written into the file. Pure.

A recording that the mock has made is transcribed to the text it was made from; of any other, the text tells its size.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Iterator

import msgspec

from asbru.providers.mock.form import Form, text_of
from asbru.providers.mock.prompt import Object, Refusal, count_words, decode

SPEAKING = "speak"
LISTENING = "listen"
CHARACTERS_MAX = 4096
RATE = 8000
WORD_S = 0.2
_PIECE_BYTES = 3200
_TYPES = {"wav": "audio/wav", "pcm": "audio/pcm"}
_FORMATS = ("json", "text", "srt", "vtt", "verbose_json")


class _SpeechBody(msgspec.Struct):
    model: str
    input: str
    voice: str | Object
    response_format: str | None = None
    stream_format: str | None = None


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """A text to speak. `stream`: as events."""

    model: str
    text: str
    format: str
    stream: bool

    @property
    def content_type(self) -> str:
        """Of the audio."""
        return _TYPES[self.format]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording says."""

    model: str
    text: str
    seconds: float
    format: str
    stream: bool
    task: str

    @property
    def content_type(self) -> str:
        """Of the answer."""
        return "application/json" if "json" in self.format else "text/plain; charset=utf-8"


def read_speech(body: bytes) -> Speech:
    """A request for speech; raises `Refusal` 400 on anything else."""
    asked = decode(body, _SpeechBody)
    form = asked.response_format or "wav"
    if form not in _TYPES:
        raise Refusal(400, f"`response_format` is {form!r}: the mock makes wav and pcm")
    if not asked.input.strip() or len(asked.input) > CHARACTERS_MAX:
        raise Refusal(400, f"`input` has {len(asked.input)} characters: words of up to {CHARACTERS_MAX} are needed")
    return Speech(model=asked.model, text=asked.input, format=form, stream=asked.stream_format == "sse")


def write_speech(speech: Speech) -> Iterator[bytes]:
    """The audio, in pieces."""
    audio = _tones(speech.text)
    if speech.format == "wav":
        audio = _wav(audio, speech.text)
    for start in range(0, len(audio), _PIECE_BYTES):
        yield audio[start : start + _PIECE_BYTES]


def write_speech_events(speech: Speech) -> Iterator[bytes]:
    """The same in events, with usage in the last."""
    for piece in write_speech(speech):
        yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
    spoken = count_words(speech.text)
    usage = {"input_tokens": spoken, "output_tokens": spoken, "total_tokens": 2 * spoken}
    yield _event({"type": "speech.audio.done", "usage": usage})


def hear(form: Form, task: str) -> Heard:
    """What a form with a recording asks for; raises `Refusal` 400 where it is not that."""
    recording = form.get("file", [b""])[0]
    if not recording:
        raise Refusal(400, "`file` is needed: a recording")
    kind = text_of(form, "response_format", "json")
    if kind not in _FORMATS:
        raise Refusal(400, f"`response_format` is {kind!r}: one of {', '.join(_FORMATS)} is needed")
    text = _spoken(recording)
    return Heard(
        model=text_of(form, "model"),
        text=f"a recording of {len(recording)} bytes" if text is None else text,
        seconds=len(recording) / (2 * RATE) if text is None else count_words(text) * WORD_S,
        format=kind,
        stream=text_of(form, "stream") == "true",
        task=task,
    )


def write_heard(heard: Heard) -> bytes:
    """The whole answer, in the form that was asked for."""
    match heard.format:
        case "text":
            return heard.text.encode() + b"\n"
        case "srt":
            return f"1\n{_time(0, ',')} --> {_time(heard.seconds, ',')}\n{heard.text}\n\n".encode()
        case "vtt":
            return f"WEBVTT\n\n{_time(0, '.')} --> {_time(heard.seconds, '.')}\n{heard.text}\n\n".encode()
        case "verbose_json":
            segment = {"id": 0, "start": 0.0, "end": heard.seconds, "text": heard.text}
            more = {"task": heard.task, "language": "english", "duration": heard.seconds, "segments": [segment]}
            return msgspec.json.encode({**more, "text": heard.text, "usage": _duration(heard)})
        case _:
            return msgspec.json.encode({"text": heard.text, "usage": _duration(heard)})


def write_heard_events(heard: Heard) -> Iterator[bytes]:
    """The text word by word, then all of it."""
    for word in heard.text.split(" "):
        yield _event({"type": "transcript.text.delta", "delta": f"{word} "})
    yield _event({"type": "transcript.text.done", "text": heard.text, "usage": _duration(heard)})


def _tones(text: str) -> bytes:
    """A tone for each word, its pitch made from the word; 16 bits, one channel."""
    pitches = [hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[0] for word in text.split()]
    made = {pitch: _tone(220 + 4 * pitch) for pitch in set(pitches)}
    return b"".join(made[pitch] for pitch in pitches)


def _tone(frequency: int) -> bytes:
    count = int(RATE * WORD_S)
    turn = 2 * math.pi * frequency / RATE
    return struct.pack(f"<{count}h", *(int(8000 * (1 - at / count) * math.sin(turn * at)) for at in range(count)))


def _wav(audio: bytes, text: str) -> bytes:
    """A RIFF file, with the text as its comment in front of the audio."""
    comment = text.encode("utf-8", "replace")
    comment += bytes(2 - len(comment) % 2)
    chunks = (
        (b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)),
        (b"LIST", b"INFOICMT" + struct.pack("<I", len(comment)) + comment),
        (b"data", audio),
    )
    body = b"WAVE" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _spoken(recording: bytes) -> str | None:
    """The text of a recording that the mock has made; None of any other."""
    mark = recording.find(b"INFOICMT", 0, 64)
    if not recording.startswith(b"RIFF") or mark < 0:
        return None
    size = int.from_bytes(recording[mark + 8 : mark + 12], "little")
    return recording[mark + 12 : mark + 12 + size].rstrip(b"\0").decode("utf-8", "replace")


def _duration(heard: Heard) -> Object:
    return {"type": "duration", "seconds": math.ceil(heard.seconds)}


def _time(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


def _event(data: Object) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"
