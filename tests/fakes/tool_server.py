"""A real MCP server, on the official SDK, on a port of this machine; and what the tools process would tell of it.

    async with ToolServer() as server:
        entry = await server.entry("files", stateless=True)      the catalogue's entry
        ports = DirectPorts({"files": server.url})               sessions, made by asking the server

It counts what it is asked, so that a test sees how often, by whom and in which session.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, cast

import httpx2
import msgspec
import uvicorn
from mcp.client import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    BlobResourceContents,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    EmbeddedResource,
    InputRequiredResult,
    TextContent,
    TextResourceContents,
)

from asbru.core.errors import GatewayError
from asbru.mcp.catalogue import Definition, ServerEntry, digest_of
from asbru.mcp.servers import SessionGiven
from asbru.pipeline.stepper import in_task

SESSIONS = "2025-11-25"
STATELESS = "2026-07-28"
_HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


class ToolServer:
    """See the module. `json`: replies are JSON instead of event streams; `echo`: it has that tool."""

    def __init__(self, *, json: bool = False, echo: bool = False) -> None:
        self.calls: list[str] = []
        self.echoed: list[Any] = []
        self.cancelled = 0
        self.headers: list[dict[str, str]] = []
        self._json = json
        self.server = MCPServer("fake", version="7", instructions="Count before you add.")
        self.server.add_tool(self.add)
        self.server.add_tool(self.slow)
        self.server.add_tool(self.told)
        self.server.add_tool(self.ask)
        self.server.add_tool(self.fails)
        self.server.add_tool(self.named)
        if echo:
            self.server.add_tool(self.echo)
        self.server.add_tool(self.needs)
        self.server.add_tool(self.quotes)
        self.server.resource("note://one")(self.note)
        self.server.prompt()(self.greet)

    def add(self, a: int, b: int) -> int:
        """Add two numbers."""
        self.calls.append("add")
        return a + b

    async def slow(self) -> str:
        """Takes until it is cancelled."""
        self.calls.append("slow")
        try:
            await asyncio.Event().wait()
        except BaseException:
            self.cancelled += 1
            raise
        return "never"

    async def told(self, ctx: Context[Any, Any]) -> CallToolResult:
        """Tells how far it is, then replies with members that no library knows."""
        self.calls.append("told")
        await ctx.report_progress(1, 2, "half")
        return CallToolResult(
            content=[TextContent(type="text", text="done")],
            structured_content={"deep": [1, {"x": None}]},
            _meta={"example.com/own": {"kept": True}},
        )

    async def ask(self, ctx: Context[Any, Any]) -> str:
        """Asks its caller for a name."""
        self.calls.append("ask")
        from pydantic import BaseModel

        class Name(BaseModel):
            name: str

        found = await ctx.elicit("Your name?", Name)
        return f"hello {cast('Any', found).data.name}" if found.action == "accept" else found.action

    async def named(self, ctx: Context[Any, Any]) -> str | InputRequiredResult:
        """Wants a name, in the way of the stateless era."""
        self.calls.append("named")
        given: Any = (ctx.input_responses or {}).get("name")
        if given is None:
            form = ElicitRequestFormParams(
                message="Your name?",
                requested_schema={"type": "object", "properties": {"name": {"type": "string"}}},
            )
            return InputRequiredResult(input_requests={"name": ElicitRequest(params=form)}, request_state="s-1")
        return f"hello {given.content['name']}, {ctx.request_state}"

    def needs(self) -> str:
        """Refuses in words of its own what its caller cannot do."""
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "this needs sampling", data=data)

    async def echo(self, text: Any, ctx: Context[Any, Any]) -> CallToolResult:
        """Says something about zebras, on the way and at the end; a file if that is wanted."""
        self.echoed.append(text)
        await ctx.report_progress(1, 2, "now zebra")
        if text == "blob":
            file = BlobResourceContents(uri="file:///z", blob="emVicmE=", mime_type="application/pdf")
            return CallToolResult(content=[EmbeddedResource(type="resource", resource=file)])
        note = TextResourceContents(uri="file:///z", text="zebra")
        return CallToolResult(
            content=[TextContent(type="text", text="the zebra"), EmbeddedResource(type="resource", resource=note)],
            structured_content={"deep": ["z: zebra"]},
        )

    def quotes(self, how: str) -> CallToolResult:
        """Quotes the credential that it was shown, as an error of the protocol, a failure, or a result."""
        quoted = f"bad credential {self.headers[-1].get('authorization')}"
        if how == "error":
            raise MCPError(-32050, quoted)
        return CallToolResult(content=[TextContent(type="text", text=quoted)], is_error=how == "failure")

    def fails(self) -> str:
        """Fails."""
        raise ValueError("as told")

    def note(self) -> str:
        """A note."""
        return "noted"

    def greet(self, name: str) -> str:
        """A greeting."""
        return f"Greet {name}."

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/mcp"

    async def __aenter__(self) -> ToolServer:
        app = self.server.streamable_http_app(
            json_response=self._json,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                self.headers.append({key.decode(): value.decode() for key, value in scope["headers"]})
            await app(scope, receive, send)

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(watched, log_level="error", timeout_graceful_shutdown=1)
        self._uvicorn = uvicorn.Server(config)
        self._task = asyncio.create_task(self._uvicorn.serve([self._socket]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        await self._task
        self._socket.close()

    async def entry(self, name: str, *, stateless: bool) -> ServerEntry:
        """What the tools process would tell of it."""
        version = STATELESS if stateless else "legacy"
        async with Client(self.url, mode=version) as client:
            tools = _definitions((await client.list_tools()).tools, "name")
            resources = _definitions((await client.list_resources()).resources, "uri")
            prompts = _definitions((await client.list_prompts()).prompts, "name")
        self.headers.clear()
        return ServerEntry(
            name,
            era="stateless" if stateless else "sessions",
            version=STATELESS if stateless else SESSIONS,
            state="ready",
            capabilities=b'{"tools":{},"resources":{"subscribe":true},"prompts":{}}',
            info=b'{"name":"fake","version":"7"}',
            instructions="Count before you add.",
            tools=tools,
            resources=resources,
            prompts=prompts,
            endpoint=self.url,
        )


def _definitions(found: Any, name: str) -> tuple[Definition, ...]:
    listed: list[Definition] = []
    for one in found:
        data = one.model_dump_json(by_alias=True, exclude_none=True).encode()
        listed.append(Definition(str(getattr(one, name)), data, digest_of(data)))
    return tuple(listed)


class DirectPorts:
    """Sessions made by asking the server itself. `urls`: by the names of servers. `none`: they have none."""

    def __init__(self, urls: Mapping[str, str], *, none: bool = False) -> None:
        self.none = none
        self.urls = urls
        self.made = 0
        self.sessions: dict[tuple[str, str], SessionGiven] = {}

    async def session_of(self, server: str, user: str) -> SessionGiven:
        """See `ServerPorts`."""
        known = SessionGiven() if self.none else self.sessions.get((server, user))
        if known is None:
            known = self.sessions[server, user] = await in_task(asyncio.get_running_loop(), self._make(server))
        return known

    async def _make(self, server: str) -> SessionGiven:
        self.made += 1
        params = {
            "protocolVersion": SESSIONS,
            "capabilities": {"elicitation": {}, "sampling": {}},
            "clientInfo": {"name": "test", "version": "1"},
        }
        async with httpx2.AsyncClient(headers=_HEADERS) as client:
            body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
            made = await client.post(self.urls[server], json=body)
            session = made.headers["mcp-session-id"]
            told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await client.post(self.urls[server], json=told, headers={"mcp-session-id": session})
        return SessionGiven(session, SESSIONS)

    async def credential_of(self, server: str, user: str) -> bytes:
        """See `ServerPorts`."""
        raise GatewayError(f"no credentials here for {server} {user}")

    def forget_session(self, server: str, user: str, session_id: str) -> None:
        """See `ServerPorts`."""
        if self.sessions.get((server, user)) == SessionGiven(session_id, SESSIONS):
            del self.sessions[server, user]

    def forget_credential(self, server: str, user: str, lines: bytes, scope: str = "") -> None:
        """See `ServerPorts`."""


def feed(*entries: ServerEntry) -> dict[str, bytes]:
    """The feed's entries, by id."""
    return {entry.name: msgspec.msgpack.encode(entry) for entry in entries}
