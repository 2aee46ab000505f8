"""A call to a tool for `bench.micro`: the caller's POST to /mcp in, the server's JSON in; transports are fakes.

The caller's id goes back to it, and the request to the server has one of Asbru's own: the reply is written with what
was sent last, as a server does.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import uvloop

from asbru.app.build import build_rooms, declare
from asbru.app.lasting import Lasting
from asbru.app.snapshot import Snapshot
from asbru.core.secret_text import SecretText
from asbru.edge.door import Door
from asbru.edge.mcp import PREFIXES as MCP_PREFIXES
from asbru.edge.server import Server, ServerConnection, ServerLimits
from asbru.governance import VIRTUAL_KEY, digest_of, write_virtual_key
from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry, write_server
from asbru.mcp.catalogue import digest_of as digest_of_definition
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.pipeline.tools import Toolbox
from asbru.telemetry import Meter
from asbru.upstream.connection import UpstreamConnection
from bench.asbru_rig import FakeTransport, RowCount

_PEPPER = b"micro"
_KEY = b"sk-asb-bench"
_TOOL = b'{"name":"search","description":"Search.","inputSchema":{"type":"object"}}'
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}


class ToolRig:
    """A door with one caller's connection and one of a server of the stateless era."""

    def __init__(self) -> None:
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        self.rows = RowCount()
        rows: Any = self.rows
        no_ports: Any = None  # of the stateless era nothing is asked
        tools = Toolbox(no_ports)
        lasting = Lasting(loop, rows, Meter(), tools=tools)
        servers = {"bench": ServerSettings(url="http://127.0.0.1:1/mcp", allow_loopback=True)}
        snapshot = Snapshot(pepper=SecretText(_PEPPER.hex()), mcp=McpSettings(servers=servers))
        entry = ServerEntry(
            "bench",
            era="stateless",
            version="2026-07-28",
            state="ready",
            tools=(Definition("search", _TOOL, digest_of_definition(_TOOL)),),
        )
        entries = {
            VIRTUAL_KEY: {digest_of(_KEY, _PEPPER): write_virtual_key("bench", ("*",))},
            MCP_SERVER: {"bench": write_server(entry)},
        }
        door = Door(lasting.dialects.values(), lambda: False, lambda reply: reply(b""), "micro")
        door.rooms = build_rooms(snapshot, lasting)
        for _ in declare(snapshot, entries, lasting):
            pass
        ready = tools.find("bench")
        assert ready is not None
        transport: Any = FakeTransport()
        self.server = UpstreamConnection(ready.endpoint.pool)
        self.server.connection_made(transport)
        ready.endpoint.pool.release(self.server)
        server = Server(loop, ServerLimits(), door.handle, header_prefixes=lasting.header_prefixes)
        server.forward(MCP_PREFIXES)
        self.caller = ServerConnection(server)
        self.caller.connection_made(transport)


def request() -> bytes:
    """A call of the stateless era, as a client sends it."""
    params = {"name": "bench__search", "arguments": {"query": "how far is the moon", "limit": 10}, "_meta": _META}
    body = json.dumps({"jsonrpc": "2.0", "id": 17, "method": "tools/call", "params": params}).encode()
    lines = (
        b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nauthorization: Bearer %b\r\ncontent-type: application/json\r\n"
        b"accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n"
        b"mcp-name: bench__search\r\nuser-agent: bench\r\ncontent-length: %d\r\n\r\n" % (_KEY, len(body))
    )
    return lines + body


def response() -> bytes:
    """A result of about 2 KB, as JSON."""
    text = "The moon is 384,400 km away on average. " * 50
    result = {"resultType": "complete", "content": [{"type": "text", "text": text}], "isError": False}
    body = json.dumps({"jsonrpc": "2.0", "id": "x", "result": result}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
