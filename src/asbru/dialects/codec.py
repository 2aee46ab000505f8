"""Translation of a chat: its requests, replies and streams, to and from the canonical form.

Not here: translation of what is no chat (`shape`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.notes import Note
from asbru.core.reply import ChatReply, StreamEvent
from asbru.core.traits import Traits


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


def nothing_without(traits: Traits, member: str) -> Traits | None:
    """`without` of a dialect that needs every member it writes."""
    del traits, member


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """Translation: a chat operation in canonical form, in both directions.

    `write_request(request, model, traits)` writes the body for `model`, the provider's own name, as its traits allow.
    `without(traits, member)` is the traits of a target that refuses a member that `write_request` wrote at the top;
    None where no request can do without it.
    `stream_writer(request)` writes the stream for the caller who sent `request`.
    """

    read_request: Callable[[bytes], ChatRequest]
    write_request: Callable[[ChatRequest, str, Traits], Written]
    read_reply: Callable[[bytes], ChatReply]
    write_reply: Callable[[ChatReply], WrittenReply]
    stream_reader: Callable[[], StreamReader]
    stream_writer: Callable[[ChatRequest], StreamWriter]
    without: Callable[[Traits, str], Traits | None] = nothing_without
