"""The older transport HTTP+SSE towards callers (MCP 2024-11-05), as an adapter of streamable HTTP.

    GET  /mcp/sse, /mcp/<name>/sse      a stream; its first event says where messages are posted to
    POST there                          the message goes to the worker that has the stream; 202 once that has taken it

Each message is served as if it had been posted to /mcp or /mcp/<name>, key and all; what would be the response comes as
events of the stream. The session that `initialize` begins is put into the messages that follow, and what a GET would
tell is told on the stream as well. A stream that is gone ends the calls that came over it.

Any worker may receive a message; the id in its URL says which worker has the stream, and is sealed for the caller and
the address. The id is no credential: whoever posts shows its key again. A message for a stream that is gone is 404, and
one whose worker does not say in time that it has it 503. Not here: what a message means (`mcp`), and how it reaches the
other worker (`pipeline.tools.deliveries`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, cast

import msgspec

from asbru.core.errors import AsbruError, BadRequest, GatewayError, MethodNotAllowed, NotFound, Overloaded
from asbru.edge.mcp_sse_message import SseMessage
from asbru.edge.server import Head, Request, ServerConnection
from asbru.mcp.protocol import RpcError, read_message, write_error
from asbru.mcp.protocol.headers import SESSION, VERSION
from asbru.mcp.servers.delivery import Delivery
from asbru.pipeline.tools import NARROWED
from asbru.wire.sse import write_event

if TYPE_CHECKING:
    import asyncio

    from asbru.pipeline.tools import Toolbox

STREAMS_MAX: Final = 10_000
CALLS_MAX: Final = 64
"""Messages of one stream that are being served."""
MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A message may have to be told to another worker."""
GREETING_S: Final = 60.0
"""How long a stream may be without `initialize`."""
STREAM_LINES: Final = (
    b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
)
_PURPOSE: Final = "stream of HTTP+SSE"
_PARAMETER: Final = b"sessionId="
_NONCE_BYTES: Final = 12
_NARROWED: Final = NARROWED.encode()
_OF_A_REQUEST: Final = frozenset((b"accept", SESSION, VERSION, b"last-event-id"))
"""Headers that are made anew for each message."""
_ACCEPT: Final = (b"accept", b"application/json, text/event-stream")

Handle = Callable[[Request, ServerConnection], None]


class SseStreams:
    """The streams of one worker. `handle` serves a request as the door does."""

    def __init__(self, handle: Handle, is_draining: Callable[[], bool]) -> None:
        self.count = 0
        self.handle = handle
        self.is_draining = is_draining

    def open(
        self,
        request: Request,
        connection: ServerConnection,
        tools: Toolbox,
        loop: asyncio.AbstractEventLoop,
        *,
        bound: tuple[str, ...],
        path: bytes,
    ) -> None:
        """Open a stream for messages to `path`. `bound`: the caller and the address."""
        if self.count >= STREAMS_MAX:
            raise Overloaded(f"{STREAMS_MAX} callers are connected already; try again later", retry_after_s=60)
        named = os.urandom(_NONCE_BYTES) + tools.deliveries.worker.encode()
        token = tools.seals.seal(_PURPOSE, bound, named)
        stream = SseStream(self, connection, request.head, path)
        tools.deliveries.follow(token, stream.take)
        self.count += 1
        ungreeted = loop.call_later(GREETING_S, stream.end_ungreeted)

        def gone() -> None:
            self.count -= 1
            ungreeted.cancel()
            tools.deliveries.forget(token)
            stream.close()

        response = connection.response
        response.begin(200, STREAM_LINES)
        connection.on_gone = gone
        connection.mark_endless(endless=True)
        response.flow = stream
        response.write(write_event(b"%b?%b%b" % (request.head.path, _PARAMETER, token.encode()), "endpoint"))


def post_message(
    request: Request,
    connection: ServerConnection,
    tools: Toolbox,
    headers: Mapping[bytes, bytes],
    *,
    bound: tuple[str, ...],
    refuse: Callable[[AsbruError], None],
) -> None:
    """Pass a message on to where its stream is. Raises what refuses it at once; `refuse` is given what does so
    later."""
    text = _token_in(request.head.query)
    named = tools.seals.open(_PURPOSE, bound, text)
    if named is None:
        raise _gone()
    if len(request.body) > MESSAGE_BYTES_MAX:
        raise BadRequest(
            f"expected a message of at most {MESSAGE_BYTES_MAX} bytes; post larger ones to /mcp", status=413
        )
    read_message(request.body)
    worker, message = named[_NONCE_BYTES:].decode(), msgspec.msgpack.encode((request.body, headers.get(_NARROWED)))

    async def deliver() -> None:
        match await tools.deliveries.deliver(worker, text, message):
            case Delivery.TAKEN:
                connection.response.whole(202, b"content-type: text/plain\r\n", b"Accepted")
            case Delivery.GONE:
                raise _gone()
            case Delivery.AWAY:
                why = "the stream cannot be reached now"
                raise GatewayError(why, status=503, code="mcp_stream_away", retry_after_s=1)

    def ended(_: None, error: BaseException | None) -> None:
        if isinstance(error, AsbruError):
            refuse(error)
        elif error is not None:
            raise error

    connection.stepper.run(deliver(), ended, None)


