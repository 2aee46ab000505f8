"""Writes responses: whole or streamed, one at a time per connection, framed as the caller's HTTP version allows.

Only framing: what a response says, and when, is its giver's business.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from asbru.core.ports import Flow

if TYPE_CHECKING:
    import asyncio

    from asbru.edge.server.request import Head
    from asbru.wire.outbox import Outbox

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_NO_BODY = (204, 304)
_RESET = struct.pack("ii", 1, 0)
"""Closing sends RST: lingering, for no time."""
_COPIED_BYTES_MAX = 2048
"""Below this a chunk is copied into its frame: one small copy costs less than two more buffers for the kernel."""


def _status_line(status: int) -> bytes:
    line = _STATUS_LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d Unknown\r\n" % status


def _close_with_reset(transport: asyncio.Transport) -> None:
    """Close so that the peer sees an error, which a body that ends with its connection has no other way to tell."""
    told = transport.get_extra_info("socket")
    if told is not None:
        with socket.fromfd(told.fileno(), told.family, told.type) as shared:  # uvloop's own has no options to set
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _nobody_waits() -> None:
    """What a response tells when its caller is gone."""


class ResponseWriter:
    """The answering side of a connection. Implements `core.ports.ResponsePort`.

    `closing` is set by the connection when this response is the last one. `started` tells that the head is out, so that
    an error can only be told inside the stream. `bytes_written` counts body bytes of the present response.
    """

    __slots__ = (
        "_chunked",
        "_done",
        "_extra",
        "_head_only",
        "_in_chunks",
        "_keep_line",
        "_outbox",
        "_pending_head",
        "_transport",
        "bytes_written",
        "closing",
        "finished",
        "flow",
        "started",
    )

    def __init__(self, done: Callable[[], None], outbox: Outbox) -> None:
        self._done = done
        self._outbox = outbox
        self._transport: asyncio.Transport | None = None
        self._pending_head = b""
        self._chunked = True
        self._head_only = False
        self._in_chunks = False  # the head is out, and more goes in chunks
        self._extra = b""
        self._keep_line = b""
        self.closing = False
        self.started = False
        self.finished = True
        self.bytes_written = 0
        self.flow: Flow | None = None

    def attach(self, transport: asyncio.Transport | None) -> None:
        """The transport to write to; None once the caller is gone: writes are dropped from then on."""
        self._transport = transport
        if transport is None:
            self._done = _nobody_waits

    remembered = None
    """See `ResponsePort`: each request of HTTP stands for itself."""

    @property
    def peer(self) -> str:
        """See `ResponsePort`."""
        address = None if self._transport is None else self._transport.get_extra_info("peername")
        return str(cast("tuple[object, ...]", address)[0]) if isinstance(address, tuple) else ""

    def prepare(self, head: Head, extra: bytes) -> None:
        """Get ready to answer a request; `extra` is header lines for whatever the response will be (CORS)."""
        http_1_0 = head.http_1_0
        self._chunked = not http_1_0
        self._head_only = head.method == b"HEAD"
        self._extra = extra
        self._keep_line = b"connection: keep-alive\r\n" if http_1_0 else b""
        self.started = False
        self.finished = False
        self.bytes_written = 0
        if not head.keep_alive:
            self.closing = True

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """A complete response. `lines` are header lines, each ending with CRLF; framing headers are added here."""
        self.started = True
        transport = self._transport
        if transport is not None:
            status_line = _STATUS_LINES.get(status) or _status_line(status)
            keep_line = b"connection: close\r\n" if self.closing else self._keep_line
            if status in _NO_BODY:
                pieces = (b"%b%b%b%b\r\n" % (status_line, lines, self._extra, keep_line),)
            else:
                size = len(body)
                head = b"%b%b%bcontent-length: %d\r\n%b\r\n" % (status_line, lines, self._extra, size, keep_line)
                if self._head_only:
                    pieces = (head,)
                else:
                    pieces = (head, body)
                    self.bytes_written = size
            outbox = self._outbox
            if outbox.gathering:
                outbox.put(transport, pieces)
            else:
                transport.writelines(pieces)
        self.flow = None
        self.finished = True
        self._done()

    def begin(self, status: int, lines: bytes) -> None:
        """The head of a streamed response; it leaves with the first bytes."""
        if not self._chunked:
            self.closing = True
        self._pending_head = b"%b%b%b%b%b\r\n" % (
            _status_line(status),
            lines,
            self._extra,
            b"transfer-encoding: chunked\r\n" if self._chunked else b"",
            b"connection: close\r\n" if self.closing else b"",
        )
        self._in_chunks = False
        self.started = True

    def write(self, data: bytes) -> None:
        """More of a streamed response."""
        transport = self._transport
        if transport is None or not data:
            return
        size = len(data)
        self.bytes_written += size
        outbox = self._outbox
        if self._in_chunks and size < _COPIED_BYTES_MAX:
            framed = b"%x\r\n%b\r\n" % (size, data)
            if outbox.gathering:
                outbox.put(transport, (framed,))
            else:
                transport.write(framed)
            return
        head = self._pending_head
        self._pending_head = b""
        self._in_chunks = self._chunked
        pieces = (b"%b%x\r\n" % (head, size), data, b"\r\n") if self._chunked else (head, data)
        if outbox.gathering:
            outbox.put(transport, pieces)
        else:
            transport.writelines(pieces)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """More of a streamed response, framed as a chunk already: its data begins at `begin`, CRLF ends it."""
        transport = self._transport
        if not self._in_chunks:
            self.write(chunk[begin:-2])
        elif transport is not None:
            self.bytes_written += len(chunk) - begin - 2
            outbox = self._outbox
            if outbox.gathering:
                outbox.put(transport, (chunk,))
            else:
                transport.write(chunk)

    def end(self) -> None:
        """The end of a streamed response."""
        tail = b"0\r\n\r\n" if self._chunked else b""
        transport = self._transport
        if transport is not None and (self._pending_head or tail):
            pieces = (self._pending_head + tail,)
            if self._outbox.gathering:
                self._outbox.put(transport, pieces)
            else:
                transport.writelines(pieces)
        self._pending_head = b""
        self.flow = None
        self.finished = True
        self._done()

    def cut(self) -> None:
        """The end of a streamed response that is not whole, where no event can tell: chunks without the last one; a
        body that ends with the connection, with a reset."""
        self._pending_head = b""
        self.flow = None
        self.finished = True
        self.closing = True
        if not self._chunked and self._transport is not None:
            _close_with_reset(self._transport)
        self._done()
