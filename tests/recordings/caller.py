"""A caller of the gateway: one keep-alive connection over a real socket, llhttp as its parser.

An answer tells whether its framing was complete: a connection that ended early is never taken for a whole
answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httptools

ANSWER_BYTES_MAX = 64 * 1024 * 1024
ANSWER_TIMEOUT_S = 20.0


@dataclass(slots=True)
class UpstreamResponse:
    """What came back. `complete`: the message ended as its framing promised."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False


class _Wire(asyncio.Protocol):
    """Feeds one connection's bytes to the parser and resolves the answer that is due."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self.due: asyncio.Future[UpstreamResponse] | None = None
        self._reset()

    def _reset(self) -> None:
        self.answer = UpstreamResponse()
        self.parts: list[bytes] = []
        self.size = 0
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        until_eof = "content-length" not in self.answer.headers and "transfer-encoding" not in self.answer.headers
        self.answer.complete = exc is None and self.answer.status != 0 and until_eof
        self._finish()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        if self.size <= ANSWER_BYTES_MAX:
            self.parts.append(body)

    def on_headers_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()

    def on_message_complete(self) -> None:
        self.answer.complete = True
        if not self.parser.should_keep_alive() and self.transport is not None:
            self.transport.close()
            self.lost = True
        self._finish()

    def _finish(self) -> None:
        due, self.due = self.due, None
        if due is not None and not due.done():
            self.answer.body = b"".join(self.parts)
            due.set_result(self.answer)

    def ask(self, data: bytes) -> asyncio.Future[UpstreamResponse]:
        """Write a request; the future holds its answer."""
        assert self.transport is not None
        self._reset()
        self.due = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self.due


class Caller:
    """Sends requests one after another; dials again when the connection is gone."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key
        self.wire: _Wire | None = None

    async def ask(self, path: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> UpstreamResponse:
        """One POST; an answer that does not come in time has status 0."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
        ).encode("latin-1")
        if self.wire is None or self.wire.lost:
            loop = asyncio.get_running_loop()
            _, self.wire = await loop.create_connection(_Wire, "127.0.0.1", self.port)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self.wire.ask(head + body)
        except TimeoutError:
            self.close()
            return UpstreamResponse()

    def close(self) -> None:
        """Drop the connection."""
        if self.wire is not None and self.wire.transport is not None:
            self.wire.transport.abort()
        self.wire = None
