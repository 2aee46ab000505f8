"""How many connections a worker holds, and which ones end when there are nearly too many.

    below `near`     nothing ends
    near             each newcomer ends connections that have been idle longest, until `roomy` are left; not more often
                     than the sweep, because looking for them takes a look at all
    above the bound  SPARE_MAX more may ask for a probe (`/livez`); everything else is refused with 503. The newest
                     is kept, so that connections that ask nothing cannot keep a probe out

It only counts and chooses: `server` closes.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import TypeVar

import msgspec

T = TypeVar("T")

NEAR_SIXTEENTHS = 15
ROOMY_SIXTEENTHS = 14

IDLE_MIN_S = 1.0
"""Who has been idle for less is likely about to ask for something."""

DESCRIPTORS_KEPT = 64
"""Open files that are no connections: listeners, pipes, the database, modules."""

SPARE_MAX = 16
SPARE_S = 1.0
"""How long a connection above the bound may take to ask for its probe, in seconds."""

TURNED_AWAY_MAX = 256
"""So many connections above the bound can wait for their caller to read the refusal; others are reset."""


class Bound(msgspec.Struct, frozen=True):
    """The most connections, and what begins below that."""

    most: int
    near: int
    roomy: int
    reason: str
    """The setting, or what else sets it."""


def bound_of(connections_max: int, descriptors: int) -> Bound:
    """`descriptors`: files that this process may have open; 0: as many as it likes. Half of them are for connections
    to providers."""
    most, reason = connections_max, "limits.connections_max"
    if descriptors:
        room = max(1, (descriptors - DESCRIPTORS_KEPT) // 2)
        if room < most:
            most, reason = room, "the limit of open files"
    return Bound(most, most * NEAR_SIXTEENTHS // 16, most * ROOMY_SIXTEENTHS // 16, reason)


def idlest(idle: Iterable[tuple[float, T]], now_s: float, count: int) -> list[T]:
    """At most so many of them, idle since a moment each: those that are so for long enough, the longest first."""
    long_enough = [one for one in idle if now_s - one[0] >= IDLE_MIN_S]
    return [connection for _, connection in sorted(long_enough, key=itemgetter(0))[: max(0, count)]]
