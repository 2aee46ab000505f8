"""Usage of images, speech and transcription, whose `usage` differs from that of a chat.

    images            input_tokens (text, image) and output_tokens, which are image tokens unless details say otherwise;
                      without usage: the number of images in the reply
    transcription     `type: tokens`: input_tokens (text, audio) and output_tokens; `type: duration`: seconds; Mistral's
                      `prompt_audio_seconds`; without usage: the `duration` of verbose replies
    speech            input_tokens and output_tokens, which are audio, at the end of a stream of events

Details that exceed their total are cut to it. What makes no sense is absent, never zero.
Sources: https://platform.openai.com/docs/api-reference/images/object,
https://platform.openai.com/docs/api-reference/audio, https://docs.mistral.ai/capabilities/audio_transcription
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import TOKENS_BITS_MAX, Usage
from asbru.dialects.fields import NULL

Media: TypeAlias = Literal["image", "audio", "text"]
"""What the output of an operation is."""

_KEY = b'"usage"'
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Details(msgspec.Struct):
    text_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None
    cached_tokens: int | None = None


class _UsageWire(msgspec.Struct):
    """OpenAI's names and, for Mistral and servers that follow chat, those of a chat."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_token_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_token_details: _Details | None = None
    output_tokens_details: _Details | None = None
    seconds: float | None = None
    prompt_audio_seconds: float | None = None


class _Reply(msgspec.Struct):
    """What is read of a reply: neither images nor words."""

    usage: Raw = NULL
    duration: float | str | None = None
    data: list[Raw] | None = None


class _Tail(msgspec.Struct):
    usage: Raw = NULL


_USAGE = msgspec.json.Decoder(_UsageWire)
_REPLY = msgspec.json.Decoder(_Reply)
_TAIL = msgspec.json.Decoder(_Tail)
_NO_DETAILS = _Details()


def image_usage(body: bytes) -> Usage | None:
    """Usage of a whole reply with images."""
    at = body.rfind(_KEY)
    if at >= 0:  # nearly always the last member, behind megabytes of images
        try:
            usage = media_usage(_TAIL.decode(b"{" + body[at:]).usage, "image")
        except _ERRORS:
            usage = None
        if usage is not None:
            return usage
    reply = _read_reply(body)
    if reply is None:
        return None
    usage = media_usage(reply.usage, "image")
    if usage is None and reply.data:
        return Usage(units=(("image", len(reply.data)),))
    return usage


def transcription_usage(body: bytes) -> Usage | None:
    """Usage of a whole transcription; None where it is not JSON."""
    reply = _read_reply(body)
    if reply is None:
        return None
    return media_usage(reply.usage, "text") or _seconds(reply.duration)


def media_usage(raw: Raw, output: Media) -> Usage | None:
    """The buckets of a `usage` object; None where it is absent or makes no sense."""
    if raw == NULL:
        return None
    try:
        wire = _USAGE.decode(raw)
    except _ERRORS:
        return None
    seconds = _seconds(wire.seconds if wire.seconds is not None else wire.prompt_audio_seconds)
    took = wire.input_tokens if wire.input_tokens is not None else wire.prompt_tokens
    gave = wire.output_tokens if wire.output_tokens is not None else wire.completion_tokens
    if not (took or gave):  # zeros, too: some servers write them where nothing was counted
        return seconds
    tokens = _buckets(took or 0, gave or 0, wire, output)
    return tokens if seconds is None else tokens + seconds


def _buckets(took: int, gave: int, wire: _UsageWire, output: Media) -> Usage:
    took, gave = max(took, 0), max(gave, 0)
    details = wire.input_tokens_details or wire.input_token_details or _NO_DETAILS
    image_input = _within(details.image_tokens, took)
    audio_input = _within(details.audio_tokens, took - image_input)
    cached = _within(details.cached_tokens, took - image_input - audio_input)
    details = wire.output_tokens_details or wire.output_token_details
    if details is None:
        details = _Details(**{f"{output}_tokens": gave})
    image_output = _within(details.image_tokens, gave)
    audio_output = _within(details.audio_tokens, gave - image_output)
    return Usage(
        input=took - image_input - audio_input - cached,
        cache_read=cached,
        audio_input=audio_input,
        image_input=image_input,
        output=gave - image_output - audio_output,
        audio_output=audio_output,
        image_output=image_output,
        reasoning_known=False,
    )


def _within(count: int | None, limit: int) -> int:
    return min(max(count or 0, 0), limit)


def _seconds(told: float | str | None) -> Usage | None:
    """Seconds of audio, rounded up; Groq and OpenAI differ in whether a duration is a number."""
    try:
        seconds = math.ceil(float(told or 0.0))
    except (ValueError, OverflowError):
        return None
    return Usage(units=(("second", seconds),)) if 0 < seconds < 1 << TOKENS_BITS_MAX else None


def _read_reply(body: bytes) -> _Reply | None:
    try:
        return _REPLY.decode(body)
    except _ERRORS:
        return None
