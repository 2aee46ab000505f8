"""What is kept of a reply while it passes, so that its usage can be read when it has ended: its beginning and its end.

A reply that is larger is not held: what is told in the middle of it stays unknown. Of a stream that is one JSON array,
the elements are kept, as events.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from asbru.core.usage import Usage
from asbru.dialects import Dialect, Operation, RequestHead
from asbru.wire.errors import FramingError
from asbru.wire.framing import Framing
from asbru.wire.json_array import ArrayReader

KEPT_BYTES_MAX: Final = 64 * 1024
"""How much is kept of the beginning, and of the end at least."""
PRELUDE_BYTES: Final = 12
"""What an event of an AWS event stream is known by."""


class Kept:
    """See the module. `whole` bytes are known of it. `stream`: it may be such an array."""

    def __init__(self, *, stream: bool = False) -> None:
        self.whole = 0
        self._elements = ArrayReader() if stream else None
        self._first = bytearray()
        self._last: deque[bytes] = deque()
        self._last_bytes = 0

    @property
    def held(self) -> int:
        """How many bytes are kept."""
        return len(self._first) + self._last_bytes

    def feed(self, data: bytes) -> None:
        """More of the reply."""
        if self._elements is not None:
            try:
                data = self._elements.feed(data)
            except FramingError:  # no array of events: it stays as it is
                self._elements = None
        self.whole += len(data)
        room = KEPT_BYTES_MAX - len(self._first)
        if room > 0:
            self._first += data[:room]
            data = data[room:]
        if data:
            self._last.append(data)
            self._last_bytes += len(data)
            while self._last_bytes - len(self._last[0]) >= KEPT_BYTES_MAX:
                self._last_bytes -= len(self._last.popleft())

    def usage(self, dialect: Dialect, operation: Operation, head: RequestHead) -> Usage | None:
        """The usage that the reply told; None where it told none, or too far inside."""
        first, last = bytes(self._first), b"".join(self._last)
        gap = self.whole > len(first) + len(last)
        passing = dialect.passing
        if head.stream:
            tail = passing.tail(_from_event(last, dialect.framing) if gap else first + last, head.choices).usage
            begun = passing.head_usage(first)
            return None if tail is None else passing.merge_usage(begun, tail)
        return (operation.usage_of or passing.usage_of)(last if gap else first + last)


def _from_event(data: bytes, framing: Framing) -> bytes:
    """The end of a stream from the first event that begins in it: where events have no border that a reader would find,
    they are found by how they begin."""
    if framing.border:
        return data
    starts = range(min(len(data) - PRELUDE_BYTES, KEPT_BYTES_MAX))
    return data[next((at for at in starts if framing.begins(data[at : at + PRELUDE_BYTES])), 0) :]
