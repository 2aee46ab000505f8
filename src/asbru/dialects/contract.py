"""What every dialect offers: pure functions between the canonical form and one provider's wire format.

A dialect is a record of functions, so that the path can hold one without knowing which. All of them are total:
bad input raises `core.errors.BadRequest` (requests) or `core.errors.UpstreamError` with kind "protocol" (answers).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from asbru.core.chat import ChatRequest, Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import ChatReply, StreamEvent, StreamFault
from asbru.core.traits import Traits
from asbru.core.usage import Usage


class RequestHead(msgspec.Struct, frozen=True):
    """What a pass-through call needs of a body: decoded alone, in a fraction of a microsecond.

    `wants_usage` tells that the caller asked for usage in the stream (OpenAI `stream_options.include_usage`);
    always True where the dialect reports it unasked. `choices`: how many answers were asked for (OpenAI `n`).
    `members`: the members of the body's object as they stand, views of it: what a rewrite starts from.
    """

    model: str
    stream: bool
    wants_usage: bool
    max_tokens: int | None
    choices: int = 1
    members: dict[str, Raw] = {}


class Written(msgspec.Struct, frozen=True):
    """A request body for the wire, with the receipt of what could not be carried."""

    body: bytes
    notes: tuple[Note, ...] = ()


class WrittenReply(msgspec.Struct, frozen=True):
    """An answer's body for the wire, with the receipt."""

    body: bytes
    notes: tuple[Note, ...] = ()


class StreamReader(Protocol):
    """Wire bytes to canonical events; obeys the grammar in `core.reply`. Split-invariant."""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes. Garbage becomes a `StreamFault` (type "protocol_error")."""
        ...

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end of the bytes: closing events only if the stream was complete in this dialect's own terms.

        `clean` tells that the provider ended the body by itself: only then may a finished answer stand for the
        terminator that some providers never send.
        """
        ...


class StreamWriter(Protocol):
    """Canonical events to wire bytes."""

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """The bytes for `events` (possibly b""). Includes the dialect's terminator on `ReplyEnd`, and its error
        event on `StreamFault`."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be carried so far."""
        ...


class TailFacts(msgspec.Struct, frozen=True):
    """What the end of a stream tells.

    `complete`: the dialect's terminator was seen: the stream is whole, whatever happened to the connection.
    `finished`: every choice has its finish reason: the stream is whole if its body ended cleanly, and cut if not.
    """

    usage: Usage | None
    complete: bool
    finished: bool = False
    fault: StreamFault | None = None


class TailReader(Protocol):
    """See `Dialect.tail`."""

    def __call__(self, data: bytes, choices: int = 1) -> TailFacts:
        """The facts from the last bytes of a stream that was asked for `choices` answers."""
        ...


def no_finish(data: bytes) -> bool:
    """`finishes` of a dialect whose answers have one choice."""
    del data
    return False


def no_head_usage(data: bytes) -> Usage | None:
    """`head_usage` of a dialect that reports no usage at the start of a stream."""
    del data
    return None


def tail_usage_wins(head: Usage | None, tail: Usage | None) -> Usage | None:
    """`merge_usage` of a dialect whose last report is whole."""
    return head if tail is None else tail


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One wire format for chat, in both directions.

    `read_head(body)` and `rewrite(head, model, ask_usage, strip)` serve pass-through: the latter replaces the model
    (always), asks the stream for usage (if `ask_usage`) and removes the members called `strip`; it returns the members
    to send, or None when nothing had to change and the body goes on as it came. `head` stays as it was.
    `write_request(request, model, traits)` writes the body for `model`, the upstream's own name, as its traits allow.
    `usage_of(body)` reads usage from a complete JSON answer, tail first, whole body as a fallback; None if absent.
    `head_usage(data)` reads usage from the first whole events of a stream, where the dialect tells it there (input
    tokens in Anthropic's `message_start`); `merge_usage(head, tail)` joins it with what `tail` found.
    `tail(data, choices)` reads the last bytes of a stream (whole events); `data` may begin in the middle of an event.
    `finishes(data)` tells whether whole events hold a finish reason: asked only where `choices` is above one, so that
    the choices that end early are not forgotten.
    `prelude(data)` looks at the first whole events of a stream: a `StreamFault`, True once content was seen,
    else False.
    `withhold(events)` removes the usage-only chunk that Asbru asked for from whole events; identity object when none.
    `read_error(status, body)` turns a provider's error answer into an `UpstreamError` that keeps status, type, code,
    message and body; `error_inside(body)` does so for an error that came with status 200 in place of an answer, and
    is None for an answer. `write_error(error, request_id)` gives the body for an error answer in this dialect;
    `write_stream_error(error)` the bytes that end a stream with it.
    """

    name: str
    read_head: Callable[[bytes], RequestHead]
    rewrite: Callable[[RequestHead, str, bool, frozenset[str]], dict[str, Raw] | None]
    read_request: Callable[[bytes], ChatRequest]
    write_request: Callable[[ChatRequest, str, Traits], Written]
    read_reply: Callable[[bytes], ChatReply]
    write_reply: Callable[[ChatReply], WrittenReply]
    stream_reader: Callable[[], StreamReader]
    stream_writer: Callable[[ChatRequest], StreamWriter]
    usage_of: Callable[[bytes], Usage | None]
    tail: TailReader
    prelude: Callable[[bytes], StreamFault | bool]
    withhold: Callable[[bytes], bytes]
    read_error: Callable[[int, bytes], UpstreamError]
    error_inside: Callable[[bytes], UpstreamError | None]
    write_error: Callable[[AsbruError, str], bytes]
    write_stream_error: Callable[[AsbruError], bytes]
    finishes: Callable[[bytes], bool] = no_finish
    head_usage: Callable[[bytes], Usage | None] = no_head_usage
    merge_usage: Callable[[Usage | None, Usage | None], Usage | None] = tail_usage_wins
