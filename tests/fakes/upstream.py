"""A fake upstream: a real HTTP/1.1 server on loopback that does, byte by byte, what a test tells it to.

    async with FakeUpstream() as upstream:            # in the test's loop; `with` runs it in a thread of its own
        upstream.queue(Reply.json({"id": "1"}), Reply.events(b"data: 1\\n\\n", gate, b"data: 2\\n\\n"))
        upstream.on("/v1/models", Reply.json({"data": []}))            # whenever that path is asked
        upstream.otherwise = lambda seen: Reply.json({"model": seen.json()["model"]})
        ... call upstream.url ...
        seen = upstream.requests[0]                    # method, target, headers, body, connection
        await seen.gone.arrive()                       # the client left; `seen.gone.at_s` says when

Replies are taken from the queue first, then by path, then `otherwise`; without any: 501. The steps of a reply's body
are bytes, a `Gate` (waits for `open()`), FIN or RST (ends the connection there) and STALL (nothing more comes, until
the client leaves). `before` holds steps taken before the head: a gate there makes slow headers. `cut_at` cuts the
body after that many bytes. `framing`: "length", "chunked", "close" (the end of the connection is the end), or "raw"
(steps are sent as they are, head included: garbage, half a head). `claimed_length` lies about the length.
Nothing here sleeps; every wait of a test has a deadline (`happening`).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal, cast

import brotli
import httptools
from tests.fakes.happening import WAIT_S, Gate, Happening

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HOST = "127.0.0.1"
REASON = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


class End(Enum):
    """How a reply may break off."""

    FIN = "the connection is closed"
    RST = "the connection is reset"
    STALL = "nothing more comes"


FIN, RST, STALL = End.FIN, End.RST, End.STALL
Step = bytes | Gate | End
Coding = Literal["gzip", "deflate", "br", "zstd"]


@dataclass(frozen=True)
class Reply:
    """What is sent back; see the module's words."""

    status: int = 200
    steps: Sequence[Step] = ()
    headers: dict[str, str] = field(default_factory=dict[str, str])
    framing: Literal["length", "chunked", "close", "raw"] = "length"
    before: Sequence[Step] = ()
    cut_at: int | None = None
    cut: End = FIN
    claimed_length: int | None = None
    keep_alive: bool = True

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        """A JSON body with its length; header names with `_` for `-`."""
        body = json.dumps(value).encode()
        return cls(status, (body,), {"content-type": "application/json", **_named(headers)})

    @classmethod
    def body(cls, data: bytes, content_type: str = "application/json", status: int = 200, **headers: str) -> Reply:
        """Bytes with their length."""
        return cls(status, (data,), {"content-type": content_type, **_named(headers)})

    @classmethod
    def events(cls, *steps: Step, **headers: str) -> Reply:
        """A chunked event stream; each step of bytes is one chunk."""
        return cls(200, steps, {"content-type": "text/event-stream", **_named(headers)}, "chunked")

    @classmethod
    def raw(cls, *steps: Step) -> Reply:
        """Bytes as they are, head included."""
        return cls(steps=steps, framing="raw")

    def but(self, **changes: Any) -> Reply:
        """The same with some fields changed."""
        return replace(self, **changes)

    def coded(self, coding: Coding) -> Reply:
        """The same with its bytes compressed as one, and the header that says so."""
        data = compress(coding, b"".join(step for step in self.steps if isinstance(step, bytes)))
        return replace(self, steps=(data,), headers={**self.headers, "content-encoding": coding})


