"""Transcription in canonical form: a file with audio, and what is said in it."""

from __future__ import annotations

import msgspec

from asbru.core.usage import Usage


class TranscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be transcribed. `file`: the part of a form that holds the audio, as it stands from the line of its
    `boundary` on, a view of it; `format`: of the reply, by OpenAI's names ("json", "text", "verbose_json"); `words`:
    whether the time of each word is wanted; `extra`: names of fields that only the dialect named in `dialect` knows."""

    model: str
    file: memoryview
    boundary: bytes
    format: str = "json"
    language: str | None = None
    prompt: str | None = None
    temperature: str | None = None
    words: bool = False
    stream: bool = False
    dialect: str = ""
    extra: tuple[str, ...] = ()


class Word(msgspec.Struct, frozen=True):
    """A word, and when it was said."""

    text: str
    start_s: float
    end_s: float


class TranscriptionReply(msgspec.Struct, frozen=True, kw_only=True):
    """What was said. `language`: as the provider calls it; `duration_s`: of the audio."""

    text: str
    language: str | None = None
    duration_s: float | None = None
    words: tuple[Word, ...] = ()
    usage: Usage | None = None
