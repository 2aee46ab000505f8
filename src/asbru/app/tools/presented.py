"""A server that does not speak streamable HTTP, presented as one that does, on a Unix socket at "/mcp".

    POST    a request: its response as JSON, or as events where something is told before it; it is cancelled where the
            caller closes the connection. A notification or a response of the caller: 202
    GET     events that belong to no call (list_changed, log lines), for servers with sessions
    503     the server does not run now; 404: the session is not of the present run of the server

All workers and callers share one connection to the server (`shared`). The session id names one run of it, so that
whoever keeps one learns of a restart. Not here: how the server runs, and who may call it: only our own processes reach
the socket.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from asbru.app.tools.envelope import (
    CANCELLED,
    INTERNAL_ERROR,
    Envelope,
    members,
    read_envelope,
    write_envelope,
    write_error,
)
from asbru.app.tools.shared import Busy, Shared
from asbru.app.unix_socket import listen
from asbru.edge.server import Request, Server, ServerConnection, ServerLimits
from asbru.wire.sse import write_event

PATH: Final = b"/mcp"
SESSION: Final = "mcp-session-id"
VERSION: Final = "mcp-protocol-version"
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
LISTENERS_MAX: Final = 1000

_JSON = b"content-type: application/json\r\n"
_EVENTS = b"content-type: text/event-stream\r\ncache-control: no-cache\r\n"
_RETRY = b"retry-after: 1\r\n"
_PARSE_ERROR = -32700
_LIMITS = ServerLimits(body_bytes_max=BODY_BYTES_MAX, idle_timeout_s=3600.0)


class Running:
    """One run of the server, ready to be called: the connection, the id of its session (of servers of the older era; ""
    for others), and what it said of itself when it was greeted, as the result of `initialize`."""

    def __init__(self, shared: Shared, session: str, greeting: bytes) -> None:
        self.shared = shared
        self.session = session
        self.greeting = greeting


class Presented:
    """See the module. `running` is what is called from now on; None: nothing runs."""

    def __init__(self, name: str, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.reason = "the server has not started yet"
        self._name = name
        self._running: Running | None = None
        self._is_open = False
        self._server = Server(loop, _LIMITS, self._handle)
        self._server.watch(frozenset((SESSION.encode(), VERSION.encode())))
        self._listening: set[_Events] = set()

    async def open(self) -> None:
        """Listen, unless it does already; anew where somebody has removed the socket (cleaners of temporary files do).
        Raises OSError."""
        if not self._is_open or not self.path.exists():
            self._is_open = True
            await self._server.listen_on(listen(self.path))

    @property
    def is_open(self) -> bool:
        """Whether it listens, or should."""
        return self._is_open

    def run_by(self, running: Running | None, reason: str = "") -> None:
        """Serve by this from now on. Calls that another run has begun are ended by that run."""
        self.reason = reason
        before, self._running = self._running, running
        for events in tuple(self._listening):
            if before is not None:
                before.shared.listeners.discard(events.related)
            if running is not None:
                running.shared.listeners.add(events.related)

    def close(self) -> None:
        """Serve nobody any more."""
        self._server.close()
        self.path.unlink(missing_ok=True)

    def _handle(self, request: Request, connection: ServerConnection) -> None:
        head, response = request.head, connection.response
        response.prepare(head, b"")
        running = self._running
        if request.error is not None:
            response.whole(getattr(request.error, "status", 400), _JSON, _told(str(request.error)))
        elif head.path != PATH:
            response.whole(404, _JSON, _told(f"expected {PATH.decode()}"))
        elif running is None:
            response.whole(503, _JSON + _RETRY, _told(self.reason))
        elif head.watched.get(SESSION, running.session) != running.session:
            response.whole(404, _JSON, _told("this session has ended; begin another"))
        elif head.method == b"POST":
            self._post(request, connection, running)
        elif head.method == b"GET" and running.session and len(self._listening) < LISTENERS_MAX:
            self._listen(connection, running)
        else:
            response.whole(405, b"allow: POST\r\n" + _JSON, _told("expected POST"))

    def _post(self, request: Request, connection: ServerConnection, running: Running) -> None:
        response = connection.response
        try:
            envelope = read_envelope(request.body)
        except ValueError as error:
            response.whole(400, _JSON, write_error(UNSET, _PARSE_ERROR, f"expected one JSON-RPC message: {error}"))
            return
        if not envelope.is_request:
            if envelope.is_response:
                running.shared.answer(envelope)
            else:
                _take_notification(envelope, running.shared)
            response.whole(202, b"", b"")
            return
        assert envelope.id is not UNSET
        if envelope.method == "initialize" and running.session:
            lines = _JSON + f"{SESSION}: {running.session}\r\n".encode()
            response.whole(200, lines, write_envelope(Envelope(id=envelope.id, result=Raw(running.greeting))))
            return
        events = _Events(connection)
        try:
            call = running.shared.begin(envelope, events, takes_requests=bool(running.session))
        except Busy as busy:
            response.whole(503, _JSON + _RETRY, write_error(envelope.id, INTERNAL_ERROR, str(busy)))
            return
        if not response.finished:
            connection.on_gone = partial(running.shared.cancel, call)
            connection.mark_endless(endless=call.is_subscription)

    def _listen(self, connection: ServerConnection, running: Running) -> None:
        events = _Events(connection)
        events.begin()
        self._listening.add(events)
        running.shared.listeners.add(events.related)
        connection.mark_endless(endless=True)

        def gone() -> None:
            self._listening.discard(events)
            if self._running is not None:
                self._running.shared.listeners.discard(events.related)

        connection.on_gone = gone


class _Events:
    """The response to one request, as far as it goes. While its reader is slow, notifications are dropped."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._slow = False

    def begin(self) -> None:
        """Answer with events."""
        response = self._connection.response
        response.begin(200, _EVENTS)
        response.write(b": \n\n")  # the head leaves with the first bytes
        response.flow = self

    def pause(self) -> None:
        """The reader is slow."""
        self._slow = True

    def resume(self) -> None:
        """It has caught up."""
        self._slow = False

    def related(self, message: bytes) -> None:
        """See `shared.Listener`."""
        if not self._connection.response.started:
            self.begin()
        if not self._slow:
            self._connection.response.write(write_event(_line(message)))

    def ended(self, message: bytes) -> None:
        """See `shared.Listener`."""
        response = self._connection.response
        self._connection.on_gone = None
        if response.started:
            response.write(write_event(_line(message)))
            response.end()
        else:
            response.whole(200, _JSON, message)


def _take_notification(notification: Envelope, shared: Shared) -> None:
    """Of a caller: what greets or cancels is ours to say, all else passes."""
    if notification.method == CANCELLED:
        request_id = members(notification.params).get("requestId")
        if request_id is not None:
            shared.cancel_by_id(request_id)
    elif notification.method != "notifications/initialized":
        shared.tell(notification)


def _line(message: bytes) -> bytes:
    """Without line breaks, which in JSON are only between tokens."""
    return message.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in message or b"\r" in message else message


def _told(reason: str) -> bytes:
    return msgspec.json.encode({"error": {"message": reason}})
