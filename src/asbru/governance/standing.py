"""How much of its limits an owner or a target has used: what rules, the choice of targets, response headers and
`GET /v1/key` ask. What a worker knows is as new as its last word from the ledger; only `refresh` costs a round trip.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from asbru.core.future import Future


class Standing(msgspec.Struct, frozen=True):
    """One limit as it stands. `metric`: "cost" (nano-dollars), else what is counted; `spent` holds what calls under way
    have reserved; `resets_at_ms`: when the window ends, None where it slides or has none, or nothing is known of it."""

    owner: str
    limit_id: str
    metric: str
    window: str
    amount: int
    spent: int
    resets_at_ms: int | None = None

    @property
    def percent(self) -> float:
        """How much of it is used, 0 to 100 and above."""
        return 100.0 * self.spent / self.amount


class Used(msgspec.Struct, frozen=True):
    """How much of their limits a caller and the owners above it have used, in percent: the fullest limit of each sort,
    0 where there is none."""

    budget_used: float = 0.0
    tokens_used: float = 0.0
    requests: float = 0.0


class Standings(Protocol):
    """What others may ask about limits. Owners are named by id: "key/NAME", "team/NAME", "customer/NAME",
    "provider/NAME", "model/PROVIDER/MODEL", "provider_key/PROVIDER/KEY"."""

    def room(self, owner: str) -> bool:
        """Whether no limit of this owner or target is known to be used up. True for those without limits."""
        ...

    def used(self, caller: str) -> Used:
        """The fullest limits of the virtual key called `caller` and of the owners above it."""
        ...

    def standing(self, caller: str) -> tuple[Standing, ...]:
        """Every limit that a call of this virtual key counts against, its own first."""
        ...

    def refresh(self, caller: str) -> Future[None] | None:
        """Ask the ledger how the limits of this virtual key stand; resolved when `standing` knows, or when the ledger
        does not answer. None where it was asked just now."""
        ...
