"""HTTP to servers and to what authorises them, for this process: over `upstream.Pool`, under the outbound policy.

A response comes as its head first; its body is read in pieces, up to a bound. No redirect is followed: where a server
has moved is said to whoever configures it. Not here: what is sent and what it means.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from asbru.app.tools.peers import Broken, Unreachable
from asbru.core.errors import AsbruError
from asbru.core.future import Future
from asbru.upstream import Exchange, ExchangeDeadlines, Origin, Pool, TlsContexts
from asbru.upstream.origin import Reach

T = TypeVar("T")

BODY_BYTES_MAX: Final = 64 * 1024 * 1024
CONNECT_S: Final = 10.0
STREAM_S: Final = 86400.0
"""How long a stream of notifications may be silent, and last."""
_SWEEP_S = 0.25
_ORIGINS_MAX = 2000


class Reply:
    """A response whose head has come. To be closed, read or not."""

    def __init__(self, status: int, lines: bytes, exchange: Exchange) -> None:
        self.status = status
        self._lines = lines
        self._exchange = exchange

    def header(self, name: str) -> str:
        """The value of the first header called so (lower case), "" if there is none."""
        for line in self._lines.split(b"\r\n"):
            found, _, value = line.partition(b":")
            if found.strip().lower() == name.encode():
                return value.strip().decode("latin-1")
        return ""

    @property
    def media_type(self) -> str:
        """What the body is, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `Unreachable`."""
        while piece := await _settled(self._exchange.read()):
            yield piece

    async def body(self, bytes_max: int = BODY_BYTES_MAX) -> bytes:
        """The whole body. Raises `Unreachable`, and `Broken` for one that is longer."""
        if self.header("content-encoding") not in ("", "identity"):
            raise Broken("it compressed its response, although the request does not allow that")
        pieces: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > bytes_max:
                raise Broken(f"its response is larger than {bytes_max} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Read no more."""
        self._exchange.abort()


class Http:
    """See the module. One for the process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._contexts = TlsContexts()
        self._pools: dict[Origin, Pool] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def send(
        self,
        reach: Reach,
        method: str,
        url: str,
        headers: dict[str, str],
        *,
        body: bytes = b"",
        timeout_s: float,
        silent_s: float | None = None,
    ) -> Reply:
        """Send a request; `timeout_s` bounds all of it, and `silent_s` the time until its head, and between two pieces
        of its body. Raises `Unreachable`, and `ValueError` for what cannot be sent."""
        origin, authority, target = _place(reach, url)
        if not all(_is_clean(word) for word in (method, url, *headers, *headers.values())):
            raise ValueError("a header or the address contains characters that cannot be sent")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"{method} {target} HTTP/1.1\r\nhost: {authority}\r\naccept-encoding: identity\r\n"
            f"content-length: {len(body)}\r\n{lines}\r\n"
        ).encode("latin-1")
        silent = timeout_s if silent_s is None else silent_s
        limits = ExchangeDeadlines(connect_s=CONNECT_S, first_token_s=silent, idle_s=silent, total_s=timeout_s)
        try:
            exchange = self._pool(origin).begin(head, body, limits, streaming_wanted=True, transparent=True)
        except AsbruError as error:
            raise Unreachable(str(error)) from error
        try:
            response = await _settled(exchange)
        except BaseException:
            exchange.abort()
            raise
        return Reply(response.status, response.lines, exchange)

    def close(self) -> None:
        """Close idle connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pool in self._pools.values():
            pool.close()

    def _pool(self, origin: Origin) -> Pool:
        pool = self._pools.get(origin)
        if pool is None:
            if len(self._pools) >= _ORIGINS_MAX:  # metadata may name ever new ones
                for stale in [one for one, kept in self._pools.items() if not kept.busy_connections]:
                    self._pools.pop(stale).close()
            pool = Pool(origin, self._contexts, self._loop, response_bytes_max=BODY_BYTES_MAX)
            self._pools[origin] = pool
        if self._sweeper is None:
            self._sweep()
        return pool

    def _sweep(self) -> None:
        # First: whatever goes wrong in one pool, the deadlines of all hang on the next sweep.
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)
        now_s = time.monotonic()
        for pool in self._pools.values():
            pool.sweep(now_s)


def _place(reach: Reach, url: str) -> tuple[Origin, str, str]:
    """The origin, authority and target of a URL. Raises `ValueError`."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"expected an http(s) URL, got {url[:200]!r}")
    kept = {name: getattr(reach, name) for name in Reach.__struct_fields__}
    origin = Origin(host=parts.hostname, port=parts.port or (443 if tls else 80), tls=tls, **kept)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return origin, parts.netloc.rpartition("@")[2], target


async def _settled(future: Future[T]) -> T:
    """What a future of the data plane comes to, in a Task. Raises `Unreachable` for its errors."""
    if not future.done:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not waiting.done():
                waiting.set_result(None)

        future.waiter = wake
        await waiting
    try:
        return await future
    except AsbruError as error:
        raise Unreachable(str(error)) from error


def _is_clean(word: str) -> bool:
    return word.isprintable() and word.isascii()


def reach_of(settings: msgspec.Struct) -> Reach:
    """How a declared server may be reached."""
    return Reach(
        allow_loopback=getattr(settings, "allow_loopback", False),
        allow_private=getattr(settings, "allow_private", False),
    )
