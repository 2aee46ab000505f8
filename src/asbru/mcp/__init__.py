"""Floor 4: MCP servers behind one gateway: what they are, what they offer, who may use it, and the protocol itself.

Each concern is a package of its own below; see docs/decisions/0012-mcp.md. The path of a tool call is in
`pipeline.tools`, the process that keeps stdio servers and synchronises catalogues in `app.tools`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.mcp import access, catalogue, protocol, servers

__all__ = ["access", "catalogue", "protocol", "servers"]
