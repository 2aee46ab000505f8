"""The heads of calls for images and audio: of forms, whose few fields are read where they stand, and of speech.

What Asbru decides by stands once in a form and is spelled as OpenAI spells it: some servers read `model[]` or `Model`
as `model`, and would follow one that nobody judged. Not here: where the parts of a form are (`wire.multipart`).
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.core.usage import Unit, Usage
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.head import read_head
from asbru.dialects.openai_chat.types import CHOICES_MAX
from asbru.wire.audio_length import told_seconds
from asbru.wire.multipart import Form

_JUDGED = frozenset(("model", "stream", "n"))
_TRUE = frozenset(("true", "1", "yes", "on", "t", "y"))
_FALSE = frozenset(("false", "0", "no", "off", "f", "n", ""))
"""What servers take for a flag in a form (https://docs.pydantic.dev/latest/api/standard_library_types/#booleans)."""
IMAGE_TOKENS = 8192
"""More than any image has: 6,240 of the largest at high quality, and 100 for each of at most three partial images
(https://platform.openai.com/docs/guides/image-generation#cost-and-latency)."""
AUDIO_TOKENS_PER_BYTE = 4
"""A second of audio is some 20 tokens (https://platform.openai.com/docs/pricing: $0.015 for a minute, $12 for a
million), and seldom fewer than 10 letters are spoken in it."""
BYTES_PER_SECOND = 1000
"""Of speech that is coded very sparingly (8 kbit/s); mp3 has 4,000 and more."""
SECONDS_MAX = 1_000_000
"""More than anybody transcribes at once."""
_SSE = Raw(b'"sse"')
_encode = msgspec.json.encode
_text = msgspec.json.Decoder(str).decode


def read_form_head(form: Form, body: bytes) -> RequestHead:
    """Model, stream flag and number of answers. `BadRequest`, or `FormError` for a field that cannot be read."""
    members: dict[str, Raw] = {}
    found: dict[str, str] = {}
    for part in form.parts:
        name = part.name
        plain = name.partition("[")[0].strip().casefold()
        if plain in _JUDGED:
            if name != plain:
                raise BadRequest(f"expected the field '{plain}' by this name, got '{name[:100]}'", param=plain)
            if name in found:
                raise BadRequest(f"expected the field '{name}' once, got it twice", param=name)
            found[name] = text = form.text(body, part)
            members[name] = Raw(_encode(text))
        else:
            members.setdefault(name, NULL)
    model = found.get("model")
    if not model:
        said = "none" if model is None else "an empty string"
        raise BadRequest(f"model: expected a field with the name of a model, got {said}", param="model")
    return RequestHead(
        model=model,
        stream=_read_flag("stream", found.get("stream", "")),
        wants_usage=True,
        max_tokens=None,
        choices=_read_count("n", found.get("n", "")),
        members=members,
        form=form,
    )


def read_media_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The head of a call in JSON. Its streams report usage unasked."""
    return msgspec.structs.replace(read_head(body, parameters, query), wants_usage=True)


def read_speech_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The same, where a stream of events is asked for by its format."""
    head = read_media_head(body, parameters, query)
    if head.members.get("stream_format") == _SSE:
        return msgspec.structs.replace(head, stream=True)
    return head


def heard_seconds_max(head: RequestHead, body: bytes) -> tuple[tuple[Unit, int], ...]:
    """The most seconds of audio that the files of a form may hold: as their bytes allow, or as they tell, whichever is
    more, since silence may be coded in next to nothing."""
    form = head.form
    if form is None:
        return ()
    view = memoryview(body)
    told = sum(told_seconds(view[part.start : part.end]) for part in form.parts if part.is_file)
    return (("second", max(form.file_bytes // BYTES_PER_SECOND, min(int(told), SECONDS_MAX)) + 1),)


def image_tokens_max(head: RequestHead) -> int:
    """The most tokens that the images asked for may have."""
    return max(1, head.choices) * IMAGE_TOKENS


def speech_tokens_max(head: RequestHead) -> int:
    """The most tokens of audio that the text to be spoken may become."""
    return len(head.members.get("input", b"")) * AUDIO_TOKENS_PER_BYTE


def charge_characters(head: RequestHead, body: bytes) -> Usage | None:
    """The characters to be spoken. None where they cannot be read; then the provider refuses the call."""
    del body
    try:
        return Usage(units=(("character", len(_text(head.members["input"]))),))
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def charge_images(head: RequestHead, body: bytes) -> Usage:
    """The images asked for."""
    del body
    return Usage(units=(("image", max(1, head.choices)),))


def _read_flag(name: str, text: str) -> bool:
    folded = text.strip().casefold()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise BadRequest(f"{name}: expected true or false, got '{text[:100]}'", param=name)


def _read_count(name: str, text: str) -> int:
    digits = text.strip()
    if not digits:
        return 1
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise BadRequest(f"{name}: expected a whole number, got '{text[:100]}'", param=name)
    count = int(digits)
    if count > CHOICES_MAX:
        raise BadRequest(f"{name}: expected at most {CHOICES_MAX}, got {count}", param=name)
    return max(1, count)
