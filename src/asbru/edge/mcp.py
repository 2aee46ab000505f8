"""/mcp and /mcp/<name>: messages of MCP over streamable HTTP, in both eras.

    POST      one message. Requests that need no server are answered here; calls go the path, as any call does;
              notifications and responses of the caller are accepted with 202
    GET       messages for a caller of the era of sessions: that lists have changed, and resources that it subscribed to
    DELETE    the session of a caller ends, with its subscriptions and streams: 204

Which caller this is is asked first, each time; a session is no credential. Not here: what is answered
(`pipeline.tools.local`), and what a call does (`pipeline.tools`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from asbru.core.errors import AsbruError, BadRequest, MethodNotAllowed, NotFound
from asbru.edge.mcp_sse import Handle, SseStreams, post_message
from asbru.edge.mcp_streams import Streams
from asbru.mcp.catalogue.merged import Address
from asbru.mcp.protocol import Code, Message, Params, RpcError, read_message, rpc_status, write_error, write_result
from asbru.mcp.protocol.dialect import SURFACE
from asbru.mcp.protocol.headers import SESSION, VERSION, check_stateless, unsupported_version
from asbru.mcp.protocol.versions import ASSUMED, VERSIONS, is_stateless
from asbru.pipeline.tools import (
    NARROWED,
    Asked,
    Client,
    Toolbox,
    answer,
    is_call,
    listening,
    take_aside,
    tool_call,
)
from asbru.wire.http_heads import JSON_LINE

if TYPE_CHECKING:
    from asbru.edge.router import Found
    from asbru.edge.server import Request, ServerConnection
    from asbru.governance import Caller
    from asbru.mcp.access import Access
    from asbru.pipeline import Call, Rooms

SSE_ROUTE: Final = "/mcp/{name}/sse"
ROUTES: Final = ("/mcp", "/mcp/{name}", SSE_ROUTE)
CALL_ROUTE: Final = "/v1/mcp/tools/call"
METHODS: Final = (b"POST", b"GET", b"DELETE")
PREFIX: Final = b"/mcp"
_SSE: Final = "sse"
"""The last part of the addresses of HTTP+SSE; /mcp/sse is that of /mcp, unless a server or group is called so."""
PREFIXES: Final = (PREFIX, CALL_ROUTE.encode())
"""Of paths whose requests keep all of their headers."""
_NARROWED: Final = NARROWED.encode()
_EVENTS: Final = b"text/event-stream"
_NO_ERA: Final = (Code.HEADER_MISMATCH, Code.UNSUPPORTED_VERSION)
"""What is refused before it is clear which era a caller is of."""

Run = Callable[[Callable[["Call", "Rooms"], Awaitable[None]]], None]
"""Begins a call with a middle."""


class McpPages:
    """See the module. `version`: Asbru's own; `handle` serves a request as the door does."""

    def __init__(self, version: str, handle: Handle, is_draining: Callable[[], bool]) -> None:
        self._version = version
        self.streams = Streams()
        self._sse = SseStreams(handle, is_draining)

    def serve(
        self,
        found: Found,
        request: Request,
        connection: ServerConnection,
        rooms: Rooms,
        *,
        run: Run,
        refuse: Callable[[AsbruError], None],
    ) -> None:
        """Serve one request. Raises what refuses it before its message was read; `refuse` is given what does so
        later."""
        head = request.head
        caller = rooms.keys.identify(head.credentials)
        caller.check_surface(SURFACE)
        tools = rooms.tools
        if tools is None:
            raise NotFound("no MCP server is configured", code="mcp_not_configured")
        name = found.parameters.get("name", "")
        is_sse = found.route.path == SSE_ROUTE
        if name == _SSE and not is_sse and not tools.has_address(name):
            is_sse, name = True, ""
        address = tools.address(name) if name else Address()
        headers = {key.lower(): value for key, value in head.every_header or ()}
        if is_sse:
            self._serve_sse(request, connection, rooms, caller, name=name, headers=headers, refuse=refuse)
            return
        visit = _Visit(connection, rooms, tools, caller, address, headers)
        match head.method:
            case b"POST":
                self._post(visit, request.body, run)
            case b"GET":
                self._get(visit)
            case _:
                self._end_session(visit)

    def _serve_sse(
        self,
        request: Request,
        connection: ServerConnection,
        rooms: Rooms,
        caller: Caller,
        *,
        name: str,
        headers: Mapping[bytes, bytes],
        refuse: Callable[[AsbruError], None],
    ) -> None:
        tools, bound = rooms.tools, (caller.identity, name)
        assert tools is not None, "the door has looked"
        match request.head.method:
            case b"GET":
                path = b"%b/%b" % (PREFIX, name.encode()) if name else PREFIX
                self._sse.open(request, connection, tools, rooms.loop, bound=bound, path=path)
            case b"POST":
                self._take_sse(request, connection, tools, headers, bound=bound, refuse=refuse)
            case _:
                raise MethodNotAllowed("the HTTP+SSE transport supports GET and POST")

    @staticmethod
    def _take_sse(
        request: Request,
        connection: ServerConnection,
        tools: Toolbox,
        headers: Mapping[bytes, bytes],
        *,
        bound: tuple[str, ...],
        refuse: Callable[[AsbruError], None],
    ) -> None:
        try:
            post_message(request, connection, tools, headers, bound=bound, refuse=refuse)
        except RpcError as error:
            connection.response.whole(error.status, JSON_LINE, write_error(None, error))

    def _post(self, visit: _Visit, body: bytes, run: Run) -> None:
        message: Message | None = None
        try:
            message = read_message(body)
            self._take(visit, visit.read(message), body, run=run)
        except RpcError as error:
            always = message is None or isinstance(error, _SessionError) or error.rpc in _NO_ERA
            status = error.status if always else rpc_status(error, stateless=visit.is_stateless)
            visit.reply(write_error(None if message is None else message.request_id, error), status=status)

    def _take(self, visit: _Visit, asked: Asked, body: bytes, *, run: Run) -> None:
        message = asked.message
        response = visit.connection.response
        if not message.is_request:
            take_aside(visit.tools, visit.caller, asked, body)
            response.whole(202, b"", b"")
            return
        method = str(message.method)
        if is_call(asked):
            run(partial(tool_call, asked=asked))
            return
        access = visit.tools.access(visit.caller, asked)
        if method == "subscriptions/listen" and asked.stateless:
            self._listen(visit, asked, access)
            return
        result = answer(asked, visit.tools, access, self._version)
        if result is None:
            raise RpcError(Code.METHOD_NOT_FOUND, f"Method not found: {method[:200]}")
        lines = b""
        if method == "initialize":
            session = visit.tools.seal_client(visit.caller.identity, Client.introduced(asked.params))
            lines = b"mcp-session-id: %b\r\n" % session.encode()
        visit.reply(write_result(message.request_id, result), lines=lines)

    def _get(self, visit: _Visit) -> None:
        if visit.is_stateless:
            raise MethodNotAllowed("this version of MCP has no GET; use subscriptions/listen")
        if visit.headers.get(b"accept", b"").find(_EVENTS) < 0:
            raise BadRequest("expected `Accept: text/event-stream`", status=406, code="event_stream_expected")
        client = visit.client()
        session = visit.headers.get(SESSION, b"").decode("latin-1")
        asked = Asked(Message(), {}, visit.address, visit.narrowed, client=client, session=session)
        self._listen(visit, asked, visit.tools.access(visit.caller, asked))

    @staticmethod
    def _end_session(visit: _Visit) -> None:
        if visit.is_stateless:
            raise MethodNotAllowed("this version of MCP has no sessions and therefore no DELETE")
        session = visit.headers.get(SESSION)
        if session is None:
            raise BadRequest("expected the header Mcp-Session-Id, which names the session to end")
        visit.client()  # of a session that is not the caller's there is none to end
        visit.tools.ended.end(session.decode("latin-1"))
        visit.connection.response.whole(204, b"", b"")

    def _listen(self, visit: _Visit, asked: Asked, access: Access) -> None:
        wanted = listening(asked, visit.tools, visit.caller, access)
        self.streams.open(visit.connection, visit.rooms, asked, access, wanted=wanted, caller=visit.caller)


