"""Relays of what is no chat: streams of typed events, and bytes that have no events.

    EventRelay    whole events as they came; each is read for its type, so that large ones need not be kept for the end
    RawRelay      audio, files: every piece as it came. Nothing can be told inside it: where it is cut, the caller's
                  connection is closed before the end that HTTP frames

An `EventRelay` ends well after as many final events as answers were asked for, after the stream's own terminator, or
with a clean end after at least one final event. Usage is what the events told; where a stream that ended well told
none, what follows from the request (`charge`).
"""

from __future__ import annotations

from collections.abc import Callable

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.core.ports import ChunkSink, Sink
from asbru.core.usage import Usage
from asbru.dialects import Dialect, Operation
from asbru.pipeline.streaming import (
    PRELUDE_BYTES_MAX,
    UNREADABLE,
    fault_error,
    incomplete,
    malformed,
    nowhere,
    unreadable,
)
from asbru.wire.content_coding import Decoder


class EventRelay:
    """See the module. `choices`: how many answers were asked for; `hide` masks credentials in events that are
    errors."""

    def __init__(
        self,
        dialect: Dialect,
        operation: Operation,
        *,
        decoder: Decoder | None,
        choices: int,
        charge: Usage | None,
        hide: Callable[[bytes], bytes] = bytes,
    ) -> None:
        assert operation.read_events is not None
        self.usage: Usage | None = None
        self.begun_usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self.notes: tuple[Note, ...] = ()
        self._read = operation.read_events
        self._malformed_at = dialect.passing.malformed_at
        self._framing = dialect.framing
        self._splitter = dialect.framing.splitter()
        self._decoder = decoder
        self._choices = max(1, choices)
        self._charge = charge
        self._hide = hide
        self._first: list[bytes] = []
        self._first_bytes = 0
        self._ends = 0
        self._done = False
        self._faulty = False  # the stream itself told of an error
        self._sink: Sink = nowhere

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`."""
        whole = self._split(chunk)
        if not whole:
            return False
        if self._malformed_at(whole) >= 0:
            raise malformed()
        content = self._look(whole)
        if self.seen_fault is not None:
            raise self.seen_fault
        self._first.append(whole)
        self._first_bytes += len(whole)
        return content or self._first_bytes > PRELUDE_BYTES_MAX

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""
        self._sink = sink
        first = self._first
        self._first = []
        for whole in first:
            sink(whole)

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        whole = self._split(chunk)
        if not whole:
            return
        at = self._malformed_at(whole)
        good = whole if at < 0 else whole[:at]
        if good:
            self._look(good)
            self._sink(self._hide(good) if self._faulty else good)
        if at >= 0:
            self.seen_fault = malformed()
            raise self.seen_fault

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """See `Relay`."""
        del sink

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """See `Relay`. A last event that lacks only its line ends counts, and goes to the caller."""
        held = self._splitter.held
        whole = self._framing.close(held) if held and cut is None else b""
        if whole and self._malformed_at(whole) < 0:
            self._splitter = self._framing.splitter()
            self._look(whole)
            held = self._hide(held) if self._faulty else held
            (self._first.append if self._sink is nowhere else self._sink)(held)
        if self._faulty:
            return None
        good = self._done or self._ends >= self._choices or (cut is None and self._ends > 0)
        if not good:
            return cut or incomplete()
        if self.usage is None:
            self.usage = self._charge
        return None

    def _split(self, chunk: bytes) -> bytes:
        try:
            return self._splitter.feed(chunk if self._decoder is None else self._decoder.feed(chunk))
        except UNREADABLE as error:
            raise unreadable(error) from error

    def _look(self, whole: bytes) -> bool:
        """Remember what whole events tell; whether they are content."""
        facts = self._read(whole)
        self._ends += facts.ends
        self._done = self._done or facts.done
        if facts.usage is not None:
            self.usage = facts.usage if self.usage is None else self.usage + facts.usage
        if facts.fault is not None:
            self.seen_fault = fault_error(facts.fault)
            self._faulty = True
        return facts.content


class RawRelay:
    """See the module. `charge`: the usage that follows from the request, due once anything came."""

    def __init__(self, *, decoder: Decoder | None, charge: Usage | None) -> None:
        self.usage: Usage | None = None
        self.begun_usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self.notes: tuple[Note, ...] = ()
        self._decoder = decoder
        self._charge = charge
        self._first = b""
        self._sink: Sink = nowhere

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`. Any byte is content."""
        self._first = self._decoded(chunk)
        if not self._first:
            return False
        self.usage = self._charge
        return True

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""
        self._sink = sink
        sink(self._first)
        self._first = b""

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        data = self._decoded(chunk)
        if data:
            self._sink(data)

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """See `Relay`."""
        return sink if self._decoder is None else None

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """See `Relay`."""
        if cut is not None:
            return cut
        begun = self._sink is not nowhere
        return None if begun and (self._decoder is None or self._decoder.complete) else incomplete()

    def _decoded(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return chunk
        try:
            return self._decoder.feed(chunk)
        except UNREADABLE as error:
            raise unreadable(error) from error
