"""The fakes themselves: an upstream, a proxy and certificates that do what the journeys rely on."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import ssl
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.happening import Gate
from tests.fakes.proxy import FakeProxy
from tests.fakes.speech import anthropic_tool_call, openai_text
from tests.fakes.tls import Authority
from tests.fakes.upstream import FIN, RST, STALL, FakeUpstream, Reply, Seen


class _Client:
    """A raw client: bytes out, bytes in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int, tls: ssl.SSLContext | None = None) -> _Client:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls))

    def ask(self, target: str = "/", body: bytes = b"", method: str = "POST", head: str = "") -> None:
        """Send one request."""
        text = f"{method} {target} HTTP/1.1\r\nHost: fake\r\n{head}content-length: {len(body)}\r\n\r\n"
        self._writer.write(text.encode() + body)

    async def until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        return await asyncio.wait_for(self._reader.readuntil(end), 60)

    async def rest(self) -> bytes:
        """Everything until the connection ends."""
        try:
            return await asyncio.wait_for(self._reader.read(), 60)
        finally:
            await self.leave()

    async def leave(self) -> None:
        """Close."""
        self._writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self._writer.wait_closed()


def test_replies_in_order_and_by_path() -> None:
    """The queue is used up first, then the path's reply, then `otherwise`; what was asked is recorded as it came."""

    async def play() -> None:
        async with FakeUpstream() as upstream:
            upstream.queue(Reply.json({"n": 1}, x_first="yes"))
            upstream.on("/b", Reply.body(b"two", "text/plain", 404))
            client = await _Client.to(upstream.port)
            for target, body in (("/a?x=1", b'{"q":1}'), ("/b", b""), ("/c", b"")):
                client.ask(target, body, head="X-Key: V\r\n")
            assert (await client.until(b'{"n": 1}')).startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"404 Not Found" in await client.until(b"two")
            assert b"501" in await client.until(b"\r\n\r\n")
            first = upstream.requests[0]
            assert (first.method, first.target, first.path, first.json()) == ("POST", "/a?x=1", "/a", {"q": 1})
            assert ("X-Key", "V") in first.header_list and first.headers["x-key"] == "V"
            assert {seen.connection for seen in upstream.requests} == {0}
            await client.leave()

    asyncio.run(play())


def test_gates_hold_a_stream() -> None:
    """A gate stops the events before it opens, tells when it is reached, and lets them go on."""

    async def play() -> None:
        gate = Gate()
        async with FakeUpstream() as upstream:
            upstream.queue(Reply.events(b"data: 1\n\n", gate, b"data: 2\n\n"))
            client = await _Client.to(upstream.port)
            client.ask()
            seen = await client.until(b"data: 1\n\n")
            assert b"transfer-encoding: chunked" in seen
            await gate.reached.arrive()
            gate.open()
            assert b"data: 2" in await client.until(b"0\r\n\r\n")
            await client.leave()

    asyncio.run(play())


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("at", [0, 3, 9])
def test_cut_with_fin(framing: Any, at: int) -> None:
    """A body is cut after exactly the bytes asked for, whatever its framing."""

    async def play() -> None:
        async with FakeUpstream() as upstream:
            upstream.queue(Reply(200, (b"hello", b"world"), framing=framing, cut_at=at))
            client = await _Client.to(upstream.port)
            client.ask()
            await client.until(b"\r\n\r\n")
            body = await client.rest()
            if framing == "chunked":
                body = b"".join(body.split(b"\r\n")[1::2])
            assert body == b"helloworld"[:at]

    asyncio.run(play())


def test_reset() -> None:
    """RST is a reset, not an end."""

    async def play() -> None:
        async with FakeUpstream() as upstream:
            upstream.queue(Reply.events(b"data: 1\n\n", RST))
            client = await _Client.to(upstream.port)
            client.ask()
            with pytest.raises(ConnectionResetError):
                await client.rest()

    asyncio.run(play())


def test_leaving_is_told() -> None:
    """A client that leaves during a stalled answer is noticed, with the time, and the connection is given back."""

    async def play() -> None:
        async with FakeUpstream() as upstream:
            upstream.queue(Reply.events(b"data: 1\n\n", STALL))
            arrived = upstream.expect(1)
            client = await _Client.to(upstream.port)
            client.ask()
            await client.until(b"data: 1\n\n")
            await arrived.arrive()
            assert not upstream.requests[0].gone.is_set
            assert upstream.open_connections == 1
            await client.leave()
            await upstream.requests[0].gone.arrive()
            assert upstream.requests[0].gone.at_s >= upstream.requests[0].at_s

    asyncio.run(play())


