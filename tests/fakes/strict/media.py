"""OpenAI's images and audio, as strict as they are documented to be: put one into `FakeUpstream.otherwise`.

    strict = StrictMedia()
    upstream.otherwise = strict
    ...
    assert not strict.refused

It checks the key, the kind of the body, the model, the file's size and format, the voice and the number of images, and
answers in every form that can be asked for. Rules and words: platform.openai.com/docs/api-reference/audio and /images,
openai/openai-python/issues/1021 (size), community.openai.com/t/640060 (format).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.forms import read_parts
from tests.fakes.strict.refusal import Refusal
from tests.fakes.upstream import Reply, Seen

FILE_BYTES_MAX = 25 * 1024 * 1024
AUDIO = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
IMAGES = ("png", "webp", "jpg", "jpeg")
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")
HEARERS: Mapping[str, tuple[str, ...]] = {
    "whisper-1": ("json", "text", "srt", "verbose_json", "vtt"),
    "gpt-4o-transcribe": ("json",),
}
"""Models that transcribe, and what they write."""
SPEAKERS = ("tts-1", "gpt-4o-mini-tts")
PAINTERS: Mapping[str, int] = {"gpt-image-1": 10, "dall-e-2": 10, "dall-e-3": 1}
"""Models that make images, and how many at once."""
MP3 = b"ID3\x04\x00" + bytes(range(256)) * 64
TEXT = "Hello from the strict fake."
PIXELS = "iVBORw0KGgo="
HEARD: dict[str, Any] = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    "output_tokens": 6,
    "total_tokens": 20,
}
PAINTED: dict[str, Any] = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    "output_tokens": 4160,
    "total_tokens": 4210,
}


@dataclass
class Asked:
    """What a request says: its fields, and its files as (name of the field, filename, content)."""

    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[tuple[str, str, bytes]] = field(default_factory=list[tuple[str, str, bytes]])


class StrictMedia:
    """See the module. `refused` holds the words of every refusal, in order."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._paths: Mapping[str, tuple[Callable[[Asked], Reply], bool]] = {
            "/v1/audio/transcriptions": (_transcribe, True),
            "/v1/audio/translations": (_translate, True),
            "/v1/audio/speech": (_speak, False),
            "/v1/images/generations": (_generate, False),
            "/v1/images/edits": (_edit, True),
            "/v1/images/variations": (_vary, True),
        }

    def __call__(self, seen: Seen) -> Reply:
        try:
            if not seen.headers.get("authorization", "").startswith("Bearer "):
                raise Refusal("You didn't provide an API key.", status=401, code="invalid_api_key")
            if seen.path not in self._paths:
                raise Refusal(f"Invalid URL ({seen.method} {seen.path})", status=404)
            answer, is_form = self._paths[seen.path]
            return answer(_asked(seen, is_form=is_form))
        except Refusal as refusal:
            self.refused.append(refusal.message)
            error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
            return Reply.json({"error": error}, refusal.status)


def _asked(seen: Seen, *, is_form: bool) -> Asked:
    kind = seen.headers.get("content-type", "")
    if not is_form:
        if kind != "application/json":
            raise Refusal(f"Unsupported content type: '{kind}'. This API method only accepts 'application/json'.")
        return Asked(seen.json())
    if not kind.startswith("multipart/form-data; boundary="):
        raise Refusal(f"Could not parse multipart form, got '{kind}'")
    asked = Asked()
    for name, filename, content in read_parts(seen.body, kind):
        if filename is None:
            asked.fields[name] = content.decode()
        else:
            asked.files.append((name, filename, content))
    return asked


def _file(asked: Asked, names: tuple[str, ...], formats: tuple[str, ...]) -> None:
    files = [one for one in asked.files if one[0] in names]
    if not files:
        raise Refusal(f"Missing required parameter: '{names[0]}'.", param=names[0])
    for _, filename, content in files:
        if len(content) > FILE_BYTES_MAX:
            said = f"Maximum content size limit ({FILE_BYTES_MAX}) exceeded ({len(content)} bytes read)"
            raise Refusal(said, status=413, kind="server_error")
        if filename.rpartition(".")[2] not in formats:
            raise Refusal(f"Invalid file format. Supported formats: {list(formats)}", param=names[0])


