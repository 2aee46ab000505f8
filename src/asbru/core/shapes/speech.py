"""Speech in canonical form: a text to be spoken. What comes back is audio, as bytes."""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra


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
