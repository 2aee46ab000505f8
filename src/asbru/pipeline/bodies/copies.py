"""Copies of the bodies of a call, where they are recorded: what the caller sent and what it got, each up to a bound.

They are taken where the bytes pass, so every surface and every way a response comes is the same. What providers are
sent, and what they send, is not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from asbru.core.ports import PassingResponse, ResponsePort

if TYPE_CHECKING:
    from asbru.pipeline.call import Call


class KeepBodies(Protocol):
    """Where the copies go; see `records.bodies.writer`."""

    def add(  # noqa: PLR0917 -- the columns, in their order
        self, call_id: str, request: bytes, request_bytes: int, response: bytes, response_bytes: int
    ) -> None: ...


class CopyingResponse(PassingResponse):
    """A `ResponsePort` that goes on to another one, and keeps the first bytes of the body. Its state is the other's."""

    __slots__ = ("_left", "_response", "request", "request_bytes")

    def __init__(self, port: ResponsePort, request: bytes, bytes_max: int) -> None:
        super().__init__(port)
        self._left = bytes_max
        self._response = bytearray()
        self.request = request[:bytes_max]
        self.request_bytes = len(request)

    @property
    def response(self) -> bytes:
        """The first bytes of what was written."""
        return bytes(self._response)

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self._copy(body)
        self._port.whole(status, lines, body)

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self._copy(data)
        self._port.write(data)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self._copy(chunk[begin:-2])
        self._port.write_chunk(chunk, begin)

    def _copy(self, data: bytes) -> None:
        if self._left:
            kept = data[: self._left]
            self._response += kept
            self._left -= len(kept)


class BodyCopies:
    """Decides whose bodies are copied, and hands the copies on. `every`: those of all calls, else of the keys that say
    so."""

    def __init__(self, keep: KeepBodies, *, every: bool, bytes_max: int) -> None:
        self._keep = keep
        self._every = every
        self._bytes_max = bytes_max

    def begin(self, call: Call) -> None:
        """Copy what is there of a call, and what will be, where it is wanted."""
        caller = call.caller
        if self._every or (caller is not None and caller.entry.record_bodies):
            copying = CopyingResponse(call.response, call.body, self._bytes_max)
            call.response = cast("ResponsePort", copying)  # which the path only reads, but for `flow`

    def end(self, call: Call) -> None:
        """Hand on the copies of a call, if there are any."""
        copied = call.response
        if isinstance(copied, CopyingResponse):
            self._keep.add(
                call.id.decode(), copied.request, copied.request_bytes, copied.response, copied.bytes_written
            )
