"""The ledger: how much of each limit is spent, and what workers hold of the rest.

A worker takes slices of limits in advance and reports what became of them. What it holds is counted as if it were
spent, so no number of workers exceeds a limit. The bookkeeping is one (`ledger`), the store behind it is a port
(`port.Books`): in memory, and SQL. It refuses to know calls, owners and how a worker uses its slices.
"""

from typing import TYPE_CHECKING

from asbru.governance.ledger.claims import Answer, Claim, Report, Short, Slice
from asbru.governance.ledger.ledger import Ledger
from asbru.governance.ledger.memory import MemoryBooks

if TYPE_CHECKING:
    from asbru.governance.ledger import claims, client, host, sql, standings

__all__ = [
    "Answer",
    "Claim",
    "Ledger",
    "MemoryBooks",
    "Report",
    "Short",
    "Slice",
    "claims",
    "client",
    "host",
    "sql",
    "standings",
]
