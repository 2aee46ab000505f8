"""Speech in canonical form: a text to be spoken, and the audio, where a provider does not send it as bytes."""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra
from asbru.core.usage import Usage


class SpeechRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text, and how it is spoken. `format`: of the audio, by OpenAI's names ("mp3", "opus", "wav", "pcm" ...);
    `speed`: 1 for the voice's own; `events`: the audio is wanted as a stream of events."""

    model: str
    text: str
    voice: str
    format: str = "mp3"
    speed: float | None = None
    instructions: str | None = None
    events: bool = False
    dialect: str = ""
    extra: Extra = {}


class SpeechReply(msgspec.Struct, frozen=True, kw_only=True):
    """The audio, in the format that was asked for."""

    audio: bytes
    usage: Usage | None = None
