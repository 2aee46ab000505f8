"""A fake HTTP proxy on loopback: CONNECT tunnels and absolute-form requests, with a record of what it was asked.

    async with FakeProxy(routes={"api.example:443": ("127.0.0.1", upstream.port)}) as proxy:
        ... call through proxy.url ...
        assert proxy.asked[0].target == "api.example:443"

A target without a route is dialled only if it is on loopback; else 502. `password`: what Proxy-Authorization must
hold, or 407. Absolute-form requests are passed on as they came, but for the target; one per connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

HOST = "127.0.0.1"


@dataclass
class Asked:
    """One request to the proxy, as it arrived."""

    method: str
    target: str
    headers: dict[str, str]


class FakeProxy:
    """The proxy; runs in the test's loop."""

    def __init__(self, *, routes: Mapping[str, tuple[str, int]] | None = None, password: str | None = None) -> None:
        self.asked: list[Asked] = []
        self.port = 0
        self._routes = dict(routes or {})
        self._password = password
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """http://127.0.0.1:port."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> FakeProxy:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a side left; the other is closed below
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.asked.append(Asked(method, target, headers))
        if self._password is not None and headers.get("proxy-authorization") != self._password:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n")
            writer.write(b"content-length: 0\r\nconnection: close\r\n\r\n")
            return
        where = self._where(method, target)
        if where is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        there_reader, there = await asyncio.open_connection(*where)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            there.write(f"{method} {path} {version}\r\n".encode("latin-1") + head.partition(b"\r\n")[2])
        try:
            await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))
        finally:
            there.close()

    def _where(self, method: str, target: str) -> tuple[str, int] | None:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = parts.hostname or "", parts.port or 80
        return self._routes.get(f"{host}:{port}") or ((host, port) if host in ("127.0.0.1", "localhost") else None)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until the end, then end the other side."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
