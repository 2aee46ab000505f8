"""One connection of a caller: bytes to requests, in order, each answered before the next is begun.

    state    what is awaited                         deadline (by the server's sweep)
    idle     the first byte of a request             idle_timeout_s
    head     the rest of the head                    head_timeout_s
    body     the rest of the body                    body_timeout_s and a second per 128 KiB received
    serving  the response                            none here: the path has its own; a caller that does not read
                                                     what was written: idle_timeout_s, and its next request waits
    linger   the sender of a refused request to stop two seconds

llhttp decides what is HTTP; what it accepts but a gateway must not is refused here. A caller that closes its side,
even only for writing, is gone: its call is cancelled. Callbacks of the parser only collect; a body that has yet to
come is judged by its head: whose it is, and how long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

import httptools

from asbru.core.errors import AsbruError, BadRequest
from asbru.edge.server.body import HeldBytes, RequestBody
from asbru.edge.server.limits import (
    BODY_RATE_BYTES_PER_S,
    LINGER_S,
    PIPELINED_BYTES_MAX,
    UPGRADES_PIPELINED_MAX,
    ServerLimits,
)
from asbru.edge.server.request import Head, Request
from asbru.edge.server.response import ResponseWriter
from asbru.pipeline import Stepper

if TYPE_CHECKING:
    from asbru.edge.server.server import Server

IDLE, HEAD, BODY, SERVING, LINGER = range(5)
_NO_REQUEST: Final = Request(Head())
"""Stands between two requests, so that an idle connection does not hold the last one's body."""

STRANGE_MAX = 32
"""So many requests in a row with a head that is not known, and a connection's heads are not looked up any more: its
client writes something new in each."""


