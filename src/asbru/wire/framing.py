"""Framings: how the events of a stream stand in its bytes, as a value, so that whoever forwards a stream names none.

    SSE           server-sent events, `text/event-stream`
    EVENT_STREAM  AWS event streams, `application/vnd.amazon.eventstream`

Not here: what an event means. A dialect has one framing, and reads and writes events in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from asbru.wire.eventstream import MEDIA_TYPE, MessageSplitter, begins_message, close_message
from asbru.wire.sse import EventSplitter, begins_event, close_event


class Splitter(Protocol):
    """Cuts a byte stream at event borders, however the bytes arrive."""

    @property
    def pieces(self) -> list[bytes]:
        """The incomplete event at the end as it came; empty when the bytes end at a border. The same list for good."""
        ...

    @property
    def held(self) -> bytes:
        """The incomplete event at the end, possibly empty."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """All bytes up to the last event border so far; b"" while none was reached. Raises `FramingError`."""
        ...


class Framing(msgspec.Struct, frozen=True, kw_only=True):
    """One way to put events into bytes.

    `media_type` is what Content-Type begins with; `type_line` the header line that says so to a caller.
    `splitter()` makes what gives back whole events only. `border`: bytes that end with these two, while nothing is
    held, end with an event: nobody has to look at them. b"" where two bytes cannot tell.
    `begins(data)`: whether `data`, not empty, may be the beginning of such a stream.
    `close(held)`: the event in `held` made whole, where the body ended without its border; b"" where that cannot be.
    """

    name: str
    media_type: bytes
    type_line: bytes
    splitter: Callable[[], Splitter]
    border: bytes
    begins: Callable[[bytes], bool]
    close: Callable[[bytes], bytes]


SSE = Framing(
    name="sse",
    media_type=b"text/event-stream",
    type_line=b"content-type: text/event-stream; charset=utf-8\r\n",
    splitter=EventSplitter,
    border=b"\n\n",
    begins=begins_event,
    close=close_event,
)

EVENT_STREAM = Framing(
    name="eventstream",
    media_type=MEDIA_TYPE,
    type_line=b"content-type: %b\r\n" % MEDIA_TYPE,
    splitter=MessageSplitter,
    border=b"",
    begins=begins_message,
    close=close_message,
)
