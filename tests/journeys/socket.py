"""A caller over a WebSocket: a strict client by wsproto, on a raw connection to the gateway.

async with Socket(gateway.port) as socket:
    socket.create(model="openai/gpt-x", input="hi")
    events = await socket.response()
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections import deque
from typing import Any

from tests.journeys.caller import HOST, KEY, WAIT_S
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import generate_accept_token

NONCE = b64encode(b"0123456789abcdef")
ENDS = ("response.completed", "response.incomplete", "response.failed", "error", "response.steer.failed")


class Refused(Exception):
    """The gateway answered the handshake with something else than 101."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body!r}")
        self.status = status
        self.body = body


class Socket:
    """See the module. `closed`: the code that the gateway closed with, once it has."""

    def __init__(
        self,
        port: int,
        *,
        path: str = "/v1/responses",
        key: str | None = KEY,
        deflate: bool = True,
        headers: tuple[str, ...] = (),
        version: int = 13,
    ) -> None:
        self._port = port
        self._headers = headers
        self._path = path
        self._key = key
        self._version = version
        self._deflate = PerMessageDeflate() if deflate else None
        self.frames = Connection(ConnectionType.CLIENT, [])
        self.events: deque[dict[str, Any]] = deque()
        self.pongs = 0
        self.pings = 0
        self.closed: int | None = None
        self._pieces: list[str] = []

    async def __aenter__(self) -> Socket:
        self.reader, self.writer = await asyncio.open_connection(HOST, self._port)
        lines = [
            f"GET {self._path} HTTP/1.1",
            "Host: gateway",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {NONCE.decode()}",
            f"Sec-WebSocket-Version: {self._version}",
            *self._headers,
        ]
        if self._key is not None:
            lines.append(f"Authorization: Bearer {self._key}")
        if self._deflate is not None:
            lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(WAIT_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            async with asyncio.timeout(WAIT_S):
                body = await self.reader.read(-1)
            self.writer.close()
            raise Refused(status, body)
        lower = head.lower()
        assert b"sec-websocket-accept: " + generate_accept_token(NONCE).lower() in lower
        extensions = []
        if b"sec-websocket-extensions: " in lower:
            assert self._deflate is not None
            self._deflate.finalize(lower.split(b"sec-websocket-extensions: ")[1].split(b"\r\n")[0].decode())
            extensions.append(self._deflate)
        self.frames = Connection(ConnectionType.CLIENT, extensions)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def send(self, *events: Any) -> None:
        """Frames as wsproto writes them."""
        for event in events:
            self.writer.write(self.frames.send(event))

    def say(self, text: str) -> None:
        """A message."""
        self.send(TextMessage(data=text))

    def create(self, **members: Any) -> None:
        """Ask for a response."""
        self.say(json.dumps({"type": "response.create", **members}))

    async def event(self) -> dict[str, Any]:
        """The next message. Raises `ConnectionError` when the gateway closes in its place."""
        while not self.events:
            if self.closed is not None:
                raise ConnectionError(f"closed: {self.closed}")
            await self.read()
        return self.events.popleft()

    async def read(self) -> None:
        """Take what comes next."""
        async with asyncio.timeout(WAIT_S):
            data = await self.reader.read(65536)
        if not data:
            self.closed = self.closed or 1006
            return
        self.frames.receive_data(data)
        for event in self.frames.events():
            if isinstance(event, Message):
                self._pieces.append(str(event.data))
                if event.message_finished:
                    self.events.append(json.loads("".join(self._pieces)))
                    self._pieces.clear()
            elif isinstance(event, CloseConnection):
                self.closed = int(event.code)
            elif isinstance(event, Ping):
                self.pings += 1
                self.send(event.response())
            elif isinstance(event, Pong):
                self.pongs += 1

    async def response(self) -> list[dict[str, Any]]:
        """The events of the next response, to its end."""
        events = [await self.event()]
        while events[-1]["type"] not in ENDS:
            events.append(await self.event())
        return events

    async def close_code(self) -> int:
        """Read until the gateway closes."""
        while self.closed is None:
            await self.read()
        return self.closed
