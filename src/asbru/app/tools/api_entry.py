"""An HTTP API as an entry of the catalogue: it is ready as soon as it is declared, and nobody asks it for lists.

Its tools are not pinned: whoever could change the document could change the configuration.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from asbru.mcp.catalogue import Definition, ServerEntry, digest_of
from asbru.mcp.servers import Server


def entry_of(server: Server, tools: bytes, suspicion: Callable[[Definition], str] = lambda _: "") -> ServerEntry:
    """The entry. `tools`: see `mcp.openapi.read_tools`; `suspicion`: what is told of a definition, "" for nothing."""
    from asbru.mcp.openapi import read_tools  # loads what most gateways do not use

    plain = (
        Definition(tool.name, tool.definition, digest_of(tool.definition)) for tool in read_tools(tools).values()
    )
    listed = tuple(msgspec.structs.replace(one, suspicion=suspicion(one)) for one in plain)
    return ServerEntry(
        name=server.name,
        state="ready",
        capabilities=b'{"tools":{}}',
        info=msgspec.json.encode({"name": server.name, "version": "1"}),
        tools=listed,
        endpoint=server.url or "",
    )
