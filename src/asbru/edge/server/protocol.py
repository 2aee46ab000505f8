"""One connection of a caller: bytes to requests, in order, each answered before the next is begun.

    state    what is awaited                         deadline (by the server's sweep)
    idle     the first byte of a request             idle_timeout_s
    head     the rest of the head                    head_timeout_s
    body     the rest of the body                    body_timeout_s and a second per 128 KiB received
    serving  the response                            none here: the path has its own; a caller that does not read
                                                     what was written: idle_timeout_s, and its next request waits
    linger   the sender of a refused request to stop two seconds
    upgraded what a WebSocket awaits                 its own (`websocket`)

A caller that closes its side, even only for writing, is gone: its call is cancelled. How bytes become requests, and
which are refused, is in `reading`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from asbru.core.errors import AsbruError, BadRequest
from asbru.edge.limits import ServerLimits
from asbru.edge.server.limits import BODY_RATE_BYTES_PER_S, LINGER_S, TURN_BYTES, UPGRADES_PIPELINED_MAX
from asbru.edge.server.reading import BODY, HEAD, IDLE, LINGER, SERVING, UPGRADED, RequestReader
from asbru.edge.server.request import Head, Request
from asbru.edge.server.response import ResponseWriter
from asbru.edge.server.websocket import GOING_AWAY, WebSocket, shake_hands
from asbru.pipeline import Stepper

if TYPE_CHECKING:
    from asbru.edge.server.server import Server

STRANGE_MAX = 32
"""So many requests in a row with a head that is not known, and a connection's heads are not looked up any more: its
client writes something new in each."""


class ServerConnection(RequestReader):
    """See the module. `handler(request, connection)` is called for one request at a time; it answers through
    `connection.response`, from a path that it gives to `connection.stepper`, which is closed if the caller goes away
    first, or leaving in `on_gone` what to call then."""

    __slots__ = ("_strange", "_upgrades_behind", "_write_paused_s", "on_gone", "response", "stepper", "websocket")

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._write_paused_s = 0.0
        self._strange = 0
        self._upgrades_behind = 0
        self.response = ResponseWriter(self._answered, server.outbox)
        self.on_gone: Callable[[], None] | None = None
        self.stepper = Stepper()
        self.websocket: WebSocket | None = None
        """What the connection has become, if it was upgraded."""

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
        if self.websocket is not None:
            self.websocket.lost()

    def close(self) -> None:
        """Close once everything written has left."""
        self._outbox.flush()
        if self.websocket is not None:
            self.websocket.close(GOING_AWAY, "the gateway is shutting down; connect again")
        self._transport.close()

    def abort(self) -> None:
        """Close at once: what was begun cannot be ended properly, and the caller must see that."""
        self._transport.abort()

    def limit(self, limits: ServerLimits) -> None:
        """Hold these bounds from now on."""
        self._body.limit(limits)
        self._rx_bytes_max = limits.head_bytes_max + (limits.body_bytes_max * 2 if self._head_done else 0)

    def upgrade(self, head: Head) -> WebSocket:
        """Make this connection a WebSocket, as the request that is being served asks. Raises what refuses it."""
        server = self._server
        lines, deflate = shake_hands(head, server.limits)
        self._outbox.flush()
        self._transport.write(lines)
        self.websocket = WebSocket(
            self._transport,
            server.limits,
            self._held,
            deflate,
            is_draining=lambda: server.draining,
            has_room=lambda: server.bodies.fits(server.limits),
            now_s=server.tick_s,
        )
        self.state = UPGRADED
        self._serving = False
        return self.websocket

    def later(self, call: Callable[[], None]) -> None:
        """Run `call` in the loop's next turn."""
        self._server.later(call)

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
        if self.websocket is not None:
            return self.websocket.is_quiet
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
        elif self.state == UPGRADED:
            assert self.websocket is not None
            self.websocket.feed(data)
        elif self.state != LINGER:
            self._feed(data)
        if len(data) >= TURN_BYTES:
            self._give_way()

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
        if self.websocket is not None:
            self.websocket.pause_writing()
        elif self.response.flow is not None:
            self.response.flow.pause()
        elif not self._serving:
            self._stop_reading()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._write_paused_s = 0.0
        if self.websocket is not None:
            self.websocket.resume_writing()
            return
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
        elif self.websocket is not None:
            self.websocket.sweep(now_s)
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
