"""The tools process: what must exist once per instance of MCP servers, for all workers.

It starts stdio servers and presents them as streamable HTTP, keeps the sessions of servers of the older era, asks every
server what it offers, holds back what has changed, and has the OAuth tokens. It serves no caller: workers ask it over
the link, and reach what it presents on Unix sockets (docs/decisions/0012-mcp.md).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Each is loaded by the process that has it.
    from asbru.app.tools import process, relay

__all__ = ["process", "relay"]