def _model(asked: Asked, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    model = asked.fields.get("model")
    if model not in known:
        raise Refusal(f"The model `{model}` does not exist", status=404, code="model_not_found")
    return str(model)


def _transcribe(asked: Asked) -> Reply:
    _file(asked, ("file",), AUDIO)
    model = _model(asked, HEARERS)
    form = asked.fields.get("response_format", "json")
    if form not in HEARERS[model]:
        raise Refusal(f"response_format '{form}' is not compatible with model '{model}'.", param="response_format")
    if asked.fields.get("stream") == "true" and model != "whisper-1":  # which ignores it
        return _events(
            {"type": "transcript.text.delta", "delta": TEXT, "logprobs": []},
            {"type": "transcript.text.done", "text": TEXT, "logprobs": [], "usage": HEARD},
        )
    usage = HEARD if model != "whisper-1" else {"type": "duration", "seconds": 9}
    return _transcript(form, {"text": TEXT, "usage": usage})


def _translate(asked: Asked) -> Reply:
    _file(asked, ("file",), AUDIO)
    if _model(asked, HEARERS) != "whisper-1":
        raise Refusal("Translations are available for whisper-1 only")
    return _transcript(asked.fields.get("response_format", "json"), {"text": TEXT})


def _transcript(form: str, reply: dict[str, Any]) -> Reply:
    match form:
        case "text":
            return Reply.body(f"{TEXT}\n".encode(), "text/plain; charset=utf-8")
        case "srt":
            return Reply.body(f"1\n00:00:00,000 --> 00:00:02,000\n{TEXT}\n\n".encode(), "text/plain; charset=utf-8")
        case "verbose_json":
            return Reply.json(
                {"task": "transcribe", "language": "english", "duration": 8.47, "segments": [], **reply}
            )
        case _:
            return Reply.json(reply)


def _speak(asked: Asked) -> Reply:
    model = _model(asked, SPEAKERS)
    if not asked.fields.get("input"):
        raise Refusal("Missing required parameter: 'input'.", param="input")
    if len(asked.fields["input"]) > 4096:
        raise Refusal("String should have at most 4096 characters", param="input")
    if asked.fields.get("voice") not in VOICES:
        raise Refusal(f"Input should be one of {', '.join(VOICES)}", param="voice")
    if asked.fields.get("stream_format") == "sse":
        if model == "tts-1":
            raise Refusal("'sse' is not supported for tts-1", param="stream_format")
        usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
        return _events({"type": "speech.audio.delta", "audio": "SUQz"}, {"type": "speech.audio.done", "usage": usage})
    pieces = [MP3[at : at + 1000] for at in range(0, len(MP3), 1000)]
    return Reply(200, pieces, {"content-type": "audio/mpeg"}, "chunked")


def _images(asked: Asked, of: str) -> Reply:
    model = _model(asked, PAINTERS)
    count = int(asked.fields.get("n") or 1)
    if not 1 <= count <= PAINTERS[model]:
        raise Refusal(f"Invalid 'n': expected at most {PAINTERS[model]}, got {count}", param="n")
    if asked.fields.get("stream") in (True, "true"):
        whole = {"b64_json": PIXELS, "created_at": 1, "size": "1024x1024", "quality": "high"}
        whole |= {"background": "opaque", "output_format": "png"}
        ends = [{"type": f"{of}.completed", **whole, "usage": PAINTED}] * count
        return _events({"type": f"{of}.partial_image", **whole, "partial_image_index": 0}, *ends)
    reply: dict[str, Any] = {"created": 1, "data": [{"b64_json": PIXELS}] * count}
    return Reply.json({**reply, "usage": PAINTED} if model == "gpt-image-1" else reply)


def _generate(asked: Asked) -> Reply:
    if not asked.fields.get("prompt"):
        raise Refusal("Missing required parameter: 'prompt'.", param="prompt")
    return _images(asked, "image_generation")


def _edit(asked: Asked) -> Reply:
    _file(asked, ("image", "image[]"), IMAGES)
    if not asked.fields.get("prompt"):
        raise Refusal("Missing required parameter: 'prompt'.", param="prompt")
    return _images(asked, "image_edit")


def _vary(asked: Asked) -> Reply:
    _file(asked, ("image",), ("png",))
    if asked.fields.get("model") != "dall-e-2":
        raise Refusal("Variations are available for dall-e-2 only", param="model")
    return _images(asked, "image_variation")


def _events(*events: dict[str, Any]) -> Reply:
    return Reply.events(*[f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events])
