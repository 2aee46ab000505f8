"""Writes answers: whole or streamed, one at a time per connection, framed as the caller's HTTP version allows.

Only framing: what an answer says, and when, is its giver's business.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from asbru.core.ports import Flow

if TYPE_CHECKING:
    import asyncio

    from asbru.edge.server.request import Request

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}
_NO_BODY = (204, 304)
_COPIED_BYTES_MAX = 2048
"""Below this a chunk is copied into its frame: one small copy costs less than two more buffers for the kernel."""


def _status_line(status: int) -> bytes:
    line = _STATUS_LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d Unknown\r\n" % status


def _nobody_waits() -> None:
    """What an answer tells when its caller is gone."""


class AnswerWriter:
    """The answering side of a connection. Implements `core.ports.AnswerPort`.

    `closing` is set by the connection when this answer is the last one. `started` tells that the head is out, so that
    an error can only be told inside the stream. `bytes_written` counts body bytes of the present answer.
    """

    __slots__ = (
        "_chunked",
        "_done",
        "_extra",
        "_head_only",
        "_keep_line",
        "_pending_head",
        "_streaming",
        "_transport",
        "bytes_written",
        "closing",
        "finished",
        "flow",
        "started",
    )

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._pending_head = b""
        self._chunked = True
        self._streaming = False
        self._head_only = False
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

    def prepare(self, request: Request, extra: bytes) -> None:
        """Get ready to answer `request`; `extra` is header lines for whatever the answer will be (CORS)."""
        self._chunked = not request.http_1_0
        self._head_only = request.method == b"HEAD"
        self._extra = extra
        self._keep_line = b"connection: keep-alive\r\n" if request.http_1_0 else b""
        self.started = False
        self.finished = False
        self.bytes_written = 0
        self.closing = not request.keep_alive or self.closing

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """A complete answer. `lines` are header lines, each ending with CRLF; framing headers are added here."""
        transport = self._transport
        if transport is not None:
            head = b"%b%b%b%b%b\r\n" % (
                _status_line(status),
                lines,
                self._extra,
                b"" if status in _NO_BODY else b"content-length: %d\r\n" % len(body),
                b"connection: close\r\n" if self.closing else self._keep_line,
            )
            if self._head_only or not body or status in _NO_BODY:
                transport.write(head)
            else:
                transport.writelines((head, body))
                self.bytes_written = len(body)
        self.started = True
        self._finish()

    def begin(self, status: int, lines: bytes) -> None:
        """The head of a streamed answer; it leaves with the first bytes."""
        if not self._chunked:
            self.closing = True
        self._pending_head = b"%b%b%b%b%b\r\n" % (
            _status_line(status),
            lines,
            self._extra,
            b"transfer-encoding: chunked\r\n" if self._chunked else b"",
            b"connection: close\r\n" if self.closing else b"",
        )
        self.started = True
        self._streaming = True

    def write(self, data: bytes) -> None:
        """More of a streamed answer."""
        transport = self._transport
        if transport is None or not data:
            return
        size = len(data)
        self.bytes_written += size
        head = self._pending_head
        if head:
            self._pending_head = b""
            if self._chunked:
                transport.writelines((head + b"%x\r\n" % size, data, b"\r\n"))
            else:
                transport.writelines((head, data))
        elif self._chunked:
            if size < _COPIED_BYTES_MAX:
                transport.write(b"%x\r\n%b\r\n" % (size, data))
            else:
                transport.writelines((b"%x\r\n" % size, data, b"\r\n"))
        else:
            transport.write(data)

    def end(self) -> None:
        """The end of a streamed answer."""
        transport = self._transport
        if transport is not None:
            tail = b"0\r\n\r\n" if self._chunked else b""
            if self._pending_head or tail:
                transport.write(self._pending_head + tail)
        self._pending_head = b""
        self._streaming = False
        self._finish()

    def _finish(self) -> None:
        self.flow = None
        self.finished = True
        self._done()
