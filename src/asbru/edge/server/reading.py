"""What a connection has received: bytes to requests, each judged by its head before its body is read.

llhttp decides what is HTTP; what it accepts but a gateway must not is refused here. Callbacks of the parser only
collect; a body that has yet to come is judged by its head: whose it is, and how long. When a request is served, and
what is done about an error, is the connection's matter (`protocol`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

import httptools

from asbru.core.errors import AsbruError, BadRequest
from asbru.edge.limits import ServerLimits
from asbru.edge.server.body import HeldBytes, RequestBody
from asbru.edge.server.limits import PIPELINED_BYTES_MAX
from asbru.edge.server.request import Head, Request

if TYPE_CHECKING:
    from asbru.edge.server.protocol import ServerConnection
    from asbru.edge.server.server import Server

IDLE, HEAD, BODY, SERVING, LINGER, UPGRADED = range(6)
_NO_REQUEST: Final = Request(Head())
"""Stands between two requests, so that an idle connection does not hold the last one's body."""


class RequestReader(asyncio.Protocol):
    """See the module. A base class rather than a part of a connection: each step of a request would cost one call
    more. Whole requests are put into `_queue`."""

    __slots__ = (
        "_body",
        "_data_bytes",
        "_gives_way",
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
        "_transport",
        "_url",
        "_values",
        "on_body",
        "on_header",
        "state",
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
        self._gives_way = False
        self._serving = False
        self._since_s = 0.0
        self._speaks_1_1 = False
        self._only_probes: AsbruError | None = None
        """There are too many connections: what refuses all requests but those for a probe."""
        self.state = IDLE

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
            if not self._gives_way:
                self._transport.pause_reading()

    def _read_on(self) -> None:
        self._pipelined_bytes = 0
        if self._reading_paused:
            self._reading_paused = False
            if not self._gives_way:
                self._transport.resume_reading()

    def _give_way(self) -> None:
        """Much came in one read, and more is waiting: the event loop would read on here many times before other
        connections have their turn. They have it first."""
        if not (self._reading_paused or self._gives_way or self._transport.is_closing()):
            self._gives_way = True
            self._transport.pause_reading()
            self._server.later(self._take_turn)

    def _take_turn(self) -> None:
        self._gives_way = False
        if not (self._reading_paused or self._transport.is_closing()):
            self._transport.resume_reading()

    def _parse_error(self, error: httptools.HttpParserError) -> AsbruError:
        cause = error.__context__
        if isinstance(cause, AsbruError):
            return cause
        return BadRequest(f"expected an HTTP/1.1 request, got something else: {error}")

    def _size_error(self) -> AsbruError:
        limits = self._server.limits
        return limits.head_error() if self._rx_bytes_max == limits.head_bytes_max else limits.body_error()

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
        self._server.spare.pop(cast("ServerConnection", self), None)
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
