"""Ports: what a lower floor asks of a higher one, as shapes.

What they are made of stands where they are implemented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from asbru.core.chat import Raw

Sink: TypeAlias = Callable[[bytes], None]
"""Takes bytes of a stream."""

ChunkSink: TypeAlias = Callable[[bytes, int], None]
"""Takes a chunk as HTTP frames it, and where in it its data begins; after the data comes CRLF."""


class Flow(Protocol):
    """A source of bytes that can be held back while its reader is slow."""

    def pause(self) -> None:
        """Bring nothing more for now."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


class Remembers(Protocol):
    """What a connection remembers of the responses that went over it: conversations by the id of the response that a
    caller goes on from, as raw JSON items."""

    def find(self, response_id: str) -> tuple[Raw, ...] | None:
        """The conversation up to and with a response; None where it is not remembered."""
        ...

    def keep(self, response_id: str, items: tuple[Raw, ...]) -> None:
        """Remember a conversation."""
        ...


class ResponsePort(Protocol):
    """Where an answer goes. Either `whole`, or `begin`, any number of `write`s, and `end` or `cut`.

    Header lines are bytes that end with CRLF; framing is the port's business. `flow` is paused while the caller
    does not read. `remembered`: what the connection remembers; None where each request stands for itself.
    """

    flow: Flow | None

    @property
    def started(self) -> bool:
        """Whether the head is out."""
        ...

    @property
    def finished(self) -> bool:
        """Whether all of it is out."""
        ...

    @property
    def bytes_written(self) -> int:
        """Bytes of its body that are out."""
        ...

    @property
    def remembered(self) -> Remembers | None:
        """See above."""
        ...

    @property
    def peer(self) -> str:
        """The address of whoever asked; "" if it is not known."""
        ...

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """A complete answer."""
        ...

    def begin(self, status: int, lines: bytes) -> None:
        """The head of a streamed answer."""
        ...

    def write(self, data: bytes) -> None:
        """More of a streamed answer."""
        ...

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """More of a streamed answer, framed as a chunk already: its data begins at `begin`, CRLF ends it."""
        ...

    def end(self) -> None:
        """The end of a streamed answer."""
        ...

    def cut(self) -> None:
        """The end of a streamed answer that is not whole, where only its framing can tell: the connection closes."""
        ...


class PassingResponse:
    """A `ResponsePort` before another one, whose state it has: passes all on to `port`. What it looks at or changes, a
    subclass overrides."""

    __slots__ = ("_port",)

    def __init__(self, port: ResponsePort) -> None:
        self._port = port

    @property
    def started(self) -> bool:
        """See `ResponsePort`."""
        return self._port.started

    @property
    def finished(self) -> bool:
        """See `ResponsePort`."""
        return self._port.finished

    @property
    def remembered(self) -> Remembers | None:
        """See `ResponsePort`."""
        return self._port.remembered

    @property
    def peer(self) -> str:
        """See `ResponsePort`."""
        return self._port.peer

    @property
    def bytes_written(self) -> int:
        """See `ResponsePort`."""
        return self._port.bytes_written

    @property
    def flow(self) -> Flow | None:
        """See `ResponsePort`."""
        return self._port.flow

    @flow.setter
    def flow(self, flow: Flow | None) -> None:
        self._port.flow = flow

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self._port.whole(status, lines, body)

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        self._port.begin(status, lines)

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self._port.write(data)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self._port.write_chunk(chunk, begin)

    def end(self) -> None:
        """See `ResponsePort`."""
        self._port.end()

    def cut(self) -> None:
        """See `ResponsePort`."""
        self._port.cut()
