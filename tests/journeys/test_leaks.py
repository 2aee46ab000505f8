"""Nothing is left behind: memory and descriptors of a real worker after many connections and many streams."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import Counter
from pathlib import Path

from httptools import HttpRequestParser, HttpResponseParser
from tests.fakes.upstream import FIN, FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import HOST, Caller, request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.served import Served, descriptors, memory_kb
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_START, CHAT_STREAM, CHAT_STREAM_SHOWN, CHAT_WORDS, chat

from asbru.edge.server import ServerConnection
from asbru.pipeline import Call
from asbru.upstream import Exchange
from asbru.upstream.connection import UpstreamConnection

CONNECTIONS = 10_000
CALL_EVERY = 10
STREAMS = 512
GROWN_KB_MAX = 5 * 1024


async def _connect(served: Served, count: int) -> None:
    """Connections one after the other; every tenth carries a call, the others ask for a page; a few just leave."""
    call, page = request(CHAT_PATH, chat()), request("/livez", method="GET")
    loop = asyncio.get_running_loop()
    for at in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        with sock:
            await loop.sock_connect(sock, (HOST, served.port))
            if at % CALL_EVERY == 1:
                continue
            await loop.sock_sendall(sock, page if at % CALL_EVERY else call)
            assert (await loop.sock_recv(sock, 65536)).startswith(b"HTTP/1.1 200")


async def _stream(served: Served, upstream: FakeUpstream) -> None:
    """Streams that are all open at once, then end; some callers leave in the middle."""
    gate = Gate()
    upstream.queue(*[Reply.events(CHAT_START, CHAT_WORDS[0], gate, *CHAT_STREAM[2:])] * STREAMS)
    callers = [Caller(served.port) for _ in range(STREAMS)]
    for caller in callers:
        await caller.__aenter__()
        caller.send(request(CHAT_PATH, chat(stream=True)))
    for caller in callers:
        await caller.head()
        await caller.until(b"Hi")
    for caller in callers[:20]:
        caller.leave()
    gate.open()
    for caller in callers[20:]:
        assert (await caller.rest()).body == CHAT_STREAM_SHOWN
        caller.leave()


async def test_connections_and_streams_leave_nothing_behind(tmp_path: Path) -> None:
    """After 10,000 connections and 512 streams memory is within 5 MB of where it settled, and descriptors are equal."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        (worker,) = served.workers()
        bare = descriptors(worker)

        async def settled() -> int:
            for connection in list(upstream._open):  # what the upstream closes, the gateway closes
                await connection.end()
            await until(lambda: descriptors(worker) == bare, f"{bare} descriptors again")
            return memory_kb(worker)

        await _connect(served, 500)
        await _stream(served, upstream)
        before = await settled()
        await _connect(served, CONNECTIONS)
        await _stream(served, upstream)
        after = await settled()
        assert after - before < GROWN_KB_MAX, f"grew from {before} to {after} KiB"


def _alive() -> Counter[str]:
    """How many of the data plane's objects there are, by type."""
    kinds = (ServerConnection, UpstreamConnection, Exchange, Call, HttpRequestParser, HttpResponseParser)
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds))


async def test_ended_connections_wait_for_no_collector() -> None:
    """What a connection held is freed when it ends, not when the garbage collector comes by."""
    gc.collect()
    gc.disable()
    try:
        before = _alive()
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY), Reply.events(*CHAT_STREAM), Reply.events(CHAT_START, FIN))
            for body in (chat(), chat(stream=True), chat(stream=True), chat("nobody/x"), b"{"):
                await gateway.call(CHAT_PATH, body)
            await gateway.refused(b"garbage\r\n\r\n")
            gate = Gate()
            upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate))
            async with gateway.caller() as caller:
                caller.send(request(CHAT_PATH, chat(stream=True)))
                await gate.reached.arrive()
            await gateway.settle()
        await until(lambda: not upstream.open_connections, "the upstream's connections are closed")
        upstream.requests.clear()
        del caller
        kept = _alive() - before
        kept["HttpRequestParser"] = 0  # the fake has such parsers too
        assert not +kept
    finally:
        gc.enable()
