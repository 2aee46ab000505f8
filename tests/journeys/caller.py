"""A caller: one raw connection to the gateway. It sends bytes as they are and reads answers strictly.

`answer()` reads a whole answer; `head()`, `piece()` and `rest()` read one as it streams. Whatever is awaited has a
deadline. Nothing here retries, redirects or decodes.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-asb-journeys-0000"
WAIT_S = 30.0
HOST = "127.0.0.1"


class HungUp(Exception):
    """The gateway closed the connection where an answer was awaited."""


@dataclass
class UpstreamResponse:
    """What came back. `pieces` are the chunks of a streamed body; `whole` tells that its end was seen."""

    status: int
    header_list: list[tuple[str, str]]
    pieces: list[bytes] = field(default_factory=list[bytes])
    whole: bool = False
    version: str = "HTTP/1.1"

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; of repeated ones the last."""
        return {name.lower(): value for name, value in self.header_list}

    @property
    def body(self) -> bytes:
        """All of it that came."""
        return b"".join(self.pieces)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of either dialect."""
        found: dict[str, Any] = self.json()["error"]
        return found


def request(
    path: str,
    body: object = b"",
    *,
    method: str = "POST",
    key: str | None = KEY,
    headers: Sequence[str] = (),
    version: str = "1.1",
    length: bool = True,
) -> bytes:
    """A request's bytes; a body that is not bytes is sent as JSON. `length=False` leaves Content-Length out."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: gateway"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if data and not any(line.lower().startswith("content-type:") for line in headers):
        lines.append("Content-Type: application/json")
    if length and (data or method == "POST"):
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + data


def chunked(data: bytes, size: int = 7) -> bytes:
    """`data` as chunks of `size` bytes, with the end."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Caller:
    """See the module. Use `async with Caller(port)`."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, limit: int = 1 << 20) -> None:
        self.port = port
        self._tls = tls
        self._limit = limit
        self._present: UpstreamResponse | None = None
        self._left = 0
        self._chunked = False

    async def __aenter__(self) -> Caller:
        name = "localhost" if self._tls else None
        self.reader, self.writer = await asyncio.open_connection(
            HOST, self.port, ssl=self._tls, server_hostname=name, limit=self._limit
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Hang up."""
        self.writer.close()

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)

    async def answer(self, *, head_only: bool = False) -> UpstreamResponse:
        """One whole answer."""
        answer = await self.head()
        if head_only or answer.status in (204, 304) or answer.status < 200:
            answer.whole = True
            return answer
        await self.rest()
        return answer

    async def head(self) -> UpstreamResponse:
        """The next answer's head."""
        async with asyncio.timeout(WAIT_S):
            try:
                data = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise HungUp(repr(error)) from error
        first, *lines = data[:-4].decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        self._present = answer = UpstreamResponse(int(status), pairs, version=version)
        self._chunked = answer.headers.get("transfer-encoding") == "chunked"
        length = answer.headers.get("content-length")
        assert not (self._chunked and length), "an answer with two framings"
        self._left = int(length) if length is not None else -1
        return answer

    async def piece(self) -> bytes:
        """The next piece of the body; b"" at its end. Raises `HungUp` when it is cut."""
        answer = self._present
        assert answer is not None
        async with asyncio.timeout(WAIT_S):
            try:
                data = await (self._chunk() if self._chunked else self._run())
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise HungUp(repr(error)) from error
        if data:
            answer.pieces.append(data)
        else:
            answer.whole = True
        return data

    async def _chunk(self) -> bytes:
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size + 2)
        assert data[-2:] == b"\r\n"
        return data[:-2]

    async def _run(self) -> bytes:
        if self._left < 0:
            return await self.reader.read(65536)
        data = await self.reader.readexactly(self._left)
        self._left = 0
        return data

    async def rest(self) -> UpstreamResponse:
        """The rest of the present answer."""
        while await self.piece():
            pass
        assert self._present is not None
        return self._present

    async def until(self, text: bytes) -> UpstreamResponse:
        """Pieces until the body holds `text`."""
        assert self._present is not None
        while text not in self._present.body:
            assert await self.piece(), f"the body ended without {text!r}: {self._present.body!r}"
        return self._present

    async def hung_up(self) -> bytes:
        """What still comes until the gateway closes the connection."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""
