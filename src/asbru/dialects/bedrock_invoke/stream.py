"""Streams of `invoke`: events of the Messages API, each as base64 in a frame of an AWS event stream.

    frame `chunk`              its `bytes` are the JSON of one event
    exception, error           a fault, and the end
    any other                  nothing

Not here: what an event means, which the Messages dialect knows.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.notes import Note
from asbru.core.reply import ReplyEnd, StreamEvent, StreamFault
from asbru.dialects.aws_errors import error_type, read_fault, write_fault
from asbru.dialects.contract import Passing, StreamReader, StreamWriter, TailFacts
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.too_long import bedrock_words
from asbru.wire.errors import FramingError
from asbru.wire.eventstream import EventStreamError, Header, Message, MessageReader, why_broken, write_message
from asbru.wire.sse import read_block

_GARBAGE: Final = "a frame whose bytes are no event"
_HEADERS: Final = (
    Header(":event-type", "chunk"),
    Header(":content-type", "application/json"),
    Header(":message-type", "event"),
)


class _Chunk(msgspec.Struct):
    bytes: str


class _Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind).decode
_chunk = msgspec.json.Decoder(_Chunk).decode
_encode = msgspec.json.Encoder().encode


def _event_in(message: Message) -> bytes:
    """The event in a frame, as a server-sent event; b"" where it holds none. Raises ValueError."""
    if message.header(":event-type") != "chunk":
        return b""
    try:
        data = b64decode(_chunk(message.payload).bytes, validate=True)
    except (Base64Error, *DECODE_ERRORS):
        raise ValueError(_GARBAGE) from None
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"%bdata: %b\n\n" % (_name_line(data), lines)


def _name_line(data: bytes) -> bytes:
    """The line with an event's name, which is its type."""
    try:
        name = _kind(data).type
    except DECODE_ERRORS:
        return b""  # which its reader refuses
    return b"event: %b\n" % name.encode() if name.isidentifier() else b""


def unwrap(data: bytes) -> tuple[bytes, StreamFault | None]:
    """The server-sent events in whole frames up to the first fault, and that."""
    try:
        return _unwrap(MessageReader().feed(data))
    except EventStreamError:
        return b"", None


def _unwrap(messages: Iterable[Message]) -> tuple[bytes, StreamFault | None]:
    events: list[bytes] = []
    for message in messages:
        fault = read_fault(message)
        if fault is None:
            try:
                events.append(_event_in(message))
            except ValueError as error:
                fault = StreamFault(message=str(error), type="protocol_error")
        if fault is not None:
            return b"".join(events), fault
    return b"".join(events), None


def tail(base: Passing, data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole frames of a stream."""
    events, fault = unwrap(data)
    facts = base.tail(events, choices)
    if fault is None or facts.fault is not None:
        return facts
    return TailFacts(usage=facts.usage, complete=False, fault=fault)


def prelude(base: Passing, data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    events, fault = unwrap(data)
    seen = base.prelude(events) if events else False
    return fault if fault is not None and seen is False else seen


class EnvelopeReader:
    """Frames to events, by the reader of the Messages API."""

    __slots__ = ("_base", "_done", "_frames")

    def __init__(self, base: Callable[[], StreamReader]) -> None:
        self._base = base()
        self._frames = MessageReader()
        self._done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        if self._done:
            return []
        try:
            messages = self._frames.feed(chunk)
        except FramingError as error:
            return self._fault(StreamFault(message=str(error), type="protocol_error"))
        events, fault = _unwrap(messages)
        found = self._base.feed(events) if events else []
        if any(isinstance(event, ReplyEnd | StreamFault) for event in found):
            self._done = True
        elif fault is not None:
            found += self._fault(fault)
        return found

    def _fault(self, fault: StreamFault) -> list[StreamEvent]:
        self._done = True
        return [fault]

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end: half a frame never counts."""
        held = self._frames.close()
        if held and not self._done and (why := why_broken(held)):
            return self._fault(StreamFault(message=why, type="protocol_error"))
        return [] if self._done or held else self._base.close(clean=clean)


class EnvelopeWriter:
    """Events to frames, by the writer of the Messages API; a fault becomes an exception of AWS's."""

    __slots__ = ("_base", "_done")

    def __init__(self, base: Callable[[ChatRequest], StreamWriter], request: ChatRequest) -> None:
        self._base = base(request)
        self._done = False

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be carried so far."""
        return self._base.notes

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """The bytes for `events`."""
        if self._done:
            return b""
        fault = next((event for event in events if isinstance(event, StreamFault)), None)
        before = events if fault is None else events[: events.index(fault)]
        data = b"".join(_wrap(block) for block in self._base.write(before).split(b"\n\n"))
        if fault is None:
            return data
        self._done = True
        return data + write_fault(error_type(fault.type, fault.status), bedrock_words(fault))


def _wrap(block: bytes) -> bytes:
    """One server-sent event as a frame."""
    event = read_block(block)
    if event is None or not event.data:
        return b""
    return write_message(_HEADERS, _encode({"bytes": b64encode(event.data).decode()}))
