"""A response on its way to the caller, seen by whoever remembers it: its id may be changed, and its end is held back
until it is remembered, since the caller may go on from it at once.

All else goes on as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asbru.core.conversing import Conversing, Told
from asbru.core.notes import Note, write_notes_header
from asbru.core.ports import PassingResponse, ResponsePort
from asbru.wire.sse import EventSplitter

_EVENT_STREAM: Final = b"text/event-stream"
_BORDER: Final = b"\n\n"


class KeepingResponse(PassingResponse):
    """A `ResponsePort` before another one. `rename(id)`: the id by which the caller knows the response. `told`: what
    the response has told, once it came to its end. `seal`: the conversation is compacted, and this seals what stands
    for it; all but the beginning of a stream is held until then."""

    def __init__(
        self,
        port: ResponsePort,
        conversing: Conversing,
        rename: Callable[[str], str],
        previous: str | None,
        *,
        seal: Callable[[str], str] | None = None,
    ) -> None:
        self.told: Told | None = None
        self.response = b""
        """The whole response, as the caller is told it."""
        super().__init__(port)
        self._conversing = conversing
        self._rename = rename
        self._previous = previous
        self._seal = seal
        self._splitter = EventSplitter()
        self._held: list[bytes] = []
        self._whole: tuple[int, bytes, bytes] | None = None
        self._ended = False
        self._through = False

    # As the other port has it

    @property
    def started(self) -> bool:
        """See `ResponsePort`."""
        return self._port.started or self._whole is not None

    # What is looked at

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        if self._through:
            self._port.whole(status, lines, body)
            return
        if status < 300 and lines.find(_EVENT_STREAM) < 0:
            body = self._renamed(body)
        self._whole = status, lines, body

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        events = self._splitter.feed(data)
        if not events:
            return
        if self._held or self._seal is not None or events.find(b'"response"') >= 0:
            events = b"".join(self._seen(one + _BORDER) for one in events.split(_BORDER) if one)
        if events:
            self._port.write(events)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self.write(chunk[begin:-2])

    def end(self) -> None:
        """See `ResponsePort`."""
        self._ended = True
        if self._through:
            self._port.end()

    def _seen(self, event: bytes) -> bytes:
        """An event as it goes on; b"" for one that is held."""
        found = self._conversing.response_of(event)
        if found is not None:
            kind, response, data = found
            ends = kind in self._conversing.ends
            renamed = self._renamed(response) if ends else self._named(response)
            if renamed != response:
                event = self._conversing.with_response(data, renamed)
            if ends:
                if self._seal is not None:
                    self._held.clear()
                    event = self._conversing.write_output(kind, renamed)
                self._held.append(event)
                return b""
        if self._held or (self._seal is not None and found is None):
            self._held.append(event)
            return b""
        return event

    def _named(self, response: bytes) -> bytes:
        return self._conversing.rename(response, self._rename, self._previous)

    def _renamed(self, response: bytes) -> bytes:
        """A whole response, under its new id, and remembered here."""
        self.response = self._named(response)
        if self._seal is not None:
            self.response = self._conversing.compacted(self.response, self._seal)
        self.told = self._conversing.read_told(self.response)
        return self.response

    def note(self, note: Note) -> None:
        """Add a note to a response whose head is still here."""
        if self._whole is not None:
            status, lines, body = self._whole
            self._whole = status, lines + b"x-asbru-notes: %b\r\n" % write_notes_header((note,)), body

    def replace(self, body: bytes) -> None:
        """Tell something else in place of a whole response."""
        if self._whole is not None:
            status, lines, _ = self._whole
            self._whole = status, lines, body

    def let_through(self) -> None:
        """The path is over: what is still written (a refusal) goes on as it is."""
        self._through = True

    def release(self) -> None:
        """Let go what was held: the response is remembered."""
        if self._whole is not None:
            whole, self._whole = self._whole, None
            self._port.whole(*whole)
            return
        rest = b"".join((*self._held, self._splitter.held))
        self._held.clear()
        if rest:
            self._port.write(rest)
        if self._ended:
            self._port.end()
