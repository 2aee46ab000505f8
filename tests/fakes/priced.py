"""A provider that charges: it answers chats with the usage that their `user` member asks for, and keeps the bill.

Each answer comes `delay_s` after its request. Not a model: `max_tokens` times the share that `user` names come out.
"""

from __future__ import annotations

import asyncio
import json
import time

import httptools

HOST = "127.0.0.1"
NANOUSD_PER_TOKEN = 10_000
"""What an output token costs; input is free."""


class PricedUpstream:
    """See the module. `arrivals` are the moments (monotonic) at which requests came, and their tokens."""

    def __init__(self, delay_s: float = 0.02) -> None:
        self.delay_s = delay_s
        self.arrivals: list[tuple[float, int]] = []
        self.billed_nanousd = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> PricedUpstream:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def answer(self, body: bytes) -> bytes:
        """The answer to a chat, which is billed now."""
        asked = json.loads(body)
        tokens = max(1, int(asked["max_tokens"] * float(asked.get("user", "1"))))
        self.arrivals.append((time.monotonic(), tokens))
        self.billed_nanousd += tokens * NANOUSD_PER_TOKEN
        choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}
        text = json.dumps(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
        ).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
            len(text),
            text,
        )


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: PricedUpstream) -> None:
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._body += data

    def on_message_complete(self) -> None:
        """A request is whole."""
        body, self._body = self._body, b""
        text = self._upstream.answer(body)
        asyncio.get_running_loop().call_later(self._upstream.delay_s, self._transport.write, text)
