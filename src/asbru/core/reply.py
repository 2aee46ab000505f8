"""The canonical reply and the canonical stream of events.

A stream is a list of events in this grammar, which every reader obeys and every writer may rely on:

    ( Ping | ForeignEvent )*
    ReplyStart  ( PartStart (PartDelta)* PartStop | UsageReport | Ping | ForeignEvent )*  ChoiceStop*
    ( UsageReport )*  ReplyEnd      or, at any point,      StreamFault

`PartStart.index` counts parts within a choice, in order, from 0; deltas name the part they extend. Parts of one
choice may be open at the same time (parallel tool calls), and each is stopped exactly once. `ReplyEnd` is emitted
only when the provider said that the stream is complete; a stream that ends without it was cut.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from asbru.core.chat import Choice, Extra, ForeignPart, Part, Raw, StopReason
from asbru.core.usage import Usage


class ChatReply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `created_s` is a Unix time; `model` is the name the provider gave."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created_s: int | None = None
    service_tier: str | None = None
    dialect: str = ""
    extra: Extra = {}


class ReplyStart(msgspec.Struct, frozen=True, kw_only=True):
    """The first event of the reply: who replies. `usage` where the dialect tells the input tokens first (Anthropic)."""

    id: str
    model: str
    created_s: int | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    dialect: str = ""
    extra: Extra = {}


class PartStart(msgspec.Struct, frozen=True, kw_only=True):
    """A part begins: `part` is its empty form (a ToolCallPart with id and name, a TextPart with "")."""

    index: int
    part: Part
    choice: int = 0


class PartDelta(msgspec.Struct, frozen=True, kw_only=True):
    """More of an open part. Exactly one field is set: `text` extends text, thinking, refusal or tool arguments
    (as the part's kind says); `signature` completes a thinking part; `citation` adds one raw citation;
    `logprobs` carries raw token log probabilities; `foreign` is a raw delta only the part's own dialect knows."""

    index: int
    choice: int = 0
    text: str | None = None
    signature: str | None = None
    citation: Raw | None = None
    logprobs: Raw | None = None
    foreign: Raw | None = None


class PartStop(msgspec.Struct, frozen=True, kw_only=True):
    """The part is complete. `part` is the whole of a foreign part that grew, which only its dialect can put together;
    None for all others."""

    index: int
    choice: int = 0
    part: ForeignPart | None = None


class ChoiceStop(msgspec.Struct, frozen=True, kw_only=True):
    """A choice is complete; `raw_stop` is the provider's own word."""

    stop: StopReason
    choice: int = 0
    raw_stop: str | None = None
    stop_sequence: str | None = None
    extra: Extra = {}


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens so far, whole (not a difference): the last report of a stream counts."""

    usage: Usage


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """A keep-alive; carries nothing."""


class ForeignEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event only `dialect` understands: its SSE event name (or "") and raw data."""

    dialect: str
    event: str
    data: bytes


class ReplyEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The provider said: complete."""


class StreamFault(msgspec.Struct, frozen=True, kw_only=True):
    """The provider reported an error inside the stream."""

    message: str
    type: str = "api_error"
    code: str | None = None
    status: int | None = None
    """The HTTP status the fault would have had, where the dialect tells (529 for `overloaded_error`)."""


StreamEvent: TypeAlias = (
    ReplyStart
    | PartStart
    | PartDelta
    | PartStop
    | ChoiceStop
    | UsageReport
    | Ping
    | ForeignEvent
    | ReplyEnd
    | StreamFault
)


def is_content(event: StreamEvent) -> bool:
    """Whether the event shows the caller something of the answer: after it no fallback is possible."""
    return isinstance(event, (PartDelta, ForeignEvent, ChoiceStop)) or (
        isinstance(event, PartStart) and not _is_empty_start(event.part)
    )


def _is_empty_start(part: Part) -> bool:
    return msgspec.structs.asdict(part).get("text") == ""