def test_slow_head_raw_bytes_and_lies() -> None:
    """Steps may come before the head; raw bytes go as they are; a length may be a lie; a reply may end the line."""

    async def play() -> None:
        gate = Gate()
        async with FakeUpstream() as upstream:
            upstream.queue(
                Reply.body(b"late").but(before=(gate,)),
                Reply.body(b"ab").but(claimed_length=9, keep_alive=False),
            )
            client = await _Client.to(upstream.port)
            client.ask()
            client.ask()
            await gate.reached.arrive()
            gate.open()
            await client.until(b"late")
            assert b"content-length: 9\r\n" in await client.until(b"\r\n\r\n")
            assert await client.rest() == b"ab"
            upstream.queue(Reply.raw(b"HTTP/1.1 2", FIN, b"never"))
            client = await _Client.to(upstream.port)
            client.ask()
            assert await client.rest() == b"HTTP/1.1 2"

    asyncio.run(play())


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_codings(coding: Any) -> None:
    """A body can be sent compressed, and says so."""
    reply = Reply.json({"text": "x" * 500}).coded(coding)
    assert reply.headers["content-encoding"] == coding
    (data,) = reply.steps
    assert isinstance(data, bytes) and len(data) < 100
    if coding == "gzip":
        assert json.loads(zlib.decompress(data, 31)) == {"text": "x" * 500}


def test_in_a_thread_with_tls(tmp_path: Path) -> None:
    """`with` serves blocking clients from a thread; the CA made at test time vouches for the server, and no other."""
    authority = Authority(tmp_path)
    with FakeUpstream(tls=authority.server_context()) as upstream:
        upstream.otherwise = lambda seen: Reply.json({"asked": seen.path})
        trusting = ssl.create_default_context(cadata=authority.ca_pem)
        connection = http.client.HTTPSConnection("127.0.0.1", upstream.port, context=trusting, timeout=60)
        connection.request("GET", "/hello")
        assert json.loads(connection.getresponse().read()) == {"asked": "/hello"}
        connection.close()
        upstream.expect(1).wait()
        doubting = http.client.HTTPSConnection("127.0.0.1", upstream.port, timeout=60)
        with pytest.raises(ssl.SSLCertVerificationError):
            doubting.request("GET", "/")
        doubting.close()


def test_faults_of_a_callable_are_raised() -> None:
    """A mistake in a test's own reply is raised at the end of the `with`, not swallowed."""

    def wrong(seen: Seen) -> Reply:
        raise KeyError(seen.path)

    def call(upstream: FakeUpstream) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=60)
        connection.request("GET", "/oops")
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        connection.close()

    with pytest.raises(KeyError, match="/oops"), FakeUpstream() as upstream:
        upstream.otherwise = wrong
        call(upstream)


def test_proxy_tunnels_and_forwards(tmp_path: Path) -> None:
    """CONNECT reaches a routed name through TLS; an absolute target is passed on; both are recorded."""

    async def play() -> None:
        authority = Authority(tmp_path)
        trusting = ssl.create_default_context(cadata=authority.ca_pem)
        async with FakeUpstream(tls=authority.server_context("DNS:api.example")) as safe, FakeUpstream() as plain:
            safe.otherwise = plain.otherwise = Reply.json({"ok": True}).but(keep_alive=False)
            async with FakeProxy(
                routes={"api.example:443": ("127.0.0.1", safe.port)}, password="Basic eA=="
            ) as proxy:
                secret = "proxy-authorization: Basic eA==\r\n"
                client = await _Client.to(proxy.port)
                client.ask("api.example:443", method="CONNECT", head=secret)
                assert b" 200 " in await client.until(b"\r\n\r\n")
                await client._writer.start_tls(trusting, server_hostname="api.example")
                client.ask("/v1/models", method="GET")
                assert (await client.rest()).endswith(b'{"ok": true}')
                client = await _Client.to(proxy.port)
                client.ask(f"{plain.url}/x?y=1", head=secret)
                assert (await client.rest()).endswith(b'{"ok": true}')
                client = await _Client.to(proxy.port)
                client.ask(f"{plain.url}/x")
                assert b" 407 " in await client.rest()
                assert [asked.method for asked in proxy.asked] == ["CONNECT", "POST", "POST"]
            assert plain.requests[0].target == "/x?y=1"

    asyncio.run(play())


def test_speech_is_in_the_dialects() -> None:
    """Answers built by `speech` add up: a stream of words is the text, pieces of arguments are their JSON."""
    steps = openai_text("a b c", stream=True).steps
    chunks = [json.loads(step[6:]) for step in steps[:-1] if isinstance(step, bytes)]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == "a b c"
    steps = anthropic_tool_call("Bash", {"command": "true"}, stream=True).steps
    blocks = [json.loads(step.split(b"data: ")[1]) for step in steps if isinstance(step, bytes)]
    pieces = [block["delta"]["partial_json"] for block in blocks if block["type"] == "content_block_delta"]
    assert json.loads("".join(pieces)) == {"command": "true"}
