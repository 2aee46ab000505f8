"""Limits as a worker holds them: owners and their limits as the feed tells them, slices of them, and refusals.

`Limits` is what calls ask: it subtracts from slices in hand, and waits for the ledger where those do not do. It refuses
to know what a call is, and what it may cost.
"""

from asbru.governance.limits.counters import Counter
from asbru.governance.limits.holding import Holding
from asbru.governance.limits.limits import Limits, Source
from asbru.governance.limits.owners import Chain, Owners
from asbru.governance.limits.reservation import Reservation

__all__ = ["Chain", "Counter", "Holding", "Limits", "Owners", "Reservation", "Source"]
