"""Relays: what a stream goes through between the provider's bytes and the caller's.

    PassRelay       same dialect: whole events as they came; only the tail is read, at the end
    WatchRelay      the same, and the events are shown to stages that watch (`watching`)
    TranslateRelay  other dialect, or a stage that changes something: read to events, written anew (`translating`)

All have a prelude, until the first content, in which a fault still leads to a retry or a fallback; then every piece
goes to the caller at once. None ever sends half an event. How a stream ends:

    the dialect's terminator was seen      ok, whatever happened to the connection afterwards
    every choice has its finish reason     ok if the body ended cleanly (some providers send no terminator)
    an error inside the stream             the caller has it; the record says so
    an event that no reader could read     the caller is told with an error event in its place; the record says error
    anything else                          the caller is told with an error event, and no end is sent

Usage is the provider's where it told what came out. Of a stream cut before that (Anthropic tells the input at the
beginning, beside a placeholder for the output) it is unknown: `usage` is None, the record's `usage_source` "none", or
"estimated" where a limit had the stream counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.core.ports import ChunkSink, Sink
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects import Dialect, TailFacts
from asbru.wire.content_coding import CodingError, DecodedTooLargeError, Decoder
from asbru.wire.errors import FramingError

PRELUDE_BYTES_MAX = 1024 * 1024
"""Bytes that may pass before the first content; after that the stream counts as begun."""

_TAIL_PIECES = 8
_TAIL_BYTES = 4096
"""Whole events are kept for reading the tail: at least so many pieces and bytes of them, pieces as they came."""

_TAIL_SLACK = 16
"""How many pieces more may gather before the oldest go: looking at each piece would cost more than keeping some."""

_CHOICES_MAX = 128
"""Finish reasons remembered of a stream with several choices: more than any provider offers."""

_FAULT_MARK = b'error"'
"""What an event holds that is an error, in every dialect, and few others do. Looked for with `find`: with `in`, Python
first takes the bytes for a number, fails, and formats an error, for each event."""

UNREADABLE = (FramingError, CodingError, DecodedTooLargeError)


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

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """What takes whole chunks as HTTP frames them and sends them to `sink` as they are; None where their data
        must be read or may change."""
        ...

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """The bytes have ended, by themselves or by `cut`: the error that the caller must still be told, or None.
        An error that the caller already saw is in `seen_fault`."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the stream told so far, read when it has ended."""
        ...

    @property
    def begun_usage(self) -> Usage | None:
        """What the stream told at its beginning: what went in, and no more than a placeholder for what comes out."""
        ...

    @property
    def seen_fault(self) -> UpstreamError | None:
        """The error inside the stream that the caller has seen, or is told in the place of what cannot be read."""
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


def unreadable(error: Exception) -> UpstreamError:
    return UpstreamError(f"the provider's stream is unreadable: {error}", kind="protocol", code="upstream_protocol")


def malformed() -> UpstreamError:
    return UpstreamError(
        "the provider's stream contains an event that is not a JSON object; the reply so far is incomplete",
        kind="protocol",
        code="upstream_protocol",
    )


def incomplete() -> UpstreamError:
    return UpstreamError(
        "the provider's stream ended early; the reply so far is incomplete",
        kind="cut",
        code="upstream_cut",
    )


def nowhere(data: bytes) -> None:
    """Where a stream goes before it has begun."""
    del data


def _no_chunk_goes(chunk: bytes, begin: int) -> None:
    """Where whole chunks go before it has begun."""
    del chunk, begin


