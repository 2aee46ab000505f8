"""The catalogue: what each server offers, as entries of the feed.

Not here: how servers are asked for it (`app.tools`), and who may use it (`mcp.access`).
"""

from asbru.mcp.catalogue.entries import (
    MCP_SERVER,
    Definition,
    Scope,
    ServerEntry,
    State,
    digest_of,
    read_server,
    write_server,
)

__all__ = [
    "MCP_SERVER",
    "Definition",
    "Scope",
    "ServerEntry",
    "State",
    "digest_of",
    "read_server",
    "write_server",
]
