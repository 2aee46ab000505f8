"""The tool servers on one port of loopback, each at `/NAME/mcp`: streamable HTTP without sessions, replies as JSON.

They run on a thread of the benchmark, which therefore reads what is true of them without asking them.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn

from bench.code_mode.store import Refused, Store
from bench.code_mode.tables import Table, World, begin
from bench.code_mode.tools import Tool, tools_of

VERSION = "2025-11-25"
_START_DEADLINE_S = 20.0


def shares(servers: int, tools: int) -> list[int]:
    """How many tools each server has, of so many together."""
    each, more = divmod(tools, servers)
    return [each + (number < more) for number in range(servers)]


class ToolServers:
    """Servers with their tools and records."""

    def __init__(self, tables: Sequence[Table], tools: int) -> None:
        self.tables = tuple(tables)
        self.begun: World = begin(self.tables)
        counts = zip(self.tables, shares(len(self.tables), tools), strict=True)
        self.tools: dict[str, dict[str, Tool]] = {
            table.name: {tool.name: tool for tool in tools_of(table, count)} for table, count in counts
        }
        self.stores: dict[str, Store] = {}
        self.reset()

    def reset(self) -> None:
        """Begin again with the first records."""
        self.stores = {name: Store(records) for name, records in self.begun.items()}

    @property
    def world(self) -> World:
        """All records as they are now."""
        return {name: store.records for name, store in self.stores.items()}

    def call(self, server: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a call, as MCP has it."""
        found = self.tools[server].get(tool)
        try:
            if found is None:
                raise Refused(f"there is no tool {tool!r}")
            value = found.call(self.stores[server], arguments)
        except Refused as error:
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        text = json.dumps(value, separators=(",", ":"))
        return {"content": [{"type": "text", "text": text}], "structuredContent": value, "isError": False}

    def respond(self, server: str, message: dict[str, Any]) -> dict[str, Any] | None:
        """The response to a message; None to a notification."""
        if "id" not in message:
            return None
        method = message["method"]
        params: dict[str, Any] = message.get("params") or {}
        result: dict[str, Any] = {}
        if method == "initialize":
            info = {"name": server, "version": "1"}
            result = {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            result = {"tools": [tool.definition() for tool in self.tools[server].values()]}
        elif method == "tools/call":
            result = self.call(server, params["name"], params.get("arguments") or {})
        elif method != "ping":
            error = {"code": -32601, "message": f"there is no method {method}"}
            return {"jsonrpc": "2.0", "id": message["id"], "error": error}
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}


class Served:
    """Servers on a port, until the end of the block."""

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers
        self._listener = socket.create_server(("127.0.0.1", 0))
        # What is accepted inherits it. asyncio does not set it here, and each response would wait for 40 ms.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = int(self._listener.getsockname()[1])
        config = uvicorn.Config(
            self._application, log_config=None, lifespan="off", interface="asgi3", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve([self._listener]))

    def __enter__(self) -> Served:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_DEADLINE_S)
        self._listener.close()

    def url(self, server: str) -> str:
        """Where a server is."""
        return f"http://127.0.0.1:{self.port}/{server}/mcp"

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        server = scope["path"].strip("/").partition("/")[0]
        status, body = 404, b""
        if scope["method"] != "POST":
            status = 405
        elif server in self._servers.tools:
            data = bytearray()
            more = True
            while more:
                part = await receive()
                data += part.get("body", b"")
                more = part.get("more_body", False)
            response = self._servers.respond(server, json.loads(data))
            status, body = (202, b"") if response is None else (200, json.dumps(response).encode())
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
