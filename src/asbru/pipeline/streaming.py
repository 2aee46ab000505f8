"""Relays: what a stream goes through between the provider's bytes and the caller's.

    PassRelay       same dialect: whole events as they came; only the tail is read, at the end
    TranslateRelay  other dialect: read to events, written anew

Both have a prelude, until the first content, in which a fault still leads to a retry or a fallback; then every piece
goes to the caller at once. Neither ever sends half an event. How a stream ends:

    the dialect's own end was seen     ok, whatever happened to the connection afterwards
    an error inside the stream         the caller has it; the record says so
    anything else                      the caller is told with an error event, and no end is sent
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from asbru.core.errors import UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import ReplyEnd, ReplyStart, StreamEvent, StreamFault, UsageReport, is_content
from asbru.core.usage import Usage
from asbru.dialects import Dialect, StreamReader, StreamWriter
from asbru.wire import EventSplitter, SseTooLarge
from asbru.wire.content_coding import CodingError, DecodedTooLargeError, Decoder

PRELUDE_BYTES_MAX = 1024 * 1024
"""Bytes that may pass before the first content; after that the stream counts as begun."""

_RECENT_PIECES = 8
"""Pieces of whole events kept for reading the tail: a stream ends with at most a few events that matter."""

Sink = Callable[[bytes], None]


class Relay(Protocol):
    """See the module."""

    def prelude(self, chunk: bytes) -> bool:
        """Take bytes before the first content; True once content was seen. Raises `UpstreamError` on a fault."""
        ...

    def begin(self, sink: Sink) -> None:
        """Send what is held to `sink`, and everything from now on."""
        ...

    def feed(self, chunk: bytes) -> None:
        """Take bytes and send what they complete."""
        ...

    def finish(self, cut: UpstreamError | None) -> UpstreamError | None:
        """The bytes have ended, by themselves or by `cut`: the error that the caller must still be told, or None.
        An error that the caller already saw is in `seen_fault`."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the stream told so far, read when it has ended."""
        ...

    @property
    def seen_fault(self) -> UpstreamError | None:
        """The error inside the stream that the caller has seen."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the translation could not carry."""
        ...


def fault_error(fault: StreamFault) -> UpstreamError:
    """A fault inside a stream as an error."""
    return UpstreamError(
        fault.message or "the provider reported an error inside its stream",
        kind="protocol" if fault.type == "protocol_error" else "fault",
        status=fault.status or 502,
        type=fault.type,
        code=fault.code or "upstream_fault",
    )


def _unreadable(error: Exception) -> UpstreamError:
    return UpstreamError(f"the provider's stream is unreadable: {error}", kind="protocol", code="upstream_protocol")


def _incomplete() -> UpstreamError:
    return UpstreamError(
        "the provider's stream ended before it was complete; what came so far is not the whole answer",
        kind="cut",
        code="upstream_cut",
    )


class PassRelay:
    """Same dialect in and out. `withhold` takes the usage chunk out that Asbru asked for and the caller did not."""

    def __init__(self, dialect: Dialect, *, withhold: bool, decoder: Decoder | None) -> None:
        self.usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self.notes: tuple[Note, ...] = ()
        self._dialect = dialect
        self._withhold = withhold
        self._decoder = decoder
        self._splitter = EventSplitter()
        self._first: list[bytes] = []
        self._first_bytes = 0
        self._recent: deque[bytes] = deque(maxlen=_RECENT_PIECES)
        self._sink: Sink | None = None

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`."""
        whole = self._split(chunk)
        if not whole:
            return False
        self._first.append(whole)
        self._first_bytes += len(whole)
        verdict = self._dialect.prelude(whole)
        if isinstance(verdict, StreamFault):
            raise fault_error(verdict)
        return verdict or self._first_bytes > PRELUDE_BYTES_MAX

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""
        self._sink = sink
        for whole in self._first:
            self._send(whole)

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        whole = self._split(chunk)
        if whole:
            self._send(whole)

    def _split(self, chunk: bytes) -> bytes:
        try:
            return self._splitter.feed(chunk if self._decoder is None else self._decoder.feed(chunk))
        except (SseTooLarge, CodingError, DecodedTooLargeError) as error:
            raise _unreadable(error) from error

    def _send(self, whole: bytes) -> None:
        self._recent.append(whole)
        if self._withhold:
            whole = self._dialect.withhold(whole)
        if self._sink is not None:
            self._sink(whole)

    def finish(self, cut: UpstreamError | None) -> UpstreamError | None:
        """See `Relay`."""
        dialect = self._dialect
        tail = b"".join(self._recent)
        held = self._splitter.held
        facts = dialect.tail(tail)
        if held and not facts.complete:
            closed = dialect.tail(tail + held + b"\n\n")  # the last event may lack only its blank line
            if closed.complete:
                facts = closed
                self._send(held)
        usage = facts.usage
        if self._first:
            usage = dialect.merge_usage(dialect.head_usage(self._first[0]), usage)
        self.usage = usage
        if facts.fault is not None:
            self.seen_fault = fault_error(facts.fault)
            return None
        return None if facts.complete else cut or _incomplete()


class TranslateRelay:
    """Other dialect out than in."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, *, decoder: Decoder | None) -> None:
        self.usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self._reader = reader
        self._writer = writer
        self._decoder = decoder
        self._held: list[StreamEvent] = []
        self._held_bytes = 0
        self._sink: Sink | None = None
        self._complete = False

    @property
    def notes(self) -> tuple[Note, ...]:
        """See `Relay`."""
        return self._writer.notes

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`."""
        events = self._read(chunk)
        self._held.extend(events)
        self._held_bytes += len(chunk)
        for event in events:
            if isinstance(event, StreamFault):
                raise fault_error(event)
            if is_content(event):
                return True
        return self._held_bytes > PRELUDE_BYTES_MAX

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""
        self._sink = sink
        held, self._held = self._held, []
        self._write(held)

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        self._write(self._read(chunk))

    def _read(self, chunk: bytes) -> list[StreamEvent]:
        try:
            return self._reader.feed(chunk if self._decoder is None else self._decoder.feed(chunk))
        except (SseTooLarge, CodingError, DecodedTooLargeError) as error:
            raise _unreadable(error) from error

    def _write(self, events: list[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, UsageReport) or (isinstance(event, ReplyStart) and event.usage is not None):
                self.usage = event.usage
            elif isinstance(event, StreamFault):
                self.seen_fault = fault_error(event)
            elif isinstance(event, ReplyEnd):
                self._complete = True
        if events and self._sink is not None:
            data = self._writer.write(events)
            if data:
                self._sink(data)

    def finish(self, cut: UpstreamError | None) -> UpstreamError | None:
        """See `Relay`."""
        if not self._complete and self.seen_fault is None:
            self._write(self._reader.close())
        if self._complete or self.seen_fault is not None:
            return None
        return cut or _incomplete()
