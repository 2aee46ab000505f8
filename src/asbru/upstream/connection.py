"""One keep-alive HTTP/1.1 connection to a provider: a protocol fed by llhttp, carrying one exchange at a time.

What it hands on is what the parser vouches for. How far the response is, in `_state`:

    state      event                                    next
    HEAD       head of an interim response              HEAD
    HEAD       head, and the body is gathered           BODY
    HEAD       head, and the body streams               STREAM    the exchange is told
    BODY       end of the message                       END
    STREAM     end of the message                       END
    END        told to the exchange                     HEAD      the connection is free, or closed
    any but END    connection closed                    -         the end of a body without a length, else an error

In STREAM `_at_chunk` tells that the next byte begins a chunk: then one that comes whole may go on without the parser.
The parser's callbacks only collect and set the state. The exchange is told after the parser has returned, because
whoever it resumes may send the next request on this very connection, and its response would be fed to a parser that is
still inside the last one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from asbru.core.errors import ERROR_BYTES_MAX, UpstreamError
from asbru.upstream.chunks import chunk_head, is_chunked, is_whole
from asbru.upstream.exchange import Exchange, UpstreamResponse
from asbru.upstream.response_headers import every_line, header_value
from asbru.upstream.spliced import LARGE_BYTES_MIN, Body, slices
from asbru.upstream.unsent import unsent_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asbru.upstream.pool import Pool

RESPONSE_HEAD_BYTES_MAX = 256 * 1024
_FIRST = ord("H")
HEAD, BODY, STREAM, END = range(4)
"""HEAD is 0: whether it is that is asked for each piece of a stream, twice, and a comparison costs more."""
LEAVES_AT_ONCE_BYTES_MAX = 15 * 1024
"""A request up to this fits the send buffer of any socket that has nothing to send: once written it has left."""
TLS_SLICE_BYTES = 64 * 1024
"""A large body goes through TLS in slices, the next one when the one before has left: what a TLS transport is given
it encrypts at once, into a buffer that it keeps at that size for as long as the connection lives."""


class UpstreamConnection(asyncio.Protocol):
    """Owned by a `Pool`; lent to an `Exchange` from `send` until the response ends."""

    __slots__ = (
        "_at_chunk",
        "_feed",
        "_head",
        "_interims",
        "_keep_alive",
        "_may_be_unsent",
        "_outbox",
        "_parser",
        "_parts",
        "_read_bytes",
        "_response",
        "_state",
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
        self._state = HEAD
        self._at_chunk = False
        self._keep_alive = True
        self._may_be_unsent = False
        self._unsent: Iterator[bytes | memoryview] | None = None
        self._write_paused = False

    # Lifetime

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_closing = transport.is_closing
        """Whether no request may be sent on it any more."""

    def send(self, exchange: Exchange) -> None:
        """Write the request; the response goes to `exchange`."""
        self.exchange = exchange
        exchange.connection = self
        body = exchange.body
        if len(body) > LEAVES_AT_ONCE_BYTES_MAX or not isinstance(body, bytes):
            self._may_be_unsent = True
            self._send_large(exchange.head, body)
        elif self._outbox.gathering:
            self._outbox.put(self._transport, (exchange.head, body))
        else:
            self._transport.writelines((exchange.head, body))
        exchange.body = b""  # what could not leave yet is the transport's; the response may take minutes
        if exchange.streaming_wanted:
            exchange.wait_for_first(self.pool.tick_s)
        else:
            exchange.waiting_for = "total_s"

    def _send_large(self, head: bytes, body: Body) -> None:
        if len(body) <= LARGE_BYTES_MIN or not self.pool.origin.tls:
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
        """The exchange gave up: the rest of the response is not wanted, so the connection cannot be used again."""
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
        """The end: clean for a response without a length, a cut for any other."""
        exchange = self.exchange
        self.exchange = None
        self._unsent = None
        self._parser = cast("httptools.HttpResponseParser", None)  # a cycle: the collector comes late
        self._feed = _nobody_reads
        self.pool.forget(self)
        if exchange is None or exchange.over:
            return
        if self._response is not None and exc is None and not self._has_length():
            self._end_by_close(exchange, self._response)
            return
        exchange.connection = None
        exchange.fail(self._cut(exc))

    def _has_length(self) -> bool:
        """Whether the response said where it ends; one that did not ends with the connection."""
        lines = self._head[: self._head.find(b"\r\n\r\n")]
        return bool(header_value(lines, b"content-length") or header_value(lines, b"transfer-encoding"))

    def _cut(self, exc: Exception | None) -> UpstreamError:
        how = "reset the connection" if exc is not None else "closed the connection"
        if self._response is None:
            return UpstreamError(
                f"{self.pool.origin} {how} before it sent a response", kind="network", code="upstream_unreachable"
            )
        return UpstreamError(
            f"{self.pool.origin} {how} in the middle of its response", kind="cut", code="upstream_cut"
        )

    # Bytes

    def data_received(self, data: bytes) -> None:  # noqa: C901, PLR0912 -- hot: a flat list of cases
        """Feed the parser, then tell the exchange what came of it."""
        exchange = self.exchange
        if exchange is None:
            self._transport.abort()  # bytes that nobody asked for: the next response could not be trusted
            return
        if self._at_chunk:
            head = chunk_head(len(data))
            begin = len(head)
            chunk_sink = exchange.chunk_sink
            if begin and chunk_sink is not None and data[:begin] == head and data[-2:] == b"\r\n":
                # One whole chunk, which is how most providers send an event: it goes on as HTTP framed it, and nothing
                # is unframed only to be framed again. The parser misses nothing: it stands before a chunk, and after.
                exchange.touched_s = self.pool.tick_s
                try:
                    chunk_sink(data, begin)
                except UpstreamError as error:
                    exchange.give_up(error)
                return
            # The parser takes these, and stands before a chunk again if they are whole. Once they were not it keeps
            # all that follows: to know where the next chunk begins would take a second parser.
            self._at_chunk = (chunk_sink is not None or exchange.sink is None) and is_whole(data)
        before = self._state
        if not before:
            self._head = self._head + data if self._head else data  # llhttp keeps nothing of what it has read
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._state != END:
                cause = error.__context__  # what a callback of ours raised
                told = f"with {cause}" if isinstance(cause, ValueError) else f"that is not HTTP: {error}"
                self._break(f"sent a response {told}")
                return
            self._keep_alive = False  # the response was whole; what follows it is wrong
        state = self._state
        if not before and state:
            response = self._response
            assert response is not None
            if response.streaming:
                self._at_chunk = state == STREAM and self._begins_with_chunks()
                exchange.resolve(response)
                if self.exchange is not exchange:
                    return  # given up by whoever was resumed
        if state == STREAM:
            parts = self._parts
            if len(parts) == 1:
                exchange.arrived(parts.pop(), self.pool.tick_s)
            elif parts:
                data = b"".join(parts)
                parts.clear()
                exchange.arrived(data, self.pool.tick_s)
        elif state == END:
            self._end(exchange, len(data))
        elif state == BODY:
            self._read_bytes += len(data)
            self._check_body()
        else:
            self._check_head()

    def _begins_with_chunks(self) -> bool:
        """Whether the body comes in chunks, and what came with the head are whole ones."""
        head = self._head
        end = head.find(b"\r\n\r\n")
        return is_chunked(head[:end]) and is_whole(head, end + 4)

    def _check_head(self) -> None:
        if len(self._head) > RESPONSE_HEAD_BYTES_MAX:
            self._break(f"sent a response head larger than {RESPONSE_HEAD_BYTES_MAX} bytes")

    def _check_body(self) -> bool:
        """Whether a gathered body is within its bound; breaks if not. Adding up the pieces costs, and is done only when
        more was read than a body may have: that may be the head, or framing."""
        response = self._response
        if response is not None and response.status >= 400 and sum(map(len, self._parts)) > ERROR_BYTES_MAX:
            self._cut_error(response)
            return False
        bytes_max = self.pool.response_bytes_max
        if self._read_bytes <= bytes_max or sum(map(len, self._parts)) <= bytes_max:
            return True
        self._break(f"sent a response larger than {bytes_max} bytes")
        return False

    def _cut_error(self, response: UpstreamResponse) -> None:
        """An error says what it has to say at its beginning; the rest is not read, so the connection is of no use."""
        exchange = self.exchange
        self.exchange = None
        self._unsent = None
        self._transport.abort()
        if exchange is not None:
            exchange.connection = None
            response.body = b"".join(self._parts)[:ERROR_BYTES_MAX]
            exchange.over = True
            exchange.resolve(response)

    def _break(self, what: str) -> None:
        exchange = self.exchange
        self.exchange = None
        self._unsent = None
        self._transport.abort()
        if exchange is not None:
            exchange.connection = None
            exchange.fail(UpstreamError(f"{self.pool.origin} {what}", kind="protocol", code="upstream_protocol"))

    def _end(self, exchange: Exchange, read_bytes: int) -> None:
        """The parser saw the end of the message: free the connection first, then tell the exchange."""
        response = self._response
        assert response is not None
        streaming = response.streaming
        if not streaming:
            self._read_bytes += read_bytes
            if self._read_bytes > self.pool.response_bytes_max and not self._check_body():
                return
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
        self._state = HEAD
        if self._may_be_unsent and self._is_unsent():  # answered before it had read everything: the rest would follow
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
        else:
            response.body = body
            exchange.over = True
            exchange.resolve(response)

    def _is_unsent(self) -> bool:
        """Whether anything of the request has not arrived at the provider's system, wherever it waits: with us, with
        the transport, or with ours. What a TLS transport has written cannot be asked for, but then ours is full."""
        self._may_be_unsent = False
        if self._unsent is not None or self._transport.get_write_buffer_size():
            return True
        return self.pool.origin.tls and unsent_bytes(self._transport.get_extra_info("socket")) != 0

    def _end_by_close(self, exchange: Exchange, response: UpstreamResponse) -> None:
        """The end of the bytes is the end of a response that told no length."""
        body = b"".join(self._parts)
        if response.streaming:
            if body:
                exchange.arrived(body, self.pool.tick_s)
            exchange.connection = None
            exchange.finished()
        else:
            exchange.connection = None
            response.body = body
            exchange.over = True
            exchange.resolve(response)

    # The parser's callbacks

    # There is no `on_header`: llhttp checks the headers and calls nobody (`response_headers`). `on_body` is set above.

    def on_message_begin(self) -> None:
        """A response's head begins: the first, or the one after an interim one. Never one that nobody asked for."""
        if self._state == END:
            raise ValueError("more than one response")  # the one that is whole counts, the connection does not

    def on_headers_complete(self) -> None:
        """The head is whole. An interim response is skipped; of what the caller wants as a stream only a good one is,
        for an error is read whole before it is judged."""
        parser = self._parser
        status = parser.get_status_code()
        if status < 200:
            self._interims += 1
            return
        exchange = self.exchange
        assert exchange is not None
        head = self._head
        if self._interims or head[0] != _FIRST:
            head = self._head = self._last_head()
        if exchange.transparent:
            response = UpstreamResponse(status, every_line(head))
        else:
            lines, coding = self.pool.heads.read(head)
            response = UpstreamResponse(status, lines, coding)
        self._response = response
        self._keep_alive = parser.should_keep_alive()
        if exchange.streaming_wanted and (status == 200 or exchange.transparent):
            response.streaming = True
            self._state = STREAM
        else:
            self._state = BODY

    def _last_head(self) -> bytes:
        """The head without interim responses before it, and without line breaks, which llhttp allows there."""
        head = self._head.lstrip(b"\r\n")
        for _ in range(self._interims):
            _, _, head = head.partition(b"\r\n\r\n")
            head = head.lstrip(b"\r\n")
        return head

    def on_message_complete(self) -> None:
        """The end of the message, unless it was an interim one."""
        if self._response is not None:
            self._state = END


def _nobody_reads(data: bytes) -> None:
    """What a connection that is gone does with bytes."""
    del data
