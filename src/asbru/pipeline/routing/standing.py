"""Without limits nobody is near one: the `Standing` of a gateway that has none."""

from __future__ import annotations

from asbru.governance import Caller
from asbru.routing import Target


class NoStanding:
    """Without limits nobody is near one."""

    def team(self, caller: Caller) -> str:
        """None."""
        del caller
        return ""

    def customer(self, caller: Caller) -> str:
        """None."""
        del caller
        return ""

    def used(self, caller: Caller, metric: str) -> float:
        """Nothing."""
        del caller, metric
        return 0.0

    def has_room(self, caller: Caller, target: Target) -> bool:
        """Always."""
        del caller, target
        return True
