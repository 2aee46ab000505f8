"""A provider that answers before it has read the request: the rest of it is nobody else's burden."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from tests.fakes.tls import Authority
from tests.journeys.caller import WAIT_S
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

from asbru.upstream.origin import TlsTrust

BIG = {**chat(), "messages": [{"role": "user", "content": "x" * 20_000_000}]}


class Hasty:
    """A server that answers 413 to what is longer than a few bytes, and reads no more of it; else it answers well."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.refused_bytes_min = 50_000

    async def __aenter__(self) -> Hasty:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, limit=8192)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://localhost:{port}" if self._tls else f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split()[0])
                if length >= self.refused_bytes_min:
                    writer.write(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\n{}")
                    await asyncio.Event().wait()  # the reader stops, and with it the transport
                await reader.readexactly(length)
                body = str(CHAT_REPLY).replace("'", '"').replace("None", "null").encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        except (OSError, asyncio.IncompleteReadError):
            return


@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_next_call_does_not_wait_behind_the_rest(encrypted: bool, tmp_path: Path) -> None:
    """A connection with anything unsent is not used again, plain or TLS."""
    authority = Authority(tmp_path)
    async with Hasty(authority.server_context() if encrypted else None) as hasty:
        trust = TlsTrust(ca_pem=authority.ca_pem) if encrypted else TlsTrust()
        async with Gateway(openai(hasty.url, tls=trust)) as gateway, asyncio.timeout(WAIT_S):
            assert (await gateway.call(CHAT_PATH, BIG)).status == 413
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            assert hasty.connections == 2
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            assert hasty.connections == 2
