"""A stdio server on the official SDK that counts. It is run as a script."""

from __future__ import annotations

from mcp.server import MCPServer

server = MCPServer("counter", instructions="Count.")
numbers = iter(range(1, 1_000_000))


@server.tool()
def add() -> int:
    """Counts."""
    return next(numbers)


if __name__ == "__main__":
    server.run("stdio")