@dataclass
class Seen:
    """A request as it arrived. `connection` counts connections from 0; `gone` happens when the client leaves."""

    connection: int
    gone: Happening
    method: str = ""
    target: str = ""
    header_list: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """As spelled, in order."""
    body: bytes = b""
    at_s: float = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; of repeated ones the last."""
        return {name.lower(): value for name, value in self.header_list}

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Answering = Reply | Callable[[Seen], Reply]


class FakeUpstream:
    """The server. `tls`: a server context (see `fakes.tls`). `unix_path`: listen there instead of on a port.

    `faults` holds what went wrong inside (a test's own callable, above all); it is raised when the `with` ends.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, unix_path: str | None = None) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.faults: list[BaseException] = []
        self.otherwise: Answering | None = None
        self.port = 0
        self._tls = tls
        self._unix_path = unix_path
        self._queue: list[Answering] = []
        self._paths: dict[str, Answering] = {}
        self._expected: list[tuple[int, Happening]] = []
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """http(s)://127.0.0.1:port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._open)

    def queue(self, *replies: Answering) -> None:
        """Answer the next requests with these, in order, each once."""
        self._queue.extend(replies)

    def forget_queue(self) -> None:
        """Answer no more with what is still queued."""
        self._queue.clear()

    def on(self, path: str, reply: Answering) -> None:
        """Answer every request for `path` (without its query) with this."""
        self._paths[path] = reply

    def expect(self, count: int) -> Happening:
        """Happens when `count` requests have arrived in all."""
        happening = Happening(f"request number {count} arrives")
        self._expected.append((count, happening))
        self._tell()
        return happening

    async def __aenter__(self) -> FakeUpstream:
        loop = asyncio.get_running_loop()
        if self._unix_path is not None:
            self._server = await loop.create_unix_server(lambda: _Connection(self), self._unix_path, ssl=self._tls)
            return self
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, self.port))
        self.port = sock.getsockname()[1]
        self._server = await loop.create_server(lambda: _Connection(self), sock=sock, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.gather(*[connection.end() for connection in list(self._open)])
        await asyncio.sleep(0)  # transports close in the loop's next turn
        if self.faults and self._thread is None:
            raise self.faults[0]

    def __enter__(self) -> FakeUpstream:
        ready = Happening("the fake listens")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="fake-upstream")
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None and self._ended is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the fake's thread does not end"
        self._thread = None
        if self.faults:
            raise self.faults[0]

    async def _run(self, ready: Happening) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with self:
            ready.set()
            await self._ended.wait()

    def _tell(self) -> None:
        for count, happening in self._expected:
            if len(self.requests) >= count:
                happening.set()

    def _take(self, seen: Seen) -> None:
        self.requests.append(seen)
        self._tell()

    def _choose(self, seen: Seen) -> Reply:
        chosen = self._queue.pop(0) if self._queue else self._paths.get(seen.path, self.otherwise)
        if chosen is None:
            return Reply.json({"error": f"the fake was not told what to say to {seen.method} {seen.target}"}, 501)
        return chosen if isinstance(chosen, Reply) else chosen(seen)


class _Connection(asyncio.Protocol):
    """One client: requests are answered one after the other; its leaving is told to each that it sent."""

    def __init__(self, fake: FakeUpstream) -> None:
        self._fake = fake
        self._number = fake.connections
        fake.connections += 1
        self._parser = httptools.HttpRequestParser(self)
        self._gone = Happening("the client leaves")
        self._waiting: asyncio.Queue[tuple[Seen, bool]] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._seen = Seen(self._number, self._gone)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._task = asyncio.get_running_loop().create_task(self._serve())
        self._fake._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()
        self._task.cancel()
        self._fake._open.discard(self)

    def eof_received(self) -> bool:
        self._gone.set()
        return False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError as fault:
            self._fake.faults.append(fault)
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._seen = Seen(self._number, self._gone)

    def on_url(self, url: bytes) -> None:
        self._seen.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._seen.header_list.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._seen.body += body

    def on_message_complete(self) -> None:
        self._seen.method = self._parser.get_method().decode()
        self._seen.at_s = time.monotonic()
        self._fake._take(self._seen)
        self._waiting.put_nowait((self._seen, self._parser.should_keep_alive()))

    async def end(self) -> None:
        """Close, whatever is being sent."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._transport.abort()

    async def _serve(self) -> None:
        try:
            while True:
                seen, keep_alive = await self._waiting.get()
                reply = self._fake._choose(seen)
                if await self._send(reply, seen) or not (keep_alive and reply.keep_alive):
                    break
        except Exception as fault:  # noqa: BLE001 -- the test is told when its `with` ends
            self._fake.faults.append(fault)
        self._transport.close()

    async def _send(self, reply: Reply, seen: Seen) -> bool:
        """Whether the connection ends with this reply."""
        for step in reply.before:
            if await self._step(step, chunked=False):
                return True
        if reply.framing != "raw":
            self._transport.write(_head(reply))
        if seen.method == "HEAD":
            return False
        left = reply.cut_at
        for step in reply.steps:
            piece = step
            if isinstance(step, bytes) and left is not None:
                piece, left = step[:left], left - len(step[:left])
            if await self._step(piece, chunked=reply.framing == "chunked"):
                return True
            if left == 0:
                return await self._step(reply.cut, chunked=False)
        if reply.framing == "chunked":
            self._transport.write(b"0\r\n\r\n")
        return reply.framing in ("close", "raw")

    async def _step(self, step: Step, *, chunked: bool) -> bool:
        """Take one step; True when the connection ends with it."""
        if isinstance(step, Gate):
            await step.let_through()
        elif step is STALL:
            await asyncio.Event().wait()
        elif step is RST:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif isinstance(step, bytes):
            if step:
                self._transport.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
            await self._writable.wait()
        return step is RST or step is FIN


def _head(reply: Reply) -> bytes:
    headers = dict(reply.headers)
    if reply.framing == "length":
        length = sum(len(step) for step in reply.steps if isinstance(step, bytes))
        headers["content-length"] = str(length if reply.claimed_length is None else reply.claimed_length)
    elif reply.framing == "chunked":
        headers["transfer-encoding"] = "chunked"
    if not reply.keep_alive or reply.framing == "close":
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} {REASON.get(reply.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def compress(coding: Coding, data: bytes) -> bytes:
    """`data` in a content coding."""
    match coding:
        case "gzip":
            return gzip.compress(data, mtime=0)
        case "deflate":
            return zlib.compress(data)
        case "br":
            return brotli.compress(data)
        case "zstd":
            return zstd.compress(data)