class PassRelay:
    """Same dialect in and out. `withhold` takes the usage chunk out that Asbru asked for and the caller did not;
    `choices` is how many answers the caller asked for; `hide` masks credentials in events that are errors."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        withhold: bool,
        decoder: Decoder | None,
        choices: int = 1,
        hide: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.usage: Usage | None = None
        self.seen_fault: UpstreamError | None = None
        self.notes: tuple[Note, ...] = ()
        self._passing = dialect.passing
        self._withhold = withhold
        self._decoder = decoder
        self._framing = framing = dialect.framing
        self._hide = hide if framing.border else bytes  # a frame with a length and a sum cannot be changed
        self._splitter = framing.splitter()
        self._malformed_at = dialect.passing.malformed_at
        # How a piece ends that needs no look; b"": none does, so all go through the splitter.
        self._quick_end = dialect.passing.quick_end if framing.border and decoder is None else b""
        self._first: list[bytes] = []
        self._first_bytes = 0
        self._recent: list[bytes] = []
        self._recent_max = _TAIL_PIECES + _TAIL_SLACK
        self._held = self._splitter.pieces
        self._split = self._splitter.feed if decoder is None else self._split_decoded
        self._choices = choices
        self._finishes: deque[bytes] | None = deque(maxlen=_CHOICES_MAX) if choices > 1 else None
        self._sink: Sink = nowhere
        self._chunk_sink: ChunkSink = _no_chunk_goes

    def prelude(self, chunk: bytes) -> bool:
        """See `Relay`."""
        try:
            whole = self._split(chunk)
        except UNREADABLE as error:
            raise unreadable(error) from error
        if not whole:
            return False
        self._first.append(whole)
        self._first_bytes += len(whole)
        verdict = self._passing.prelude(whole)
        if isinstance(verdict, StreamFault):
            raise fault_error(verdict)
        if self._malformed_at(whole) >= 0:
            raise malformed()
        return verdict or self._first_bytes > PRELUDE_BYTES_MAX

    def begin(self, sink: Sink) -> None:
        """See `Relay`."""
        withhold = self._passing.withhold
        self._sink = (lambda whole: sink(withhold(whole))) if self._withhold else sink
        for whole in self._first:
            self._recent.append(whole)
            self._sink(self._without_secrets(whole) if whole.find(_FAULT_MARK) >= 0 else whole)

    def feed(self, chunk: bytes) -> None:
        """See `Relay`."""
        if chunk[-3:] != self._quick_end or self._held:
            try:
                chunk = self._split(chunk)
            except UNREADABLE as error:
                raise unreadable(error) from error
            if not chunk:
                return
            if chunk[-3:] != self._quick_end:
                at = self._malformed_at(chunk)
                if at >= 0:
                    self._stop_before(chunk[:at])
        if chunk.find(_FAULT_MARK) >= 0:
            chunk = self._without_secrets(chunk)
        # Nearly always the object that arrived: what was read ends where an event does.
        recent = self._recent
        recent.append(chunk)
        if len(recent) > self._recent_max:
            self._forget_oldest()
        self._sink(chunk)

    def _stop_before(self, good: bytes) -> None:
        """Send what came before an event that cannot be read, and end the stream with an error."""
        if good:
            self._recent.append(good)
            self._sink(self._without_secrets(good))
        self.seen_fault = malformed()
        raise self.seen_fault

    def _without_secrets(self, events: bytes) -> bytes:
        """Whole events; where one of them is an error, the provider's credentials are hidden in them."""
        return events if self._passing.tail(events).fault is None else self._hide(events)

    def pass_chunks(self, sink: ChunkSink) -> ChunkSink | None:
        """See `Relay`."""
        self._chunk_sink = sink
        return None if self._withhold or self._decoder is not None else self._pass_chunk

    def _pass_chunk(self, chunk: bytes, begin: int) -> None:
        data = chunk[begin:-2]
        if data[-3:] != self._quick_end or self._held or data.find(_FAULT_MARK) >= 0:
            self.feed(data)
            return
        recent = self._recent
        recent.append(data)
        if len(recent) > self._recent_max:
            self._forget_oldest()
        self._chunk_sink(chunk, begin)

    def _split_decoded(self, chunk: bytes) -> bytes:
        assert self._decoder is not None
        return self._splitter.feed(self._decoder.feed(chunk))

    def _needed(self) -> int:
        """How many of the last pieces the tail needs, to the next power of two: adding them up costs."""
        recent = self._recent
        count = _TAIL_PIECES
        while count < len(recent) and sum(map(len, recent[-count:])) < _TAIL_BYTES:
            count *= 2
        return count

    def _forget_oldest(self) -> None:
        """Let go of what the tail does not need."""
        recent = self._recent
        gone = max(len(recent) - self._needed(), 0)
        if self._finishes is not None:  # a choice may end long before the others
            self._finishes.extend(piece for piece in recent[:gone] if self._passing.finishes(piece))
        del recent[:gone]
        self._recent_max = len(recent) + _TAIL_SLACK

    def finish(self, cut: AsbruError | None) -> AsbruError | None:
        """See `Relay`."""
        facts = self._facts(clean=cut is None)
        usage = facts.usage
        if usage is not None:
            usage = self._passing.merge_usage(self.begun_usage, usage)
        self.usage = usage
        if facts.fault is not None:
            self.seen_fault = fault_error(facts.fault)
            return None
        if self.seen_fault is None and self._malformed_at(b"".join(self._recent[-_TAIL_PIECES:])) >= 0:
            self.seen_fault = malformed()  # among others in one piece: it went along
            return self.seen_fault
        whole = facts.complete or (facts.finished and cut is None)
        return None if whole else cut or incomplete()

    def _facts(self, *, clean: bool) -> TailFacts:
        """What the tail tells. A last event that lacks only its line ends counts, and goes to the caller."""
        passing = self._passing
        if self._finishes is None:
            tail = b"".join(self._recent[-self._needed() :] or self._first)
        else:
            tail = b"".join((*self._finishes, *(self._recent or self._first)))
        facts = passing.tail(tail, self._choices)
        held = self._splitter.held
        if not held or facts.complete or facts.fault is not None:
            return facts
        whole = self._framing.close(held)
        closed = passing.tail(tail + whole, self._choices) if whole else None
        if closed is None or not (closed.complete or closed.fault is not None or (clean and closed.finished)):
            return TailFacts(usage=facts.usage, complete=False)  # the bytes end within an event
        self._splitter = self._framing.splitter()
        last = held if clean else whole  # as it came, if that is how the provider ends
        if closed.fault is not None:
            last = self._hide(last)
        if self._sink is nowhere:
            self._first.append(last)
        else:
            self._recent.append(last)
            self._sink(last)
        return closed

    @property
    def ends(self) -> list[bytes]:
        """The first pieces and the last ones, each once."""
        first, recent = self._first, self._recent
        if not first or not recent or recent[0] is first[0]:
            return recent or first
        known = set(map(id, recent))
        return [*(piece for piece in first if id(piece) not in known), *recent]

    @property
    def begun_usage(self) -> Usage | None:
        """See `Relay`."""
        read = self._passing.head_usage
        return next((usage for piece in self._first if (usage := read(piece)) is not None), None)
