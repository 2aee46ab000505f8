"""Names of tools and prompts as callers see them: `<server>__<tool>` on /mcp, the server's own on /mcp/<server>.

A name never depends on what else there is. The names of servers hold no `_`, so the first `__` ends the server's.
"""

from __future__ import annotations

from typing import Final

SEPARATOR: Final = "__"


def join_name(server: str, name: str) -> str:
    """The name on /mcp."""
    return f"{server}{SEPARATOR}{name}"


def split_name(name: str) -> tuple[str, str] | None:
    """The server and its own name for the thing; None for a name of no such form."""
    server, separator, own = name.partition(SEPARATOR)
    return (server, own) if separator and server and own else None
