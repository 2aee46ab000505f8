"""Streams that are one JSON array, an element for each event: `[{...},{...}]`. Google's APIs send them where nobody
asks for server-sent events.

    ArrayReader   such an array, cut anywhere, to server-sent events
    ArrayWriter   whole server-sent events to such an array

An element keeps its bytes, but for line breaks between its tokens, which an event has no room for. Not here: what an
element means, and whether it is JSON beyond its borders.
"""

from __future__ import annotations

import re
from typing import Final

from asbru.wire.errors import FramingError
from asbru.wire.sse import CR, SSE_EVENT_BYTES_MAX, read_block, write_event

_OUTSIDE: Final = re.compile(rb'["{}\[\]]')
_INSIDE: Final = re.compile(rb'["\\]')
_BETWEEN: Final = b" \t\r\n,"
_QUOTE, _ESCAPE = b'"\\'
_OPENS: Final = b"{["
_DONE: Final = b"[DONE]"
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


class ArrayReader:
    """See the module. What does not begin with a bracket is no array, and goes on as it is."""

    __slots__ = ("_at", "_depth", "_held", "_in_string", "_is_array", "complete")

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0
        """How far what is held was looked at."""
        self._depth = 0
        self._in_string = False
        self._is_array: bool | None = None
        self.complete = False
        """Whether the array has ended."""

    def feed(self, data: bytes) -> bytes:
        """The events of the elements that `data` completes; raises `FramingError`."""
        if self._is_array is None:
            start = bytes(self._held + data).lstrip()
            if not start:
                return b""
            self._is_array = start.startswith(b"[")
            if self._is_array:
                data = start[1:]
        if not self._is_array:
            return data
        self._held += data
        if len(self._held) > SSE_EVENT_BYTES_MAX:
            raise FramingError(f"an element is larger than {SSE_EVENT_BYTES_MAX} bytes")
        events: list[bytes] = []
        while (element := self._next()) is not None:
            events.append(write_event(element.translate(_ONE_LINE)))
        return b"".join(events)

    def _next(self) -> bytes | None:
        """The next element, taken out of what is held; None where it is not whole."""
        held = self._held
        if not self._depth:
            rest = held.lstrip(_BETWEEN)
            if not rest:
                held.clear()
                return None
            if self.complete or rest[0] not in b"{]":
                raise FramingError("expected an object in an array of events")
            if rest[0] == 0x5D:
                self.complete = True
                del held[: len(held) - len(rest) + 1]
                return self._next()
            self._held = held = rest
            self._at = 0
        while found := (_INSIDE if self._in_string else _OUTSIDE).search(held, self._at):
            token, self._at = found[0][0], found.end()
            if token == _ESCAPE:
                if self._at == len(held):
                    self._at -= 1  # what it escapes is still to come
                    return None
                self._at += 1
            elif token == _QUOTE:
                self._in_string = not self._in_string
            else:
                self._depth += 1 if token in _OPENS else -1
                if not self._depth:
                    element = bytes(held[: self._at])
                    del held[: self._at]
                    return element
        self._at = len(held)
        return None


class ArrayWriter:
    """See the module."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def write(self, events: bytes) -> bytes:
        """The elements for whole events."""
        if CR in events:
            events = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        written: list[bytes] = []
        for block in events.split(b"\n\n"):
            event = read_block(block)
            if event is not None and event.data != _DONE:
                written.append((b",\r\n" if self._begun else b"[") + event.data)
                self._begun = True
        return b"".join(written)

    def close(self) -> bytes:
        """The end of the array."""
        return b"]" if self._begun else b"[]"
