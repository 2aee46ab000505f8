"""One request to a provider and its response, as the path sees it: three things to await and one to call.

    response = await exchange         the head, and the whole body unless it streams
    chunk = await exchange.read()     the next bytes of a stream; b"" at its end
    chunk = await exchange.pull(now)  the same after the first content, under the idle deadline
    await exchange.pump(sink)         every further byte to `sink`, until the end
    exchange.abort()                  in a `finally`: harmless when it is over, else closes the connection

What it waits for stands in `waiting_for`, by the name of the deadline that bounds it:

    waiting_for      for what                                    until
    connect_s        a connection: idle, dialled or queued for   the request is sent
    total_s          a response that is wanted whole             its end
    first_token_s    the head of a stream, then its prelude      `pump` or `pull` is called
    idle_s           the next piece of a stream                  its end; each piece begins anew

Whatever it waits for, `total_s` bounds the whole. It is `over` after the end, an error, a deadline or `abort`: nothing
is told any more then, and nothing is waited for.
"""

from __future__ import annotations

import re
from functools import cache
from traceback import format_exception
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from asbru.core.errors import AsbruError, GatewayError
from asbru.core.future import Future
from asbru.core.ports import ChunkSink, Sink
from asbru.telemetry import log
from asbru.upstream.response_headers import header_value
from asbru.upstream.spliced import Body

if TYPE_CHECKING:
    from asbru.upstream.connection import UpstreamConnection

UNREAD_BYTES_MAX = 256 * 1024
"""Bytes of a stream held before its reader comes; above this the connection is not read."""


class ExchangeDeadlines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an attempt may take."""

    connect_s: Annotated[
        float, Meta(gt=0, le=3600, description="Time to connect, including TCP, proxy and TLS, seconds.")
    ] = 5.0
    first_token_s: Annotated[
        float,
        Meta(gt=0, le=86400, description="Time from sending the request to the first content of a stream, seconds."),
    ] = 120.0
    idle_s: Annotated[float, Meta(gt=0, le=86400, description="Time between two chunks of a stream, seconds.")] = 60.0
    total_s: Annotated[float, Meta(gt=0, le=86400, description="Time for the whole attempt, seconds.")] = 600.0


class UpstreamResponse(msgspec.Struct, eq=False):
    """An upstream's response. `lines` are the header lines that may be passed on, each ending with CRLF;
    `content_encoding` is the value of that header in lower case, b"" if absent.

    `streaming` tells that the body comes through `read` and `pump`; else `body` is whole, still encoded as its
    Content-Encoding says.
    """

    status: int
    lines: bytes
    content_encoding: bytes = b""
    body: bytes = b""
    streaming: bool = False

    @property
    def content_type(self) -> bytes:
        """The value of Content-Type, b"" if absent."""
        return header_value(self.lines, b"content-type")

    @property
    def retry_after(self) -> bytes:
        """The value of Retry-After, b"" if absent."""
        return header_value(self.lines, b"retry-after")

    @property
    def retry_after_ms(self) -> bytes:
        """The value of Retry-After-Ms, which OpenAI and Azure send beside or in place of it; b"" if absent."""
        return header_value(self.lines, b"retry-after-ms")

    def header(self, name: bytes) -> str:
        """The value of the header called `name` (lower case), "" if it is absent or may not be passed on."""
        return header_value(self.lines, name).decode("latin-1")

    def lines_without(self, *names: bytes) -> bytes:
        """The lines but those called one of `names` (lower case)."""
        return _lines_called(names).sub(b"", self.lines)


@cache
def _lines_called(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Whole header lines, by their names in lower case."""
    return re.compile(rb"^(?:%b):[^\n]*\n" % b"|".join(map(re.escape, names)), re.IGNORECASE | re.MULTILINE)


