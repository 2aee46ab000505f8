"""Floor 6: the doors. Bytes become calls, and answers become bytes; every path that exists is in a table here.

It refuses to choose a provider, to know a price, or to retry: that is the path's business, below. Its modules are its
doors, and none is imported here: the control and the compile process want the limits, and not the path of a call.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.edge import door, forward, limits, mcp, surfaces

__all__ = ["door", "forward", "limits", "mcp", "surfaces"]