def _token_in(query: bytes) -> str:
    token = next((one for one in query.split(b"&") if one.startswith(_PARAMETER)), None)
    if token is None:
        raise MethodNotAllowed("open a stream with GET first; its first event contains the URL to post messages to")
    return token[len(_PARAMETER) :].decode("latin-1")


def _gone() -> NotFound:
    return NotFound("the stream is unknown; open a new one", code="mcp_stream_not_found")


class SseStream:
    """One stream: whose messages are under way. It is the `Flow` of its response: while its reader is slow, calls are
    held back, and no more are begun."""

    def __init__(self, streams: SseStreams, connection: ServerConnection, head: Head, path: bytes) -> None:
        self.session = b""
        self._streams = streams
        self._connection = connection
        self._head = head
        self._path = path
        self._served: set[SseMessage] = set()
        self._listening: SseMessage | None = None
        self._is_paused = False
        self._is_closed = False

    @property
    def peer(self) -> str:
        """The address of the caller."""
        return self._connection.response.peer

    def take(self, payload: bytes) -> None:
        """One message of the caller."""
        body, narrowed = msgspec.msgpack.decode(payload, type=tuple[bytes, bytes | None])
        try:
            request_id = read_message(body).request_id
        except RpcError as error:
            self.write(write_event(write_error(None, error), "message"))
            return
        if len(self._served) >= CALLS_MAX or (self._is_paused and request_id is not None):
            why = (
                "the stream is not read fast enough" if self._is_paused else f"{CALLS_MAX} messages are being served"
            )
            if request_id is not None:
                self.write(write_event(write_error(request_id, Overloaded(why, retry_after_s=1)), "message"))
            return
        served = SseMessage(self, request_id)
        self._served.add(served)
        self._connection.mark_endless(endless=False)  # a drain waits for calls
        request = Request(_head_of(self._head, b"POST", self._path, self.session, narrowed=narrowed), body)
        request.received_s = monotonic()
        self._streams.handle(request, cast("ServerConnection", served))
        if self._is_paused:
            served.pause()

    def greet(self, session: bytes) -> None:
        """A session has begun: what it is told without asking comes on this stream too."""
        self.session = session
        if self._listening is not None:
            self._listening.close()
        self._listening = SseMessage(self, None, listens=True)
        head = _head_of(self._head, b"GET", self._path, session, narrowed=None)
        request = Request(head)
        request.received_s = monotonic()
        self._streams.handle(request, cast("ServerConnection", self._listening))

    def write(self, events: bytes) -> None:
        """Tell the caller."""
        if not self._is_closed:
            self._connection.response.write(events)

    def done(self, served: SseMessage) -> None:
        """A message has been served."""
        self._served.discard(served)
        if self._served or self._is_closed:
            return
        if self._streams.is_draining():
            self._connection.later(self._end)
        else:
            self._connection.mark_endless(endless=True)

    def later(self, call: Callable[[], None]) -> None:
        """Run `call` in the loop's next turn."""
        self._connection.later(call)

    def end_ungreeted(self) -> None:
        """The caller has had time to introduce itself."""
        if not self.session:
            self._end()

    def pause(self) -> None:
        """See `Flow`."""
        self._is_paused = True
        for served in self._every():
            served.pause()

    def resume(self) -> None:
        """See `Flow`."""
        self._is_paused = False
        for served in self._every():
            served.resume()

    def close(self) -> None:
        """The caller is gone: so is what it asked for."""
        if self._is_closed:
            return
        self._is_closed = True
        self._connection.mark_endless(endless=False)
        for served in self._every():
            served.close()
        self._served.clear()

    def _every(self) -> tuple[SseMessage, ...]:
        """What writes to the stream."""
        return tuple(self._served) if self._listening is None else (*self._served, self._listening)

    def _end(self) -> None:
        gone = self._connection.on_gone
        if not self._is_closed and not self._served and gone is not None:
            gone()
            self._connection.response.end()


def _head_of(head: Head, method: bytes, path: bytes, session: bytes, *, narrowed: bytes | None) -> Head:
    """The head of a message: that of the stream, as if it had been posted."""
    made = Head()
    made.__dict__.update(head.__dict__)
    made.method, made.path, made.query, made.origin, made.upgrade = method, path, b"", b"", b""
    made.content_type = b"application/json"
    left = _OF_A_REQUEST if narrowed is None else _OF_A_REQUEST | {_NARROWED}
    headers = [one for one in head.every_header or () if one[0].lower() not in left]
    headers.append(_ACCEPT)
    if session:
        headers.append((SESSION, session))
    if narrowed is not None:
        headers.append((_NARROWED, narrowed))
    made.every_header = headers
    return made