class Exchange(Future[UpstreamResponse]):
    """See the module. Times are monotonic seconds. As a `Future` it is the response that is to come."""

    __slots__ = (
        "_caller_slow",
        "_deadline_s",
        "_ended",
        "_read",
        "_unread",
        "_unread_bytes",
        "body",
        "chunk_sink",
        "connection",
        "deadlines",
        "error",
        "head",
        "over",
        "paused",
        "sink",
        "streaming_wanted",
        "total_deadline_s",
        "touched_s",
        "transparent",
        "waiting_for",
    )

    def __init__(  # noqa: PLR0917 -- one caller, the pool, for each call: keywords would cost it
        self, head: bytes, body: Body, deadlines: ExchangeDeadlines, streaming_wanted: bool, now_s: float
    ) -> None:
        # As `Future` does; a call of its constructor would cost as much as all of this.
        self.done = False
        self.waiter = None
        self._value = None
        self._error = None
        self.head = head
        self.body = body
        self.deadlines = deadlines
        self.streaming_wanted = streaming_wanted
        self.transparent = False
        self.connection: UpstreamConnection | None = None
        self.error: BaseException | None = None
        self.over = False
        self.paused = False
        self._caller_slow = False
        self.waiting_for = "connect_s"
        self.total_deadline_s = now_s + deadlines.total_s
        self._deadline_s = now_s + deadlines.connect_s
        self.touched_s = 0.0
        self.sink: Sink | None = None
        """Where bytes go once the stream is pumped."""
        self.chunk_sink: ChunkSink | None = None
        """Where whole chunks may go instead."""
        self._read: Future[bytes] | None = None
        self._ended: Future[None] | None = None
        self._unread: list[bytes] | None = None
        self._unread_bytes = 0

    @property
    def deadline_s(self) -> float:
        """When what is waited for now is late. Worked out when it is asked for: a stream moves it with each piece."""
        match self.waiting_for:
            case "idle_s":
                return min(self.touched_s + self.deadlines.idle_s, self.total_deadline_s)
            case "total_s":
                return self.total_deadline_s
            case _:
                return self._deadline_s

    @property
    def sent(self) -> bool:
        """Whether anything was sent to the provider."""
        return self.waiting_for != "connect_s"

    # What the path calls

    def read(self) -> Future[bytes]:
        """The next bytes of a stream, b"" at its clean end; fails when the stream was cut."""
        wait: Future[bytes] = Future()
        if self._caller_slow and not self.over:
            self._read = wait  # `resume` gives it, or the end
        elif self._unread:
            wait.resolve(self._take(self._unread))
        elif self.error is not None:
            wait.fail(self.error)
        elif self.over:
            wait.resolve(b"")
        else:
            self._read = wait
        return wait

    def pull(self, now_s: float) -> Future[bytes]:
        """`read`, once content was seen: from the first call on the provider is late after `idle_s`."""
        if self.waiting_for != "idle_s":
            self.waiting_for = "idle_s"
            self.touched_s = now_s
        return self.read()

    def pump(self, sink: Sink, now_s: float, chunk_sink: ChunkSink | None = None) -> Future[None]:
        """Give everything that is unread, and everything still to come, to `sink`; ends with the stream. What comes
        as a whole chunk may go to `chunk_sink` instead."""
        if self._unread:
            sink(self._take(self._unread))
        ended: Future[None] = Future()
        if not self.over:
            self._ended = ended
            self.sink = sink
            self.chunk_sink = chunk_sink
            self.waiting_for = "idle_s"
            self.touched_s = now_s
        elif self.error is not None:
            ended.fail(self.error)
        else:
            ended.resolve(None)
        return ended

    def abort(self) -> None:
        """Give up: closes the connection if the response is still on its way."""
        if self.over:
            return
        self.over = True
        self.sink = self.chunk_sink = None
        connection = self.connection
        if connection is not None:
            connection.abandon()

    def pause(self) -> None:
        """The caller is slow: stop reading from the provider, and give nothing more to who pulls."""
        self._caller_slow = True
        self._pause_reading()

    def resume(self) -> None:
        """The caller has caught up."""
        self._caller_slow = False
        read = self._read
        if read is not None and self._unread:
            self._read = None
            read.resolve(self._take(self._unread))
        if not self._caller_slow and self._unread_bytes <= UNREAD_BYTES_MAX:
            self._resume_reading()

    def _pause_reading(self) -> None:
        if not self.over and not self.paused and self.connection is not None:
            self.paused = True
            self.connection.pause_reading()

    def _resume_reading(self) -> None:
        connection = self.connection
        if self.paused:
            self.paused = False
            if not self.over and connection is not None:
                self.touched_s = connection.pool.tick_s
                connection.resume_reading()

    # What the connection calls

    def wait_for_connection(self, until_s: float) -> None:
        """No connection is there yet; this is how long it may take."""
        self._deadline_s = min(until_s, self.total_deadline_s)

    def wait_for_first(self, now_s: float) -> None:
        """The request for a stream is with the provider."""
        self.waiting_for = "first_token_s"
        self._deadline_s = min(now_s + self.deadlines.first_token_s, self.total_deadline_s)

    def arrived(self, data: bytes, now_s: float) -> None:
        """Bytes of a streamed body."""
        self.touched_s = now_s
        sink = self.sink
        if sink is None:
            self._keep(data)
            return
        try:
            sink(data)
        except AsbruError as error:
            self.give_up(error)
        except Exception as error:  # noqa: BLE001 -- a bug of whoever reads: the path is told, or it would wait for ever
            log("error", "a bug, please report it", why="".join(format_exception(error)))
            self.give_up(GatewayError("an internal error occurred in the gateway"))

    def finished(self) -> None:
        """The streamed body is complete as HTTP frames it."""
        if self.over:
            return
        self.over = True
        self.sink = self.chunk_sink = None
        read = self._read
        if read is not None:
            self._read = None
            read.resolve(self._take(self._unread) if self._unread else b"")
        if self._ended is not None:
            self._ended.resolve(None)

    def fail(self, error: BaseException) -> None:
        """The exchange ended in an error; whoever waits is told."""
        if self.over:
            return
        self.over = True
        self.error = error
        self.sink = self.chunk_sink = None
        read = self._read
        self._read = None
        super().fail(error)
        if read is not None:
            read.fail(error)
        if self._ended is not None:
            self._ended.fail(error)

    def _keep(self, data: bytes) -> None:
        """Bytes before the stream is pumped: for who reads now, or for later."""
        read = self._read
        if read is not None and not self._unread and not self._caller_slow:
            self._read = None
            read.resolve(data)
            return
        if self._unread is None:
            self._unread = []
        self._unread.append(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > UNREAD_BYTES_MAX:
            self._pause_reading()

    def give_up(self, error: AsbruError) -> None:
        """The bytes make no sense to their reader: nothing more is wanted."""
        connection = self.connection
        self.fail(error)
        if connection is not None:
            connection.abandon()

    def _take(self, unread: list[bytes]) -> bytes:
        data = unread[0] if len(unread) == 1 else b"".join(unread)
        unread.clear()
        self._unread_bytes = 0
        if not self._caller_slow:
            self._resume_reading()
        return data
