"""The call that is measured: its parameters, and the request as a caller of a proxy sends it."""

from __future__ import annotations

import json

from msgspec import Raw

SERVER = "tickets"
TOOL = "get_ticket"
PATH = f"/{SERVER}/mcp"
ARGUMENTS = {"id": "TITIC-0007"}
VERSION = "2025-11-25"
PARAMS = {"name": Raw(json.dumps(TOOL).encode()), "arguments": Raw(json.dumps(ARGUMENTS).encode())}
RESULT_BYTES_MIN = 700


def body(name: str) -> bytes:
    """A call of a tool under the proxy's name for it."""
    params = {"name": name, "arguments": ARGUMENTS}
    return json.dumps({"jsonrpc": "2.0", "id": 17, "method": "tools/call", "params": params}).encode()


def head(port: int) -> bytes:
    """A head with the places of the load generator, as a client with a version writes it."""
    lines = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\nContent-Length: {LEN}\r\nUser-Agent: bench\r\n"
        f"MCP-Protocol-Version: {VERSION}\r\n"
    )
    return f"{lines}\r\n".encode()
