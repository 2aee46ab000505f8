"""Server-sent events: a reader, a writer, and the splitter that forwards whole events only.

The reader follows the HTML standard's event stream grammar (https://html.spec.whatwg.org/multipage/server-sent-events.html):
lines end with LF, CRLF or CR, several `data` lines join with LF, comments and unknown fields are skipped, an event
without data is not one (who asks for `comments` is told of those that stand alone: keep-alives). Not here: what the
data means.
"""

from __future__ import annotations

import re

import msgspec

from asbru.wire.errors import FramingError

SSE_EVENT_BYTES_MAX = 16 * 1024 * 1024
"""The longest event accepted, in bytes: an image in one event fits, an endless line does not."""

ID_BYTES_MAX = 1024
"""A longer id of an event is passed over."""
_RETRY_DIGITS_MAX = 9

LF, CR = b"\n\r"
"""As numbers, on purpose. Python takes what is looked for by `in` for a number first: of bytes it fails at that, words
an error that nobody reads (0.2 us), and only then searches. Where more than a byte is looked for, `find` is better."""

_USUAL = re.compile(rb"(?:event: ([^\n]+)\n)?data: ([^\n]*)")
"""An event as nearly all are written, without its end: one line of data, after its name if it has one."""

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b":", b"id:", b"retry:")


class SseEvent(msgspec.Struct, frozen=True):
    """`event` is the event's name ("" when none was given), `data` its joined data lines."""

    event: str
    data: bytes


COMMENT = SseEvent(":", b"")
"""What stands for a comment that is alone between two blank lines. No event has this name: fields end at a colon."""


class SseTooLarge(FramingError):
    """An event grew over `SSE_EVENT_BYTES_MAX`."""


class EventSplitter:
    """Cuts a byte stream at event borders: `feed` returns the bytes up to the last complete event.

    What it holds back is an incomplete event, so that a stream cut anywhere never leaves half an event at a reader.
    """

    __slots__ = ("_edge", "_held_bytes", "event_bytes_max", "pieces")

    def __init__(self, event_bytes_max: int = SSE_EVENT_BYTES_MAX) -> None:
        self.pieces: list[bytes] = []
        """The incomplete event at the end as it came; empty when the bytes end at a border. The same list for good."""
        self._held_bytes = 0
        self._edge = b""  # the last three bytes held: a border spans at most four
        self.event_bytes_max = event_bytes_max

    @property
    def held(self) -> bytes:
        """The incomplete event at the end, possibly empty."""
        return b"".join(self.pieces)

    def feed(self, chunk: bytes) -> bytes:
        """All bytes up to the last event border so far; b"" while none was reached."""
        if not chunk:
            return b""
        held = self.pieces
        if not held:
            if chunk.endswith(b"\n\n"):
                return chunk
            data = chunk
        elif _border(self._edge + chunk) == 0:
            return self._hold(chunk)
        else:
            data = b"".join((*held, chunk))
            held.clear()
            self._held_bytes = 0
            self._edge = b""
        end = _border(data)
        if end < len(data):
            self._hold(data[end:])
        return data[:end]

    def _hold(self, rest: bytes) -> bytes:
        self._held_bytes += len(rest)
        if self._held_bytes > self.event_bytes_max:
            raise SseTooLarge(f"an event is larger than {self.event_bytes_max} bytes")
        self._edge = (self._edge + rest)[-3:]
        self.pieces.append(rest)
        return b""


def _border(data: bytes) -> int:
    """The index just past the last blank line in `data`, 0 if there is none."""
    end = data.rfind(b"\n\n") + 2
    if end == 1:
        end = 0
    if CR in data:
        for mark in (b"\r\n\r\n", b"\n\r\n", b"\r\r"):
            found = data.rfind(mark)
            if found >= 0:
                end = max(end, found + len(mark))
    return end


class SseReader:
    """Events from bytes that arrive cut anywhere. Any cut of the same bytes gives the same events. `resumable`: it
    remembers by what the stream may be taken up again, in `last_id` and `retry_ms`."""

    __slots__ = ("_at_start", "_comments", "_resumable", "_splitter", "last_id", "retry_ms")

    def __init__(self, *, comments: bool = False, resumable: bool = False) -> None:
        self.last_id = b""
        self.retry_ms: int | None = None
        self._resumable = resumable
        self._splitter = EventSplitter()
        self._comments = comments
        self._at_start = True

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that `chunk` completes."""
        if not self._splitter.pieces and chunk.endswith(b"\n\n"):
            usual = _USUAL.fullmatch(chunk, 0, len(chunk) - 2) if CR not in chunk else None
            if usual is not None:
                self._at_start = False
                return [_event(usual)]
        else:
            chunk = self._splitter.feed(chunk)
            if not chunk:
                return []
        if self._at_start:
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
        if CR in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        events: list[SseEvent] = []
        for block in chunk.split(b"\n\n"):
            if self._resumable:
                self._remember(block)
            event = read_block(block) if block else None
            if event is not None:
                events.append(event)
            elif self._comments and block.lstrip(b"\n").startswith(b":"):
                events.append(COMMENT)
        return events

    def _remember(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"id" and 0 not in value and len(value) <= ID_BYTES_MAX:
                self.last_id = value
            elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS_MAX:
                self.retry_ms = int(value)

    def close(self) -> bytes:
        """The end of the stream: what was left of an incomplete event (b"" for a clean end)."""
        return self._splitter.held.strip(b"\r\n")


def _event(usual: re.Match[bytes]) -> SseEvent:
    name, data = usual.groups(b"")
    return SseEvent(name.decode("utf-8", "replace") if name else "", data)


def read_block(block: bytes) -> SseEvent | None:
    """One event from the lines between two blank lines (LF only); None when it holds no data."""
    usual = _USUAL.fullmatch(block)
    if usual is not None:
        return _event(usual)
    name = ""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        if not line or line[0] == 0x3A:
            continue
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return SseEvent(name, b"\n".join(data)) if data else None


def write_event(data: bytes, event: str = "") -> bytes:
    """One event; `data` must hold no line breaks (JSON as we write it never does)."""
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data


def begins_event(data: bytes) -> bool:
    """Whether `data` may be the beginning of an event stream: a field, perhaps cut, after what a reader skips."""
    start = data.lstrip(_BOM + b"\r\n ")
    return start.startswith(_FIELDS) or any(field.startswith(start) for field in _FIELDS)


def close_event(held: bytes) -> bytes:
    """An event that lacks its blank line, or a part of it, made whole."""
    return held.rstrip(b"\r\n") + b"\n\n"
