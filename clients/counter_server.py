"""The fakes' counter, on the official SDK, over streamable HTTP or HTTP+SSE.

python -m clients.counter_server http|sse         prints "ready URL"
"""

from __future__ import annotations

import asyncio
import sys

from tests.fakes.mcp_http import counter, served


async def main(transport: str) -> None:
    """Serve until the process is ended."""
    server = counter()
    application = server.sse_app() if transport == "sse" else server.streamable_http_app()
    async with served(application) as url:
        sys.stdout.write(f"ready {url}/{'sse' if transport == 'sse' else 'mcp'}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
