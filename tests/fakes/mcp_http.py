"""Streamable HTTP servers: one of the older era, strict about its sessions, on the fake upstream; and, on the official
SDK, servers of streamable HTTP and of HTTP+SSE that run in the test's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from mcp.server import MCPServer
from starlette.types import ASGIApp
from tests.fakes.happening import Gate
from tests.fakes.upstream import FakeUpstream, Reply, Seen

VERSION = "2025-11-25"


class SessionServer:
    """A server with sessions. `known`: the sessions that it knows; `refusal`: what it answers instead of anything;
    `greeted`: the headers of each `initialize`; `changed`: a gate before the list_changed of its GET stream."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.tools: list[dict[str, Any]] = [{"name": "add", "inputSchema": {"type": "object"}}]
        self.introduced: list[dict[str, Any]] = []
        """The capabilities of the client, of each `initialize`."""
        self.listening: list[str] = []
        """The sessions whose GET stream was opened."""
        self.refusal: Reply | None = None
        self.greeted: list[dict[str, str]] = []
        self.ended: list[str] = []
        self.changed = Gate("the list has changed")
        self.page_size = 100
        self.stray: list[dict[str, Any]] = []
        """Requests of the server on its GET stream, which belong to no call."""
        self.told: list[dict[str, Any]] = []
        """Responses to those."""
        self.capabilities: dict[str, Any] = {"tools": {}}
        self.subscribed: list[tuple[str, str, str]] = []
        """Session, method and resource of each subscription and its end."""
        self.updated = b""
        """The event that the GET stream has after the list has changed."""

    def reply(self, seen: Seen) -> Reply:
        """To be put into `FakeUpstream.otherwise`."""
        if self.refusal is not None:
            return self.refusal
        session = seen.headers.get("mcp-session-id", "")
        if seen.method == "DELETE":
            self.ended.append(session)
            self.known.discard(session)
            return Reply(200)
        if seen.method == "GET":
            if session not in self.known:
                return Reply(404 if session else 400)
            self.listening.append(session)
            event = b'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'
            stray = [Reply.json(one).steps[0] for one in self.stray]
            asked = [b"data: " + one + b"\n\n" for one in stray if isinstance(one, bytes)]
            return Reply.events(b": hello\n\n", *asked, self.changed, event, self.updated, Gate("never"))
        return self._post(seen, session)

    def _post(self, seen: Seen, session: str) -> Reply:
        message = seen.json()
        if "method" not in message:
            self.told.append(message)
            return Reply(202)
        if message["method"] == "initialize":
            self.greeted.append(seen.headers)
            self.introduced.append(message["params"]["capabilities"])
            made = f"session-{len(self.greeted)}"
            self.known.add(made)
            result = {"protocolVersion": VERSION, "capabilities": self.capabilities, "serverInfo": {"name": "old"}}
            return Reply.json(_response(message, result), mcp_session_id=made)
        if not session:
            return Reply.json(_error(message, -32600, "Bad Request: Missing session ID"), 400)
        if session not in self.known:
            return Reply.json(_error(message, -32001, "Session not found"), 404)
        if seen.headers.get("mcp-protocol-version") != VERSION:
            return Reply.json(_error(message, -32600, "Bad Request: version"), 400)
        if "id" not in message:
            return Reply(202)
        if message["method"] in ("resources/subscribe", "resources/unsubscribe"):
            self.subscribed.append((session, message["method"], message["params"]["uri"]))
            return Reply.json(_response(message, {}))
        return Reply.events(b"data: " + self._listed(message) + b"\n\n")

    def _listed(self, message: dict[str, Any]) -> bytes:
        begin = int(message.get("params", {}).get("cursor", "0"))
        page: dict[str, Any] = {
            "resources": [],
            "resourceTemplates": [],
            "tools": self.tools[begin : begin + self.page_size],
        }
        if begin + self.page_size < len(self.tools):
            page["nextCursor"] = str(begin + self.page_size)
        body = Reply.json(_response(message, page)).steps[0]
        assert isinstance(body, bytes)
        return body


def _response(message: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def _error(message: dict[str, Any], code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": code, "message": text}}


@contextlib.asynccontextmanager
async def session_server() -> AsyncIterator[tuple[SessionServer, FakeUpstream]]:
    """A server with sessions, and where it is: at `/mcp` of the upstream."""
    server = SessionServer()
    async with FakeUpstream() as upstream:
        upstream.otherwise = server.reply
        yield server, upstream
        server.changed.open()


def counter() -> MCPServer:
    """A server on the official SDK that counts."""
    server = MCPServer("counter", instructions="Count.")
    count = 0

    @server.tool()
    def add() -> int:
        """Counts."""
        nonlocal count
        count += 1
        return count

    assert add
    return server


@contextlib.asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[str]:
    """An ASGI application on a port of loopback; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()
