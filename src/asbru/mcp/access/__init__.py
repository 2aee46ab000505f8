"""Who may use which tools. Denied unless a list of the caller's names it.

Not here: where the lists come from (`governance`), and what tools there are (`mcp.catalogue`).
"""

from asbru.mcp.access.access import Access, Accesses, NeedsApproval

__all__ = ["Access", "Accesses", "NeedsApproval"]
