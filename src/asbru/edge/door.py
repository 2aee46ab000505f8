"""The door: requests become calls, pages or forwards; what goes wrong outside the path is said here.

It refuses to know what a call is worth or where it goes: that is the path's business.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from asbru.core.errors import AsbruError, GatewayError, MethodNotAllowed, NotFound, Unauthenticated, UpgradeRequired
from asbru.edge.aliases import API_VERSION
from asbru.edge.array_response import as_asked
from asbru.edge.forward import Forwarder
from asbru.edge.mcp import McpPages, lines_of
from asbru.edge.model_facts import asks_for, catalogue_of, with_facts
from asbru.edge.models_list import fetch_models, model_names
from asbru.edge.own_key import refresh_standings, write_own_key
from asbru.edge.router import Found, Route, Router, credential_in, forwarded_query
from asbru.edge.server import Head, Request, ServerConnection
from asbru.edge.surfaces import routes_of
from asbru.edge.web_pages import check_no_page, check_origin
from asbru.pipeline import Call, Rooms, serve
from asbru.pipeline.conversations import conversation_call
from asbru.pipeline.objects import object_call
from asbru.pipeline.passthrough import passthrough_call
from asbru.pipeline.tools import bare_tool_call
from asbru.wire.http_heads import JSON_LINE

if TYPE_CHECKING:
    from asbru.dialects import Dialect
    from asbru.governance import Keys

TEXT_LINE = b"content-type: text/plain; charset=utf-8\r\n"
METRICS_LINE = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"

RUN_BYTES_MAX = 128
"""How much is kept of the name of a run; limits go by it."""

UI = b"/ui"
"""Where the web UI is, if the control process serves it."""

Scrape = Callable[[Callable[[bytes | None], None]], None]
"""Asks for the metrics of all workers; the answer, or None when there is none in time, comes by callback."""


class Door:
    """What the server hands requests to. `rooms` and `forwarder` are swapped whole on a reload."""

    def __init__(
        self, dialects: Iterable[Dialect], server_is_draining: Callable[[], bool], scrape: Scrape, version: str
    ) -> None:
        self.rooms: Rooms | None = None
        self.forwarder = Forwarder({})
        self.cors_origins: frozenset[bytes] = frozenset()
        self._is_draining = server_is_draining
        self._scrape = scrape
        self._version = version
        self._router = Router(routes_of(dialects))
        self._find = self._router.find
        self._mcp_pages = McpPages(version, self.handle, server_is_draining)

    def handle(self, request: Request, connection: ServerConnection) -> None:
        """Serve one request; never raises."""
        head = request.head
        connection.response.prepare(head, self._cors(head.origin) if head.origin else b"")
        route = self._find(head.path)
        if (
            route is not None
            and head.method == b"POST"
            and request.error is None
            and not head.upgrade
            and not (self.rooms is not None and self.rooms.keys.is_open)
        ):
            self._call(route, request, connection)
            return
        try:
            if request.error is None:
                self._handle_rest(route, request, connection)
            else:
                self._handle_wrong(request.error, route, request, connection)
        except AsbruError as error:
            self._refuse(error, route, request, connection)
        except Exception:  # noqa: BLE001 -- the caller is told 500, the log the traceback
            self._log_bug()
            self._refuse(GatewayError("an internal error occurred in the gateway"), route, request, connection)

    def knows(self, head: Head) -> bool:
        """Whether whoever sends this head is known; only calls need a key. Raises what refuses its call."""
        route = self._find(head.path)
        if route is None and not self.forwarder.takes(head.path):
            found = self._router.find_loosely(head.path, head.method)
            route = found.route if found is not None else None
        if route is None or route.operation is None or self.rooms is None:
            return False
        self.rooms.keys.identify(_credentials(head, route))
        return True

    # Calls

    def _call(
        self,
        route: Route,
        request: Request,
        connection: ServerConnection,
        found: Found | None = None,
        *,
        middle: Callable[[Call, Rooms], Awaitable[None]] | None = None,
    ) -> None:
        rooms = self.rooms
        operation = route.operation
        assert rooms is not None and operation is not None
        head = request.head
        call = Call(route.surface, operation, route.dialect, request.body, connection.response)
        if found is not None:
            call.parameters = found.parameters
            call.method = head.method
            call.every_header = head.every_header or ()
            call.content_type = head.content_type
            call.response = as_asked(operation, head.query, call.response)
        elif head.every_header is not None:
            call.every_header = head.every_header  # tools that are called within the call are handed some
        call.started_s = request.received_s
        call.started_ms = now_ms = int(rooms.unix_time() * 1000)
        call.id = rooms.ids.next(now_ms)
        call.forwarded = head.forwarded
        call.credentials = head.credentials
        if head.query:
            call.query = forwarded_query(head.query, API_VERSION if found is not None and found.aliased else b"")
            call.credentials = _credentials(head, route)
        if head.watched:
            call.watched = head.watched
        call.accept_coding = head.accept_coding
        if head.run:
            call.run = head.run[:RUN_BYTES_MAX].decode("latin-1")
        if head.content_coding:
            call.content_coding = head.content_coding
        if operation.read_form is not None:
            call.content_type = head.content_type
        if rooms.tracer is not None:
            call.trace, call.unsampled = rooms.tracer.begin(head.forwarded)
        if operation.converses is not None:
            middle = conversation_call
        path = serve(call, rooms) if middle is None else serve(call, rooms, middle)
        connection.stepper.run(path, self._ended, (call, connection))

    def _ended(self, served: tuple[Call, ServerConnection], error: BaseException | None) -> None:
        """The path is over. An error here is a bug: the caller must not be left waiting for it."""
        call, connection = served
        response = connection.response
        if error is None and response.finished:
            return
        if error is not None:
            self._log_bug(error)
        if response.finished:
            return
        if response.started:
            connection.abort()
            return
        wrong = GatewayError("an internal error occurred in the gateway")
        response.whole(wrong.status, JSON_LINE, call.dialect.errors.write(wrong, call.id.decode()))

    # Everything else

    def _open_socket(self, route: Route | None, head: Head, connection: ServerConnection) -> None:
        """Make the connection a WebSocket, if the path is of an operation that can be asked for over one, and whoever
        asks has a key. Each message is a call of its own, as if it had been posted to the path."""
        connection.response.closing = True  # whatever refuses it: what follows may be frames
        found = self._find_any(route, head) if route is None else Found(route, {}, route.methods)
        rooms = self.rooms
        if found is None or rooms is None or not _has_sockets(found.route):
            raise UpgradeRequired("this path does not support WebSocket upgrades; use a plain HTTP request")
        if rooms.keys.is_open:
            self._keep_pages_out(found.route, head, rooms.keys)
        rooms.keys.identify(head.credentials)
        from asbru.edge.lanes import Lanes  # for those who use it

        socket = connection.upgrade(head)
        socket.receiver = Lanes(socket, head, self.handle, connection.later)

    def _handle_rest(self, route: Route | None, request: Request, connection: ServerConnection) -> None:
        if request.head.upgrade.strip().lower() == b"websocket":
            self._open_socket(route, request.head, connection)
            return
        if self.forwarder.forward(request, connection):
            return
        found = self._find_any(route, request.head)
        if request.head.method == b"OPTIONS":
            self._options(found, connection)
            return
        if found is None:
            raise NotFound(self._what_is_not_there(request.head.path))
        route = found.route
        if route.kind != "page" and self.rooms is not None and self.rooms.keys.is_open:
            self._keep_pages_out(route, request.head, self.rooms.keys)
        if request.head.method not in route.methods:
            allowed = b", ".join(found.methods).decode()
            raise MethodNotAllowed(f"{_text(request.head.path)} supports {allowed}, not {_text(request.head.method)}")
        self._serve_found(found, request, connection)

    def _what_is_not_there(self, path: bytes) -> str:
        if (path == b"/" or (path + b"/").startswith((b"/ui/", b"/api/"))) and not self.forwarder.forwards(UI):
            return f"there is nothing at {_text(path)}; to serve the web UI and its API, set `control.enabled: true`"
        return (
            f"the path {_text(path)} does not exist; the base URL of an SDK ends with /v1 (OpenAI) or /anthropic"
            " (Anthropic), and /passthrough/PROVIDER/PATH reaches any path of a provider"
        )

    def _serve_found(self, found: Found, request: Request, connection: ServerConnection) -> None:
        match found.route.kind:
            case "call":
                self._call(found.route, request, connection, found)
            case "object":
                self._call(found.route, request, connection, found, middle=object_call)
            case "passthrough":
                self._pass_through(found, request, connection)
            case "mcp":
                self._mcp(found, request, connection)
            case "tool":
                self._call(found.route, request, connection, found, middle=bare_tool_call)
            case "models":
                self._models(found, request, connection)
            case "key":
                self._own_key(request, connection)
            case _:
                self._page(found.route, connection)

    def _find_any(self, route: Route | None, head: Head) -> Found | None:
        """The route for a path and a method; `route` is what a call that is posted there would have."""
        if route is not None and head.method == b"POST":
            return Found(route, {}, route.methods)
        return self._router.find_loosely(head.path, head.method)

    def _keep_pages_out(self, route: Route, head: Head, keys: Keys) -> None:
        """No key is needed. Where keys may be given all the same, a page that has one may use it."""
        if not keys.optional or not any(head.credentials):
            taken = "" if route.operation is None else route.operation.takes
            forms = taken in ("form", "json_or_form") or route.kind == "passthrough"
            check_no_page(head, self.cors_origins, local=not keys.optional, forms=forms)

    def _handle_wrong(
        self, error: Exception, route: Route | None, request: Request, connection: ServerConnection
    ) -> None:
        """A request that the server has refused. Where that was for its key, before its body came, the path says so
        once more, and accounts for it."""
        found = self._find_any(route, request.head)
        if not isinstance(error, Unauthenticated) or found is None or found.route.operation is None:
            raise error
        self._call(found.route, request, connection, found)

    def _options(self, found: Found | None, connection: ServerConnection) -> None:
        methods = b", ".join((*found.methods, b"OPTIONS")) if found is not None else b"GET, POST, OPTIONS"
        connection.response.whole(204, b"allow: %b\r\n" % methods, b"")

    def _pass_through(self, found: Found, request: Request, connection: ServerConnection) -> None:
        """A call in the dialect of its provider, which its caller speaks, where callers speak it at all."""
        assert self.rooms is not None
        endpoint = self.rooms.endpoints.get(found.parameters["provider"])
        route = found.route
        if endpoint is not None and endpoint.dialect.surface.bases:
            route = msgspec.structs.replace(route, dialect=endpoint.dialect)
        self._call(route, request, connection, found, middle=passthrough_call)

    def _mcp(self, found: Found, request: Request, connection: ServerConnection) -> None:
        assert self.rooms is not None
        check_origin(request.head, self.cors_origins)

        def run(middle: Callable[[Call, Rooms], Awaitable[None]]) -> None:
            self._call(found.route, request, connection, found, middle=middle)

        def refuse(error: AsbruError) -> None:
            self._refuse(error, found.route, request, connection)

        self._mcp_pages.serve(found, request, connection, self.rooms, run=run, refuse=refuse)

    def _models(self, found: Found, request: Request, connection: ServerConnection) -> None:
        rooms = self.rooms
        assert rooms is not None
        caller = rooms.keys.identify(_credentials(request.head, found.route))
        caller.check_surface(found.route.dialect.surface.name)

        def listed(_: None, error: BaseException | None) -> None:
            if error is not None:
                self._log_bug(error)
            rooms.meter.forget_labels()  # a provider may have named more models
            try:
                self._list(found, request.head.query, connection, rooms, names=model_names(rooms, caller))
            except AsbruError as refused:
                self._refuse(refused, found.route, request, connection)

        connection.stepper.run(fetch_models(rooms, caller), listed, None)

    @staticmethod
    def _list(found: Found, query: bytes, connection: ServerConnection, rooms: Rooms, *, names: list[str]) -> None:
        form = found.route.dialect.models
        one = found.parameters.get("model")
        if one is None and form.catalogue is not None and asks_for(query, form.catalogue[0]):
            body = form.catalogue[1](catalogue_of(names, rooms.model_facts))
            connection.response.whole(200, JSON_LINE, body)
            return
        if one is not None and one not in names:
            raise NotFound(f"the model '{one[:200]}' is unknown", code="model_not_found", param="model")
        body = form.write_all(names) if one is None else form.write_one(one)
        if rooms.model_facts is not None:
            body = with_facts(body, rooms.model_facts.of)
        connection.response.whole(200, JSON_LINE, body)

    def _own_key(self, request: Request, connection: ServerConnection) -> None:
        rooms = self.rooms
        assert rooms is not None
        caller = rooms.keys.identify(request.head.credentials)

        def shown(_: None, error: BaseException | None) -> None:
            if error is not None:
                self._log_bug(error)
            standings = () if rooms.standings is None else rooms.standings.standing(caller.name)
            connection.response.whole(200, JSON_LINE, write_own_key(caller, standings))

        connection.stepper.run(refresh_standings(rooms.standings, caller), shown, None)

    def _page(self, route: Route, connection: ServerConnection) -> None:
        response = connection.response
        draining = self._is_draining()
        match route.surface:
            case "livez":
                response.whole(200, TEXT_LINE, b"ok\n")
            case "readyz":
                response.whole(503 if draining else 200, TEXT_LINE, b"draining\n" if draining else b"ok\n")
            case "health":
                state = "draining" if draining else "ok"
                body = msgspec.json.encode({"status": state, "version": self._version})
                response.whole(503 if draining else 200, JSON_LINE, body)
            case "metrics":
                self._metrics(connection)
            case _ if route.path == "/":
                if not self.forwarder.forwards(UI):
                    raise NotFound(self._what_is_not_there(b"/"))
                response.whole(302, b"location: %b/\r\n" % UI, b"")
            case _:
                body = msgspec.json.encode({"name": "asbru", "version": self._version, "health": "/health"})
                response.whole(200, JSON_LINE, body)

    def _metrics(self, connection: ServerConnection) -> None:
        here = True

        def gone() -> None:
            nonlocal here
            here = False

        def scraped(text: bytes | None) -> None:
            if not here:
                return
            if text is None:
                connection.response.whole(503, TEXT_LINE, b"the bookkeeper did not respond in time\n")
            else:
                connection.response.whole(200, METRICS_LINE, text)

        connection.on_gone = gone
        self._scrape(scraped)

    def _refuse(self, error: AsbruError, route: Route | None, request: Request, connection: ServerConnection) -> None:
        rooms = self.rooms
        assert rooms is not None
        error.let_go()
        found = self._find_any(route, request.head)
        dialect = found.route.dialect if found is not None else self._router.dialect_of(request.head.path)
        lines = JSON_LINE
        if isinstance(error, MethodNotAllowed) and found is not None:
            lines += b"allow: %b\r\n" % b", ".join(found.methods)
        if isinstance(error, UpgradeRequired):
            lines += b"upgrade: HTTP/1.1\r\n"
        if error.retry_after_s is not None:
            lines += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s))
        if found is not None and found.route.kind == "mcp":
            lines += lines_of(error)
        identity = rooms.ids.next(int(rooms.unix_time() * 1000))
        lines += b"x-asbru-id: %b\r\nx-request-id: %b\r\n" % (identity, identity)
        connection.response.whole(error.status, lines, dialect.errors.write(error, identity.decode()))

    def _cors(self, origin: bytes) -> bytes:
        if b"*" not in self.cors_origins and origin not in self.cors_origins:
            return b""
        return (
            b"access-control-allow-origin: %b\r\nvary: origin\r\n"
            b"access-control-allow-methods: GET, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
            b"access-control-allow-headers: *, authorization\r\n"
            b"access-control-max-age: 600\r\n" % origin
        )

    @staticmethod
    def _log_bug(error: BaseException | None = None) -> None:
        text = "".join(traceback.format_exception(error)) if error is not None else traceback.format_exc()
        sys.stderr.write(f"asbru: a bug, please report it\n{text}")


def _has_sockets(route: Route) -> bool:
    operation = route.operation
    return operation is not None and operation.converses is not None and operation.streams


def _text(data: bytes) -> str:
    return data[:200].decode("utf-8", "replace") or "(empty)"


def _credentials(head: Head, route: Route) -> tuple[bytes, bytes, bytes]:
    """What a caller shows to be known by: its headers, or else the parameter in which its dialect's clients show it."""
    name = route.dialect.surface.key_parameter
    if not name or not head.query or any(head.credentials):
        return head.credentials
    return b"", b"", credential_in(head.query, name)
