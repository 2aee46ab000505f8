"""A proxy on the official SDK, in the cheapest way that it offers: `python sdk_proxy.py URL PORT`.

One client session with the server for all calls; no sessions with callers, and responses as JSON. It imports nothing of
the harness.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
from mcp.client import Client
from mcp.server.lowlevel import Server


async def main(url: str, port: int) -> None:
    """Serve until the process is ended."""
    async with Client(url) as upstream:

        async def list_tools(context: Any, params: Any) -> Any:
            del context, params
            return await upstream.list_tools()

        async def call_tool(context: Any, params: Any) -> Any:
            del context
            return await upstream.call_tool(params.name, params.arguments)

        server: Server[Any] = Server("proxy", on_list_tools=list_tools, on_call_tool=call_tool)
        application = server.streamable_http_app(json_response=True, stateless_http=True)
        config = uvicorn.Config(application, port=port, log_level="warning", access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
