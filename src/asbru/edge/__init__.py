"""Floor 6: the doors. Bytes become calls, and answers become bytes; every path that exists is in a table here.

It refuses to choose a provider, to know a price, or to retry: that is the path's business, below.
"""

from asbru.edge.door import Door
from asbru.edge.forward import Forwarder
from asbru.edge.mcp import PREFIXES as MCP_PREFIXES
from asbru.edge.surfaces import PROBES

__all__ = ["MCP_PREFIXES", "PROBES", "Door", "Forwarder"]
