"""What the ledger needs of a store: counts of limits by window, slices by holder, and who the holders are.

    count    (key, window) -> spent, held; it counts until the window ends
    slice    (holder, key, window) -> held; all slices of a window together are what its count holds
    holder   -> the number of its last reports, and whether it is buried: given up, its slices booked as spent

Changes are made within `transaction`, whole or not at all, and stand when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from asbru.governance.ledger.claims import Report
from asbru.governance.windows import Window


class Counted(NamedTuple):
    """A window that still counts, and how much."""

    start_ms: int
    ends_ms: int
    used: int


class Holder(NamedTuple):
    """What is known of a worker. `seen_ms`: when it was last noted."""

    number: int
    buried: bool
    seen_ms: int


class Books(Protocol):
    """See the module."""

    def transaction(self) -> AbstractContextManager[None]:
        """One change, whole or not at all. It is kept when the block has ended."""
        ...

    def counted(self, key: str, now_ms: int) -> list[Counted]:
        """The windows of a limit that count now, the oldest first."""
        ...

    def total(self, key: str, now_ms: int) -> Counted | None:
        """The same together: when the newest began, when the last ends, and all that is used; None where none
        counts."""
        ...

    def hold(self, holder: str, key: str, window: Window, *, amount: int, limit: int, now_ms: int) -> bool:
        """Hold `amount` more for a holder, if all that counts stays within `limit`; False if it would not. Nobody comes
        between the comparison and the change. A window that is there ends as late as is said
        now, or later."""
        ...

    def book(self, holder: str, reports: Sequence[Report]) -> None:
        """Book what became of slices: what is spent counts as spent, and with what is released it leaves what is held,
        as far as that goes. A window that is gone is left alone."""
        ...

    def spend(self, key: str, window: Window, spent: int) -> None:
        """Book what nothing was held for."""
        ...

    def holding(self, key: str, now_ms: int) -> Sequence[str]:
        """The holders that are not buried and hold something of a limit in a window that counts."""
        ...

    def runs(self, limit_id: str) -> int:
        """How many named runs of a limit there are."""
        ...

    def drop_idle_runs(self, limit_id: str, most: int) -> int:
        """Drop named runs of a limit that nobody holds anything of, those that end first; how many were dropped."""
        ...

    def newest_ms(self) -> int:
        """When the newest window began; 0 where there is none."""
        ...

    def holder(self, name: str) -> Holder | None:
        """What is known of a holder."""
        ...

    def note_holder(self, name: str, number: int, now_ms: int) -> None:
        """A holder is alive, and this is the number of its last reports. Unburies it: its slices are held again."""
        ...

    def slices(self, name: str) -> Sequence[tuple[str, int, int]]:
        """What a holder holds: (key, start of the window, held)."""
        ...

    def bury(self, name: str) -> None:
        """A holder is given up: its slices count as spent; those of limits without a window, as nothing."""
        ...

    def living(self) -> Sequence[str]:
        """The holders that are not buried."""
        ...

    def forget(self, ended_ms: int, unseen_since_ms: int) -> None:
        """Drop the windows that ended by `ended_ms`, slices of windows that are gone, and buried holders without slices
        that were not seen since."""
        ...
