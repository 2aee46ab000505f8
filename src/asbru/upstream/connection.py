"""One keep-alive HTTP/1.1 connection to a provider: a protocol fed by llhttp, carrying one exchange at a time.

What it hands on is what the parser vouches for, or `HeadShapes.read_whole` for a whole answer of a shape that the
parser took before. An answer's end is the parser's message end, or the end of the bytes where the answer had no length.
Callbacks of the parser only collect; the exchange is told after the parser has returned, because whoever it resumes may
use this very connection again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from asbru.core.errors import UpstreamError
from asbru.upstream.chunks import chunk_head, is_chunked, is_whole
from asbru.upstream.exchange import Exchange, UpstreamResponse
from asbru.upstream.response_headers import every_line, header_value
from asbru.upstream.spliced import LARGE_BYTES_MIN, Body, slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asbru.upstream.pool import Pool

RESPONSE_HEAD_BYTES_MAX = 256 * 1024
_FIRST = ord("H")
TLS_SLICE_BYTES = 64 * 1024
"""A large body goes through TLS in slices, the next one when the one before has left: what a TLS transport is given
it encrypts at once, into a buffer that it keeps at that size for as long as the connection lives."""


class UpstreamConnection(asyncio.Protocol):
    """Owned by a `Pool`; lent to an `Exchange` from `send` until the answer ends."""

    __slots__ = (
        "_announce",
        "_at_chunk",
        "_complete",
        "_feed",
        "_head",
        "_in_head",
        "_interims",
        "_keep_alive",
        "_outbox",
        "_parser",
        "_parts",
        "_read_bytes",
        "_response",
        "_streaming",
        "_transparent",
        "_transport",
        "_unsent",
        "_write_paused",
        "exchange",
        "idle_since_s",
        "is_closing",
        "on_body",
        "pool",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.exchange: Exchange | None = None
        self.idle_since_s = 0.0
        self._outbox = pool.outbox
        self._transport = cast("asyncio.Transport", None)
        self._response: UpstreamResponse | None = None
        self._parts: list[bytes] = []
        self.on_body: Callable[[bytes], object] = self._parts.append  # the parser's callback: it only collects
        self._parser = httptools.HttpResponseParser(self)
        self._feed: Callable[[bytes], object] = self._parser.feed_data
        self._read_bytes = 0
        self._head = b""
        self._interims = 0
        self._in_head = True
        self._streaming = False
        self._complete = False
        self._keep_alive = True
        self._announce = False
        self._at_chunk = False  # mid-stream, and the next byte begins a chunk
        self._transparent = False
        self._unsent: Iterator[bytes | memoryview] | None = None
        self._write_paused = False

    # Lifetime

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_closing = transport.is_closing
        """Whether no request may be sent on it any more."""

    def send(self, exchange: Exchange) -> None:
        """Write the request; the answer goes to `exchange`."""
        self.exchange = exchange
        exchange.connection = self
        self._streaming = exchange.streaming_wanted
        self._transparent = exchange.transparent
        body = exchange.body
        if len(body) > LARGE_BYTES_MIN or not isinstance(body, bytes):
            self._send_large(exchange.head, body)
        elif self._outbox.gathering:
            self._outbox.put(self._transport, (exchange.head, body))
        else:
            self._transport.writelines((exchange.head, body))
        exchange.body = b""  # what could not leave yet is the transport's; the answer may take minutes
        if exchange.streaming_wanted:
            exchange.wait_for_first(self.pool.tick_s)
        else:
            exchange.waiting_for = "total_s"

    def _send_large(self, head: bytes, body: Body) -> None:
        if not self.pool.origin.tls:
            self._transport.writelines(slices(head, body, len(body)))
            return
        self._transport.set_write_buffer_limits(TLS_SLICE_BYTES)
        self._unsent = slices(head, body, TLS_SLICE_BYTES)
        self._send_on(self._unsent)

    def _send_on(self, unsent: Iterator[bytes | memoryview]) -> None:
        for piece in unsent:
            self._transport.write(piece)
            if self._write_paused:
                return
        self._unsent = None

    def pause_writing(self) -> None:
        """The provider reads too slowly: keep what is left of a large body."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The provider has caught up."""
        self._write_paused = False
        if self._unsent is not None:
            self._send_on(self._unsent)

    def close(self) -> None:
        """Close an idle connection."""
        self._transport.close()

    def abandon(self) -> None:
        """The exchange gave up: the rest of the answer is not wanted, so the connection cannot be used again."""
        self.exchange = None
        self._unsent = None
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop reading; harmless on a closing connection."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading; harmless on a closing connection."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: clean for an answer without a length, a cut for any other."""
        exchange = self.exchange
        self.exchange = None
        self._unsent = None
        self._parser = cast("httptools.HttpResponseParser", None)  # a cycle: the collector comes late
        self._feed = _nobody_reads
        self.pool.forget(self)
        if exchange is None or exchange.over:
            return
        if self._response is not None and exc is None and not self._has_length():
            self._deliver_end(exchange)
            return
        exchange.connection = None
        exchange.fail(self._cut(exc))

    def _has_length(self) -> bool:
        """Whether the answer said where it ends; one that did not ends with the connection."""
        lines = self._head[: self._head.find(b"\r\n\r\n")]
        return bool(header_value(lines, b"content-length") or header_value(lines, b"transfer-encoding"))

    def _cut(self, exc: Exception | None) -> UpstreamError:
        how = "reset the connection" if exc is not None else "closed the connection"
        if self._response is None:
            return UpstreamError(
                f"{self.pool.origin} {how} before it answered", kind="network", code="upstream_unreachable"
            )
        return UpstreamError(f"{self.pool.origin} {how} in the middle of its answer", kind="cut", code="upstream_cut")

    # Bytes

    def data_received(self, data: bytes) -> None:  # noqa: C901, PLR0912 -- hot: a flat list of cases
        """Feed the parser, then tell the exchange what came of it."""
        exchange = self.exchange
        if exchange is None:
            self._transport.abort()  # bytes that nobody asked for: the next answer could not be trusted
            return
        if self._at_chunk:
            head = chunk_head(len(data))
            begin = len(head)
            chunk_sink = exchange.chunk_sink
            if begin and chunk_sink is not None and data[:begin] == head and data[-2:] == b"\r\n":
                exchange.touched_s = self.pool.tick_s
                try:
                    chunk_sink(data, begin)
                except UpstreamError as error:
                    exchange.give_up(error)
                return
            self._at_chunk = (chunk_sink is not None or exchange.sink is None) and is_whole(data)
        elif self._in_head:
            if self._head:
                self._head += data
            elif self._streaming or self._unsent is not None or not self._take_whole(exchange, data):
                self._head = data
            else:
                return
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                self._break(f"sent what is not HTTP: {error}")
                return
            self._keep_alive = False
        if self._announce:
            self._announce = False
            self._at_chunk = not self._complete and self._begins_with_chunks()
            assert self._response is not None
            exchange.resolve(self._response)
            if self.exchange is not exchange:
                return  # given up by whoever was resumed
        if self._streaming:
            if self._complete:
                self._finish(exchange)
            elif self._parts:
                parts = self._parts
                if len(parts) == 1:
                    data = parts.pop()
                else:
                    data = b"".join(parts)
                    parts.clear()
                exchange.arrived(data, self.pool.tick_s)
            elif self._in_head:
                self._check_head()
            return
        self._gather(exchange, len(data))

    def _gather(self, exchange: Exchange, read_bytes: int) -> None:
        """More of an answer that the exchange gets whole."""
        self._read_bytes += read_bytes
        if self._in_head:
            self._check_head()
        elif self._read_bytes > self.pool.response_bytes_max and self._is_too_large():
            self._break(f"sent an answer of more than {self.pool.response_bytes_max} bytes")
        elif self._complete:
            self._finish(exchange)

    def _take_whole(self, exchange: Exchange, data: bytes) -> bool:
        """Give `data`, which begins an answer, to the exchange if it is all of it and of a known shape; else False. The
        parser stands between answers, before and after."""
        pool = self.pool
        found = pool.heads.read_whole(data)
        if found is None or len(data) > pool.response_bytes_max:
            return False
        (lines, coding), body = found
        self.exchange = None
        exchange.connection = None
        pool.release(self)
        exchange.over = True
        exchange.resolve(UpstreamResponse(200, lines, coding, body))
        return True

    def _begins_with_chunks(self) -> bool:
        """Whether the body comes in chunks, and what came with the head are whole ones."""
        head = self._head
        end = head.find(b"\r\n\r\n")
        return is_chunked(head[:end]) and is_whole(head, end + 4)

    def _check_head(self) -> None:
        if len(self._head) > RESPONSE_HEAD_BYTES_MAX:
            self._break(f"sent a head of more than {RESPONSE_HEAD_BYTES_MAX} bytes")

    def _is_too_large(self) -> bool:
        """More was read than an answer may have: whether it is the answer, and not its head or framing."""
        return sum(map(len, self._parts)) > self.pool.response_bytes_max

    def _break(self, what: str) -> None:
        exchange = self.exchange
        self.exchange = None
        self._unsent = None
        self._transport.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.fail(UpstreamError(f"{self.pool.origin} {what}", kind="protocol", code="upstream_protocol"))

    def _finish(self, exchange: Exchange) -> None:
        """The parser saw the end of the message: free the connection first, then tell the exchange."""
        response = self._response
        streaming = self._streaming
        parts = self._parts
        if len(parts) == 1:
            body = parts.pop()
        else:
            body = b"".join(parts)
            parts.clear()
        self.exchange = None
        exchange.connection = None
        self._response = None
        self._read_bytes = 0
        self._head = b""
        self._interims = 0
        self._in_head = True
        self._at_chunk = False
        self._complete = False
        if self._unsent is not None:  # answered before it had read everything: what is left would follow
            self._unsent = None
            self._transport.abort()
        elif self._keep_alive:
            self.pool.release(self)
        else:
            self._transport.close()
        if streaming:
            # One write for the last bytes and the end; but a stream's first bytes never wait for what follows them.
            held = exchange.sink is not None and self._outbox.hold()
            try:
                if body:
                    exchange.arrived(body, self.pool.tick_s)
                exchange.finished()
            finally:
                if held:
                    self._outbox.let_go()
        elif response is not None:
            response.body = body
            exchange.over = True
            exchange.resolve(response)

    def _deliver_end(self, exchange: Exchange) -> None:
        response = self._response
        if self._streaming:
            if self._parts:
                exchange.arrived(b"".join(self._parts), self.pool.tick_s)
            exchange.connection = None
            exchange.finished()
        elif response is not None:
            exchange.connection = None
            response.body = b"".join(self._parts)
            exchange.over = True
            exchange.resolve(response)

    # The parser's callbacks

    # There is no `on_header`: llhttp checks the headers and calls nobody (`response_headers`). `on_body` is set above.

    def on_message_begin(self) -> None:
        """An answer's head begins: the first, or the one after an interim one. Never one that nobody asked for."""
        if self._complete:
            raise ValueError("more than one answer")  # the one that is complete counts, the connection does not
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head is whole: an interim answer is skipped, a streaming one is announced."""
        parser = self._parser
        status = parser.get_status_code()
        if status < 200:
            self._interims += 1
            return
        self._in_head = False
        head = self._head
        if self._interims or head[0] != _FIRST:
            head = self._head = self._last_head()
        if self._transparent:
            response = UpstreamResponse(status, every_line(head))
        else:
            lines, coding = self.pool.heads.read(head)
            response = UpstreamResponse(status, lines, coding)
        self._response = response
        self._keep_alive = parser.should_keep_alive()
        if self._streaming:
            if status == 200 or self._transparent:
                response.streaming = True
                self._announce = True
            else:
                self._streaming = False

    def _last_head(self) -> bytes:
        """The head without interim answers before it, and without line breaks, which llhttp allows there."""
        head = self._head.lstrip(b"\r\n")
        for _ in range(self._interims):
            _, _, head = head.partition(b"\r\n\r\n")
            head = head.lstrip(b"\r\n")
        return head

    def on_message_complete(self) -> None:
        """The end of the message, unless it was an interim one."""
        if self._response is not None:
            self._complete = True


def _nobody_reads(data: bytes) -> None:
    """What a connection that is gone does with bytes."""
    del data
