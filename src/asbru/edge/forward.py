"""Forwards a path prefix, untouched, to a process on a Unix socket (the control process: /api and /ui).

Requests keep every header but the hop-by-hop ones; answers stream back as they come. Nothing here is a model call:
no key is checked and nothing is recorded, because the process behind it does both.
"""

from __future__ import annotations

from collections.abc import Mapping

from asbru.core.errors import AsbruError, GatewayError, Overloaded, UpstreamError
from asbru.edge.server import Request, ServerConnection
from asbru.upstream import Exchange, ExchangeDeadlines, Pool, UpstreamResponse
from asbru.wire.http_heads import HOP_BY_HOP, JSON_LINE

_DEADLINES = ExchangeDeadlines(connect_s=2.0, first_token_s=60.0, idle_s=300.0, total_s=3600.0)
_NOT_SENT = HOP_BY_HOP | {b"content-length", b"expect", b"host"}
_NO_BODY = (204, 304)
_TRIES_MORE = 1
"""Of a GET whose connection ends without an answer: the process behind had closed it, idle or after a failure of
another request, just when this one came."""
_EVENT_STREAM = b"content-type: text/event-stream"
"""Of the processes behind: a tail, which goes on until its caller leaves."""


class Forwarder:
    """Pools by prefix; the longest prefix that matches wins."""

    def __init__(self, pools: Mapping[bytes, Pool]) -> None:
        self._pools = sorted(pools.items(), key=lambda item: -len(item[0]))

    def takes(self, path: bytes) -> bool:
        """Whether a path has a forwarded prefix."""
        return self._pool(path) is not None

    def forwards(self, prefix: bytes) -> bool:
        """Whether this prefix is forwarded."""
        return any(prefix == known for known, _ in self._pools)

    def forward(self, request: Request, connection: ServerConnection) -> bool:
        """Take the request if its path has a forwarded prefix (a whole path segment)."""
        pool = self._pool(request.head.path)
        if pool is None:
            return False
        connection.stepper.run(_pass(request, connection, pool), _ended, connection)
        return True

    def _pool(self, path: bytes) -> Pool | None:
        for prefix, pool in self._pools:
            if path == prefix or path.startswith(prefix + b"/"):
                return pool
        return None


async def _pass(request: Request, connection: ServerConnection, pool: Pool) -> None:
    response = connection.response
    head = request.head
    method = b"GET" if head.method == b"HEAD" else head.method
    target = head.path + (b"?" + head.query if head.query else b"")
    named = {option.strip().lower() for option in head.connection_options.split(b",")}
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method, target, head.host or b"asbru")]
    for name, value in head.every_header or ():
        lower = name.lower()
        if lower not in _NOT_SENT and lower not in named:
            lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"content-length: %d\r\n\r\n" % len(request.body))
    whole, tries = b"".join(lines), 1 + (_TRIES_MORE if method == b"GET" else 0)
    exchange = pool.begin(whole, request.body, _DEADLINES, streaming_wanted=True, transparent=True)
    try:
        while (said := await _answer(exchange, last=tries == 1)) is None:
            tries -= 1
            exchange = pool.begin(whole, request.body, _DEADLINES, streaming_wanted=True, transparent=True)
        if not said.streaming:
            response.whole(said.status, said.lines, said.body)
            return
        if head.method == b"HEAD" or said.status in _NO_BODY:  # no chunks; of a HEAD only the length is told
            parts: list[bytes] = []
            await exchange.pump(parts.append, pool.tick_s)
            response.whole(said.status, said.lines, b"".join(parts))
            return
        response.begin(said.status, said.lines)
        response.flow = exchange
        connection.mark_endless(endless=said.lines.find(_EVENT_STREAM) >= 0)
        await exchange.pump(response.write, pool.tick_s)
        response.end()
    finally:
        connection.mark_endless(endless=False)
        response.flow = None
        exchange.abort()


async def _answer(exchange: Exchange, *, last: bool) -> UpstreamResponse | None:
    """The answer. None where the connection ended before any came, unless this try is the `last`."""
    try:
        return await exchange
    except UpstreamError as error:
        if exchange.waiting_for != "connect_s":
            if error.kind == "network" and not last:
                return None
            raise
        # Nothing was sent, so it can be sent again: the process is about to start, or to start again.
        raise Overloaded(
            "the process behind this path is not running; try again shortly", code="unavailable", retry_after_s=1
        ) from error


def _ended(connection: ServerConnection, error: BaseException | None) -> None:
    response = connection.response
    if error is None or response.finished:
        return
    if response.started:
        connection.abort()
        return
    wrong = error if isinstance(error, AsbruError) else GatewayError("forwarding failed")
    status, kind, message, lines = 502, "api_error", "the process behind this path did not respond", JSON_LINE
    if isinstance(wrong, Overloaded):
        status, kind, message = wrong.status, wrong.type, wrong.message
        lines += b"retry-after: %d\r\n" % max(1, round(wrong.retry_after_s or 1))
    said = (kind.encode(), wrong.code.encode(), message.encode())
    response.whole(status, lines, b'{"error":{"type":"%b","code":"%b","message":"%b"}}' % said)
