"""The replay upstream: a real HTTP/1.1 server on loopback that answers with what was recorded.

The model of a request names the answer: `<row-id>` for the whole of it; `<row-id>~<n>` closes the connection
after n bytes of the body, `<row-id>~<n>r` resets it. Streams go out chunked, other answers with a length
(`framing`); a cut answer is never framed as complete. The body of the last request per row is kept until it
is taken. Not here: any knowledge of asbru.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import OrderedDict
from dataclasses import dataclass

from tests.recordings.corpus import Row

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 64 * 1024 * 1024
KEPT_REQUESTS_MAX = 256
CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for: a row's id, where to cut (None: nowhere) and whether by reset."""

    row_id: str
    cut: int | None = None
    reset: bool = False

    def model(self) -> str:
        """The model name that asks for it."""
        cut = "" if self.cut is None else f"~{self.cut}{'r' if self.reset else ''}"
        return self.row_id + cut


def read_order(model: str) -> Order:
    """The order in a model name; any prefix up to a slash is ignored."""
    row_id, _, cut = model.rpartition("/")[2].partition("~")
    if not cut:
        return Order(row_id)
    return Order(row_id, int(cut.removesuffix("r")), cut.endswith("r"))


class Upstream:
    """Serves the rows; `seen` holds the last request bodies by model name, bounded."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = {row.id: row for row in rows}
        self.seen: OrderedDict[str, bytes] = OrderedDict()
        self.connections = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen on a free loopback port, which is returned."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop what is open."""
        if self._server is not None:
            self._server.close()

    def keep(self, model: str, body: bytes) -> None:
        """Remember a request's body."""
        self.seen[model] = body
        while len(self.seen) > KEPT_REQUESTS_MAX:
            self.seen.popitem(last=False)


class _Connection(asyncio.Protocol):
    """One connection: requests with a Content-Length or chunked, answered in order."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.buffer = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.upstream.connections += 1
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (request := self._take()) is not None:
            self._answer(request)

    def _take(self) -> bytes | None:
        """The body of the next whole request, or None."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_BYTES_MAX:
                self.transport.abort()
            return None
        head = bytes(self.buffer[:end]).lower()
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
        if length > BODY_BYTES_MAX or b"transfer-encoding:" in head:
            self.transport.abort()
            return None
        if len(self.buffer) < end + 4 + length:
            return None
        body = bytes(self.buffer[end + 4 : end + 4 + length])
        del self.buffer[: end + 4 + length]
        return body

    def _answer(self, body: bytes) -> None:
        """Write the recorded answer the request's model names."""
        try:
            model = json.loads(body)["model"]
            order = read_order(model)
            row = self.upstream.rows[order.row_id]
        except (ValueError, KeyError, TypeError) as error:
            text = json.dumps({"error": {"message": f"no such recording: {error}"}}).encode()
            head = b"HTTP/1.1 599 No Recording\r\ncontent-length: %d\r\n\r\n" % len(text)
            self.transport.write(head + text)
            return
        self.upstream.keep(model, body)
        if order.cut is None:
            self._whole(row)
        else:
            self._cut(row, order)

    def _head(self, row: Row, framing: bytes) -> bytes:
        return b"HTTP/1.1 %d Recorded\r\ncontent-type: %b\r\n%b\r\n\r\n" % (
            row.status,
            row.content_type.encode("latin-1"),
            framing,
        )

    def _whole(self, row: Row) -> None:
        data = row.answer
        if not row.stream:
            self.transport.write(self._head(row, b"content-length: %d" % len(data)) + data)
            return
        self.transport.write(self._head(row, b"transfer-encoding: chunked"))
        for at in range(0, len(data), CHUNK_BYTES):
            self.transport.write(_chunk(data[at : at + CHUNK_BYTES]))
        self.transport.write(b"0\r\n\r\n")

    def _cut(self, row: Row, order: Order) -> None:
        """Head, `cut` bytes of the body, then the end of the connection: chunked without its last chunk."""
        assert order.cut is not None
        part = row.answer[: order.cut]
        framing = b"transfer-encoding: chunked" if row.stream else b"content-length: %d" % len(row.answer)
        body = (_chunk(part) if part else b"") if row.stream else part
        self.transport.write(self._head(row, framing) + body)
        if order.reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