class _SessionError(RpcError):
    """A session that is none, or not this caller's: clients begin another one."""


class _Visit:
    """One request at this door: who came, where, and with which headers."""

    def __init__(  # noqa: PLR0917 -- one caller, just above
        self,
        connection: ServerConnection,
        rooms: Rooms,
        tools: Toolbox,
        caller: Caller,
        address: Address,
        headers: Mapping[bytes, bytes],
    ) -> None:
        self.connection = connection
        self.rooms = rooms
        self.tools = tools
        self.caller = caller
        self.address = address
        self.headers = headers
        self.version = headers.get(VERSION, b"").decode("latin-1")
        self.is_stateless = bool(self.version) and is_stateless(self.version)

    @property
    def narrowed(self) -> str | None:
        """What the caller itself narrows its access to."""
        value = self.headers.get(_NARROWED)
        return None if value is None else value.decode("latin-1")

    def read(self, message: Message) -> Asked:
        """The message as something asked; raises `RpcError`."""
        params: Params = message.read_params()
        streams = self.headers.get(b"accept", b"").find(_EVENTS) >= 0
        client: Client | None = None
        if message.method == "initialize" and not self.is_stateless:
            client = Client(ASSUMED)
        elif not self.is_stateless:
            client = self.client()
        elif self.version not in VERSIONS:
            raise unsupported_version(self.version)
        elif message.is_request:
            check_stateless(message, params, self.headers)
        session = self.headers.get(SESSION, b"").decode("latin-1")
        return Asked(message, params, self.address, self.narrowed, streams, client, session)

    def client(self) -> Client:
        """The client of the session that the request names; one without a session has told nothing of itself."""
        session = self.headers.get(SESSION)
        if session is None:
            return Client(self.version or ASSUMED)
        client = self.tools.open_client(self.caller.identity, session.decode("latin-1"))
        if client is None:
            raise _SessionError(Code.INVALID_REQUEST, "the session is unknown; start a new one", status=404)
        return client

    def reply(self, body: bytes, *, status: int = 200, lines: bytes = b"") -> None:
        """A message as the whole response."""
        self.connection.response.whole(status, JSON_LINE + lines, body)


def lines_of(error: AsbruError) -> bytes:
    """Header lines of a refusal: clients are told how to authenticate."""
    return b"www-authenticate: Bearer\r\n" if error.status == 401 else b""
