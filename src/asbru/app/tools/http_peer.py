"""A server of streamable HTTP, as it is asked by us: one POST for each request, answered with JSON or with events.

Of the older era the session that `initialize` began is sent along, and a GET brings notifications; of the newer one
what a request is about stands in headers, and `subscriptions/listen` brings them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from msgspec import UNSET, Raw

from asbru.app.tools.envelope import (
    INTERNAL_ERROR,
    Envelope,
    read_envelope,
    read_error,
    write_envelope,
    write_error,
    write_notification,
    write_request,
)
from asbru.app.tools.http import BODY_BYTES_MAX, STREAM_S, Http, Reply
from asbru.app.tools.peers import (
    Broken,
    OnNotification,
    Refused,
    SessionEnded,
    Unauthorized,
    Unreachable,
    result_of,
)
from asbru.upstream.origin import Reach
from asbru.wire.errors import FramingError
from asbru.wire.sse import SseReader

SESSION: Final = "mcp-session-id"
TELL_S: Final = 30.0
END_S: Final = 5.0
_ACCEPT = "application/json, text/event-stream"
_UNAUTHORIZED = (401, 403)
_ERROR_BYTES_MAX = 64 * 1024

Credentials = Callable[[], Awaitable[dict[str, str]]]
"""The headers that authenticate a request. Raises `Unauthorized`, `Unreachable`."""
AskCallers = Callable[[str, Envelope], Awaitable[bool]]
"""Has a request that came in a session put to the caller that it is for; False where nobody knows which that is."""


class HttpPeer:
    """See the module; a `Peer`. `session`: of the older era, "" where there is none; `is_of_user`: it is of one user
    alone."""

    def __init__(self, http: Http, reach: Reach, url: str, credentials: Credentials) -> None:
        self.version = ""
        self.is_stateless = False
        self.session = ""
        self.ask_callers: AskCallers | None = None
        self.is_of_user = False
        self._http = http
        self._reach = reach
        self._url = url
        self._credentials = credentials
        self._number = 0

    async def ask(self, method: str, params: bytes | None, timeout_s: float) -> bytes:
        """See `Peer`."""
        self._number += 1
        number = self._number
        body = write_request(number, method, params)
        reply = await self._send("POST", self._about(method), body, timeout_s=timeout_s)
        try:
            await self._check(reply)
            if method == "initialize":
                self.session = reply.header(SESSION)
            if reply.media_type == "text/event-stream":
                async for envelope in _messages(reply):
                    if envelope.is_response and envelope.id is not UNSET and bytes(envelope.id) == b"%d" % number:
                        return result_of(envelope)
                raise Broken(f"its stream ended without a response to {method}")
            return result_of(await reply.body())
        finally:
            reply.close()

    async def tell(self, method: str) -> None:
        """See `Peer`."""
        reply = await self._send("POST", self._about(method), write_notification(method), timeout_s=TELL_S)
        try:
            await reply.body(_ERROR_BYTES_MAX)  # there is none, and the connection may be used again
        finally:
            reply.close()

    async def watch(self, params: bytes | None, on_notification: OnNotification) -> None:
        """See `Peer`. `params` of `subscriptions/listen`; None: the GET of servers with sessions."""
        if params is None:
            method, headers, body = "GET", {**self._about(""), "accept": "text/event-stream"}, b""
        else:
            self._number += 1
            method, headers = "POST", self._about("subscriptions/listen")
            body = write_request(self._number, "subscriptions/listen", params)
        reply = await self._send(method, headers, body, timeout_s=STREAM_S)
        try:
            await self._check(reply)
            async for envelope in _messages(reply):
                if envelope.is_request:
                    await self._take_request(envelope)
                elif isinstance(envelope.method, str):
                    on_notification(envelope)
                elif envelope.error is not UNSET:
                    raise Refused(read_error(envelope.error))
        finally:
            reply.close()

    async def _take_request(self, request: Envelope) -> None:
        """A request outside of the stream of a call: nothing in it says which of the callers of this session it is
        for."""
        if request.method == "ping":
            body = write_envelope(Envelope(id=request.id, result=Raw(b"{}")))
        elif self.ask_callers is not None and await self.ask_callers(self.session, request):
            return  # the caller's answer goes to the server from where the call is
        else:
            words = (
                "nothing says which caller this is for; ask within a call's own stream, or while there is only one"
            )
            body = write_error(request.id, INTERNAL_ERROR, words)
        reply = await self._send("POST", self._about(""), body, timeout_s=TELL_S)
        reply.close()

    async def end_session(self) -> None:
        """Tell the server that its session is not needed any more."""
        if self.session:
            reply = await self._send("DELETE", self._about(""), b"", timeout_s=END_S)
            reply.close()

    def _about(self, method: str) -> dict[str, str]:
        headers = {"accept": _ACCEPT}
        if self.version:
            headers["mcp-protocol-version"] = self.version
        if self.session:
            headers[SESSION] = self.session
        if self.is_stateless and method:
            headers["mcp-method"] = method
        return headers

    async def _send(self, method: str, headers: dict[str, str], body: bytes, *, timeout_s: float) -> Reply:
        if body:
            headers = {**headers, "content-type": "application/json"}
        headers |= await self._credentials()
        try:
            return await self._http.send(self._reach, method, self._url, headers, body=body, timeout_s=timeout_s)
        except ValueError as error:
            raise Unreachable(str(error)) from error

    async def _check(self, reply: Reply) -> None:
        """Raise what a status other than success means."""
        status = reply.status
        if 200 <= status < 300:
            return
        if status in _UNAUTHORIZED:
            raise Unauthorized(f"it refuses the credential (status {status})", reply.header("www-authenticate"))
        if status == 404 and self.session:
            raise SessionEnded("the session is no longer known to it")
        if 300 <= status < 400:
            raise Broken(f"it redirects to {reply.header('location')[:200]!r}; configure that as its `url`")
        if status >= 500 or status in (408, 429):
            raise Unreachable(f"it responded with status {status}")
        self._refuse(status, await reply.body(_ERROR_BYTES_MAX))

    @staticmethod
    def _refuse(status: int, body: bytes) -> None:
        try:
            envelope = read_envelope(body)
        except ValueError:
            envelope = None
        if envelope is not None and envelope.error is not UNSET:
            raise Refused(read_error(envelope.error))
        raise HttpRefused(status)


class HttpRefused(Broken):
    """A status of 4xx that says nothing in JSON-RPC. For the greeting of the newer era: the server does not know it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it responded with status {status}, not as an MCP server does")
        self.status = status


async def _messages(reply: Reply) -> AsyncIterator[Envelope]:
    """The messages of an event stream; raises `Broken` for what is none."""
    reader = SseReader()
    try:
        async for piece in reply.pieces():
            for event in reader.feed(piece):
                if event.event in ("", "message") and event.data.strip():
                    yield read_envelope(event.data)
    except (FramingError, ValueError) as error:
        raise Broken(f"its event stream cannot be read: {error}") from error


__all__ = ["BODY_BYTES_MAX", "SESSION", "AskCallers", "Credentials", "HttpPeer", "HttpRefused"]