class ServerConnection(asyncio.Protocol):
    """See the module. `handler(request, connection)` is called for one request at a time; it answers through
    `connection.response`, from a path that it gives to `connection.stepper`, which is closed if the caller goes away
    first, or leaving in `on_gone` what to call then."""

    __slots__ = (
        "_body",
        "_data_bytes",
        "_head_done",
        "_held",
        "_in_message",
        "_names",
        "_only_probes",
        "_outbox",
        "_parser",
        "_pipelined_bytes",
        "_queue",
        "_reading_paused",
        "_request",
        "_rx_bytes",
        "_rx_bytes_max",
        "_server",
        "_serving",
        "_since_s",
        "_speaks_1_1",
        "_strange",
        "_transport",
        "_upgrades_behind",
        "_url",
        "_values",
        "_write_paused_s",
        "on_body",
        "on_gone",
        "on_header",
        "response",
        "state",
        "stepper",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self._outbox = server.outbox
        self._transport = cast("asyncio.Transport", None)
        names: list[bytes] = []
        values: list[bytes] = []
        self._names = names
        self._values = values
        add_name, add_value = names.append, values.append
        # The parser's callback for a header, called some twenty times a request: it only collects.
        self.on_header: Callable[[bytes, bytes], object] = lambda name, value: (add_name(name), add_value(value))
        self._body = RequestBody(server.limits)
        self.on_body = self._body.add  # the parser's callback, too
        self._held = HeldBytes(server.bodies)
        self._parser = httptools.HttpRequestParser(self)
        self._request = _NO_REQUEST
        self._in_message = False
        self._url = b""
        self._data_bytes = 0
        self._head_done = False
        self._rx_bytes = 0
        self._rx_bytes_max = server.limits.head_bytes_max
        self._queue: deque[Request] = deque()
        self._pipelined_bytes = 0
        self._reading_paused = False
        self._serving = False
        self._write_paused_s = 0.0
        self._since_s = 0.0
        self._speaks_1_1 = False
        self._only_probes: AsbruError | None = None
        """There are too many connections: what refuses all requests but those for a probe."""
        self._strange = 0
        self._upgrades_behind = 0
        self.state = IDLE
        self.response = ResponseWriter(self._answered, server.outbox)
        self.on_gone: Callable[[], None] | None = None
        self.stepper = Stepper()

    # Lifetime

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller is here; refused when there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self.response.attach(self._transport)
        self._since_s = self._server.tick_s
        self._server.connected(self)

    def eof_received(self) -> bool:
        """The caller sends no more: it is gone."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone: cancel what it asked for. Cycles are broken here: nothing waits for the collector."""
        self.response.attach(None)
        self._parser = cast("httptools.HttpRequestParser", None)
        self._queue.clear()
        self._held.keep(0)
        self._server.disconnected(self)
        gone = self.on_gone
        self.on_gone = None
        if gone is not None:
            gone()
        self.stepper.close()

    def close(self) -> None:
        """Close once everything written has left."""
        self._outbox.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once: what was begun cannot be ended properly, and the caller must see that."""
        self._transport.abort()

    def limit(self, limits: ServerLimits) -> None:
        """Hold these bounds from now on."""
        self._body.limit(limits)
        self._rx_bytes_max = limits.head_bytes_max + (limits.body_bytes_max * 2 if self._head_done else 0)

    def mark_endless(self, *, endless: bool) -> None:
        """Whether what is being served ends only when the caller goes away: a drain does not wait for that."""
        (self._server.endless.add if endless else self._server.endless.discard)(self)

    def turn_away(self, error: AsbruError) -> None:
        """Refuse a caller before it asked for anything."""
        self._refuse(error)

    def wait_for_handshake(self) -> None:
        """It was accepted, and is no connection yet."""
        self._since_s = self._server.tick_s

    def expect_probe(self, error: AsbruError) -> None:
        """Serve one request, if that is a probe; anything else is refused with this."""
        self._only_probes = error
        self._strange = STRANGE_MAX  # heads that are known are served without a look at them

    @property
    def waits_since_s(self) -> float:
        """When it came, or began what it is at."""
        return self._since_s

    @property
    def idle_since_s(self) -> float | None:
        """Since when nothing is asked, and all that was answered has left; None: that is not so."""
        if self.state != IDLE or self._serving or self._write_paused_s or self._transport.get_write_buffer_size():
            return None
        return self._since_s

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is being served or received."""
        return not self._serving and not self._queue and not self._in_message

    # Bytes in

    def data_received(self, data: bytes) -> None:
        """Serve a request whose head is known; else feed the parser, then serve what became complete."""
        if self.state == IDLE:
            if self._strange < STRANGE_MAX:
                request = self._server.known_heads.find(data)
                if request is not None:
                    self._strange = 0
                    self._serve(request)
                    return
                self._strange += 1
            self.state = HEAD
            self._since_s = self._server.tick_s
            self._feed(data, alone=self._strange < STRANGE_MAX)
        elif self.state != LINGER:
            self._feed(data)

    def _feed(self, data: bytes, *, alone: bool = False) -> None:
        """`alone`: `data` may be one whole request, and its head may come again."""
        self._data_bytes = size = len(data)
        self._rx_bytes += size
        rest: bytes | None = None
        goes_on = self._head_done
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._refuse(self._parse_error(error))
            return
        if (goes_on or self._head_done) and not self._hold(size):
            self._refuse(self._server.limits.bodies_error())
            return
        if rest is not None:
            self._go_on_after_upgrade(rest)
            return
        if self._rx_bytes > self._rx_bytes_max:
            self._refuse(self._size_error())
            return
        if len(self._names) > self._server.limits.header_count_max:  # of a head, or trailers, still on their way
            self._refuse(self._server.limits.count_error())
            return
        if alone and not self._in_message and len(self._queue) == 1:
            self._server.known_heads.remember(data, self._queue[0].head)
        if self._queue and not self._serving and not self._write_paused_s:
            self._serve_next()
        if self._queue:
            self._hold_back(data)

    def _go_on_after_upgrade(self, rest: bytes) -> None:
        """llhttp stops after the head of a request that asks for an upgrade. We upgrade to nothing: an offer (h2c) is
        ignored, a demand (WebSocket, CONNECT) is refused by the handler, which closes. A body that follows an offer
        (Java's client sends one) is framed by a parser that was told the same length and nothing of the offer."""
        self._parser = httptools.HttpRequestParser(self)
        request = self._request
        if self._in_message:
            head = request.head
            framing = b"transfer-encoding: chunked" if head.coding else b"content-length: %b" % head.length
            self._parser.feed_data(b"POST / HTTP/1.1\r\nhost: h\r\n%b\r\n\r\n" % framing)
            self._request = request
        if self._queue and not self._serving:
            self._serve_next()
        if rest and not self.response.closing and not self._transport.is_closing():
            if self._upgrades_behind >= UPGRADES_PIPELINED_MAX:
                self._refuse(BadRequest(f"more than {UPGRADES_PIPELINED_MAX} upgrade requests arrived in one read"))
                return
            self._upgrades_behind += 1
            self.data_received(rest)
            self._upgrades_behind -= 1

    def _hold(self, count: int) -> bool:
        """Whether there is room for so many bytes more of a body; its last piece finds room."""
        self._held.add(count)
        return not self._head_done or self._server.bodies.fits(self._server.limits)

    def _hold_back(self, data: bytes) -> None:
        self._pipelined_bytes += len(data)
        if self._pipelined_bytes > PIPELINED_BYTES_MAX:
            self._stop_reading()

    def _stop_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        self._pipelined_bytes = 0
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    def _parse_error(self, error: httptools.HttpParserError) -> AsbruError:
        cause = error.__context__
        if isinstance(cause, AsbruError):
            return cause
        return BadRequest(f"expected an HTTP/1.1 request, got something else: {error}")

    def _size_error(self) -> AsbruError:
        limits = self._server.limits
        return limits.head_error() if self._rx_bytes_max == limits.head_bytes_max else limits.body_error()

    def _refuse(self, error: AsbruError) -> None:
        """Answer with an error after everything before it, then close: what follows cannot be understood."""
        request = self._request if self._in_message else Request(Head())
        if self._in_message and not request.head.path:
            request.head.read_target(self._url)
        self._in_message = False
        self._body.drop()
        request.error = error
        request.head.keep_alive = False
        self._queue.append(request)
        self.state = LINGER
        self._since_s = self._server.tick_s
        if not self._serving:
            self._serve_next()

    # The parser's callbacks; `on_header` and `on_body` are set above

    def on_message_begin(self) -> None:
        """A request begins, or the body of one that offered an upgrade goes on."""
        if self._head_done:
            return
        self._request = Request(Head())
        self._in_message = True
        self._url = b""

    def on_url(self, url: bytes) -> None:
        """The target, or a piece of it."""
        self._url += url

    def on_headers_complete(self) -> None:
        """The head is whole: check what llhttp does not."""
        if self._head_done:
            return
        head = self._request.head
        parser = self._parser
        head.method = parser.get_method()
        if not parser.should_keep_alive():
            head.keep_alive = False
            self._speaks_1_1 = False
        if not self._speaks_1_1:  # asked once per connection, and again before it ends: spelling it out costs
            head.http_1_0 = self._read_version() == "1.0"
        server = self._server
        limits = server.limits
        head.read_target(self._url)
        self._read_headers(head, server)
        if self._only_probes is not None:
            self._check_probe(head, self._only_probes)
        if head.hosts != 1 or head.coding or head.method == b"CONNECT":
            head.check_framing()
        if head.coding or head.length:
            length = int(head.length) if head.length else 0
            if length > limits.body_bytes_max:
                raise limits.body_error()
            if head.coding or length > self._data_bytes:
                self._held.known = server.knows(head)
        self.state = BODY
        self._head_done = True
        self._since_s = server.tick_s
        self._rx_bytes_max = limits.head_bytes_max + limits.body_bytes_max * 2
        if head.expect:
            self._expect(head)

    def _read_headers(self, head: Head, server: Server) -> None:
        names, values = self._names, self._values
        limits = server.limits
        head.read_headers(server.header_plans[tuple(names)], values)
        if self._rx_bytes > limits.head_bytes_max or self._data_bytes > limits.head_bytes_max:
            self._check_head_size(limits)
        if len(names) > limits.header_count_max:
            raise limits.count_error()
        if server.forward_prefixes and head.path.startswith(server.forward_prefixes):
            head.every_header = list(zip(names, values, strict=True))
        names.clear()
        values.clear()

    def _check_probe(self, head: Head, error: AsbruError) -> None:
        """Nothing follows a probe, neither a body nor another request: they would keep the connection."""
        self._server.spare.pop(self, None)
        if head.path not in self._server.probes or head.length or head.coding:
            raise error
        head.keep_alive = False

    def _read_version(self) -> str:
        version: str = self._parser.get_http_version()
        if version != "1.1" and version != "1.0":
            raise BadRequest(f"expected HTTP/1.1 or HTTP/1.0, got HTTP/{version}")
        self._speaks_1_1 = version == "1.1"
        return version

    def _check_head_size(self, limits: ServerLimits) -> None:
        """More arrived than a head may have, but other requests or the body may have come along in the same read."""
        size = len(self._url) + sum(map(len, self._names)) + sum(map(len, self._values)) + 4 * len(self._names)
        if size > limits.head_bytes_max:
            raise limits.head_error()

    def _expect(self, head: Head) -> None:
        if head.expect.strip().lower() != b"100-continue":
            raise BadRequest(
                "expected `Expect: 100-continue` or no Expect header", status=417, code="expectation_failed"
            )
        if not self._serving and not self._queue and not head.http_1_0:
            self._outbox.flush()  # the response before it, if it waits there
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_message_complete(self) -> None:
        """The request is whole, or its head is and asks for an upgrade."""
        request = self._request
        head = request.head
        if head.upgrade and (head.length.strip(b"0") or head.coding) and self._parser.should_upgrade():
            return  # its body comes: see `_go_on_after_upgrade`
        request.body = self._body.take()
        self._in_message = False
        self._head_done = False
        if self._names:  # trailers: checked by the parser, of no use to a gateway
            self._names.clear()
            self._values.clear()
        self._rx_bytes = 0
        self._rx_bytes_max = self._server.limits.head_bytes_max
        self._queue.append(request)
        self._request = _NO_REQUEST

    # Serving

    def _serve_next(self) -> None:
        self._serve(self._queue.popleft())

    def _serve(self, request: Request) -> None:
        self._serving = True
        if self.state != LINGER:
            self.state = SERVING
        server = self._server
        request.received_s = server.now_s()
        if server.draining:
            self.response.closing = True
        server.handler(request, self)

    def _answered(self) -> None:
        """The present response is out: close, wait, or serve the next request (from the loop, not from here)."""
        self._serving = False
        self.on_gone = None
        if self._held.total:
            self._held.keep(self._body.size + sum(len(request.body) for request in self._queue))
        if self._transport.is_closing():
            return
        self._since_s = self._server.tick_s
        if self.response.closing:
            if self.state == LINGER and not self._queue:
                return  # the sweep closes; what the sender still sends is thrown away so that it reads the response
            self.close()
            return
        if self._server.draining:  # the head left before: the caller was not told that the connection ends
            self._server.close_soon(self)
        if self._queue:
            self._server.later(self._serve_waiting)
        elif self.state != LINGER:
            self.state = (BODY if self._head_done else HEAD) if self._in_message else IDLE
            if self._write_paused_s:
                self._stop_reading()
            elif self._reading_paused:
                self._read_on()

    def _serve_waiting(self) -> None:
        if self._queue and not (self._serving or self._write_paused_s or self._transport.is_closing()):
            self._serve_next()

    # Flow control

    def pause_writing(self) -> None:
        """The caller reads too slowly: hold the source back, and its next request until this response has gone."""
        self._write_paused_s = self._server.tick_s
        if self.response.flow is not None:
            self.response.flow.pause()
        elif not self._serving:
            self._stop_reading()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._write_paused_s = 0.0
        if self.response.flow is not None:
            self.response.flow.resume()
        if self._serving or self._transport.is_closing():
            return
        if self._queue:
            self._server.later(self._serve_waiting)
        else:
            self._read_on()

    # Deadlines

    def sweep(self, now_s: float) -> None:
        """Close or refuse what took too long."""
        limits = self._server.limits
        waited_s = now_s - self._since_s
        state = self.state
        if self._write_paused_s and now_s - self._write_paused_s > limits.idle_timeout_s:
            self._transport.abort()
        elif state == IDLE:
            if waited_s > limits.idle_timeout_s:
                self.close()
        elif state == HEAD:
            if waited_s > limits.head_timeout_s and not self._serving:
                self._refuse(limits.late_head_error())
        elif state == BODY and not self._serving:
            if waited_s > limits.body_timeout_s + self._body.size / BODY_RATE_BYTES_PER_S:
                self._refuse(limits.late_body_error())
        elif state == LINGER and not self._serving and waited_s > LINGER_S:
            self.close()
