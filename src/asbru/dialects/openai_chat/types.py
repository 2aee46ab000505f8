"""The wire structs of OpenAI chat that are decoded whole: heads, usage, stream chunks, errors.

They name only what Asbru acts on and tolerate everything else; objects whose unknown members must ride
along are read member by member instead (`fields.py`). Numbers are strict: "12" is not 12.
Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import NULL, refuse_reply

NAME: Final = "openai_chat"
CHOICES_MAX: Final = 128
"""Choices of one reply (https://platform.openai.com/docs/api-reference/chat/create, `n`)."""
ANTHROPIC: Final = "anthropic_messages"
ANTHROPIC_FORMAT: Final = "anthropic-claude-v1"
"""OpenRouter's word for reasoning signed by Anthropic, in the `format` of a `reasoning_details` item."""
CARRIER: Final = "asbru:"
"""The `format` of reasoning signed in any other dialect is `asbru:<dialect>`, so that it goes back only there."""

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_creation_tokens: int | None = None
    audio_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class UsageWire(msgspec.Struct):
    """The `usage` object with the spellings met in the wild (DeepSeek, Mistral, Writer, Hugging Face)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    prompt_token_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    completion_token_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None
    num_cached_tokens: int | None = None


class UsageEnvelope(msgspec.Struct):
    """The end of an answer, decoded in one go when nothing about it is odd."""

    usage: UsageWire | None = None
    service_tier: Any = None


# `Raw | None` would refuse everything but null: msgspec takes Raw only alone.
class GroqWire(msgspec.Struct):
    usage: Raw = NULL


class Envelope(msgspec.Struct):
    """The members of an answer or a chunk that tell usage and errors, whatever the rest is."""

    usage: Raw = NULL
    x_groq: GroqWire | None = None
    error: Raw = NULL
    service_tier: Any = None


class ChunkChoice(msgspec.Struct):
    """`delta` is kept by member, so that what is unknown can ride along; `text` is the completions API's."""

    index: int | None = None
    delta: dict[str, Raw] | None = None
    finish_reason: str | None = None
    text: str | None = None
    error: Raw = NULL


class PeekChunk(msgspec.Struct):
    """A chunk as the pass-through helpers look at it."""

    choices: list[ChunkChoice] | None = None
    usage: Raw = NULL
    x_groq: GroqWire | None = None
    error: Raw = NULL
    service_tier: Any = None
