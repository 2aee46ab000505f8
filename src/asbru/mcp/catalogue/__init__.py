"""The catalogue: what each server offers, as entries of the feed, and the lists that callers are given of it.

Not here: how servers are asked for it (`app.tools`), and who may use it (`mcp.access`). The entries themselves, which
the tools process writes, are in `catalogue.entries`, merged lists in `catalogue.merged`.
"""

from asbru.mcp.catalogue.catalogue import Catalogue, Known, ListKind
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
from asbru.mcp.catalogue.names import split_name

__all__ = [
    "MCP_SERVER",
    "Catalogue",
    "Definition",
    "Known",
    "ListKind",
    "Scope",
    "ServerEntry",
    "State",
    "digest_of",
    "read_server",
    "split_name",
    "write_server",
]
