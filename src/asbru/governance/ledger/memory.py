"""Books in memory: for tests, and as the plainest statement of what the others do. Nothing outlives the process, and a
transaction copies everything: no books for a gateway.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator, Sequence

from asbru.governance.ledger.claims import Report
from asbru.governance.ledger.port import Counted, Holder
from asbru.governance.windows import Window


class _Count:
    def __init__(self, ends_ms: int) -> None:
        self.ends_ms = ends_ms
        self.spent = 0
        self.held = 0


class MemoryBooks:
    """See `port.Books`."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[int, _Count]] = {}
        self.slices_held: dict[tuple[str, str, int], int] = {}
        self.holders: dict[str, tuple[int, bool, int]] = {}
        """Number, whether it is buried, and when it was last seen."""

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        before = copy.deepcopy((self.counts, self.slices_held, self.holders))
        try:
            yield
        except BaseException:
            self.counts, self.slices_held, self.holders = before
            raise

    def counted(self, key: str, now_ms: int) -> list[Counted]:
        return [
            Counted(start, one.ends_ms, one.spent + one.held)
            for start, one in sorted(self.counts.get(key, {}).items())
            if one.ends_ms > now_ms
        ]

    def total(self, key: str, now_ms: int) -> Counted | None:
        windows = self.counted(key, now_ms)
        if not windows:
            return None
        ends_ms = max(one.ends_ms for one in windows)
        return Counted(windows[-1].start_ms, ends_ms, sum(one.used for one in windows))

    def hold(self, holder: str, key: str, window: Window, *, amount: int, limit: int, now_ms: int) -> bool:
        if sum(one.used for one in self.counted(key, now_ms)) + amount > limit:
            return False
        count = self._count(key, window)
        count.held += amount
        count.ends_ms = max(count.ends_ms, window.ends_ms)
        at = (holder, key, window.start_ms)
        self.slices_held[at] = self.slices_held.get(at, 0) + amount
        return True

    def book(self, holder: str, reports: Sequence[Report]) -> None:
        for one in reports:
            count = self.counts.get(one.key, {}).get(one.start_ms)
            if count is None:
                continue
            at = (holder, one.key, one.start_ms)
            held = self.slices_held.get(at, 0)
            freed = min(held, one.spent + one.released)
            if held:
                self.slices_held[at] = held - freed
            count.held -= freed
            count.spent += one.spent

    def spend(self, key: str, window: Window, spent: int) -> None:
        self._count(key, window).spent += spent

    def holding(self, key: str, now_ms: int) -> Sequence[str]:
        starts = {one.start_ms for one in self.counted(key, now_ms)}
        found = {at[0] for at, held in self.slices_held.items() if held and at[1] == key and at[2] in starts}
        return sorted(found.intersection(self.living()))

    def runs(self, limit_id: str) -> int:
        return len(self._runs(limit_id))

    def drop_idle_runs(self, limit_id: str, most: int) -> int:
        runs = self._runs(limit_id)
        idle = [key for key in runs if not any(one.held for one in self.counts[key].values())]
        ended = sorted(idle, key=lambda key: max(one.ends_ms for one in self.counts[key].values()))[:most]
        for key in ended:
            del self.counts[key]
        return len(ended)

    def newest_ms(self) -> int:
        return max((start for windows in self.counts.values() for start in windows), default=0)

    def holder(self, name: str) -> Holder | None:
        known = self.holders.get(name)
        return None if known is None else Holder(*known)

    def note_holder(self, name: str, number: int, now_ms: int) -> None:
        known = self.holders.get(name)
        if known is not None and known[1]:
            self._move(name, 1)
        self.holders[name] = (number, False, now_ms)

    def slices(self, name: str) -> Sequence[tuple[str, int, int]]:
        return [(at[1], at[2], held) for at, held in self.slices_held.items() if at[0] == name]

    def bury(self, name: str) -> None:
        known = self.holders.get(name)
        if known is None or known[1]:
            return
        self._move(name, -1)
        self.holders[name] = (known[0], True, known[2])

    def living(self) -> Sequence[str]:
        return [name for name, (_, buried, _) in self.holders.items() if not buried]

    def forget(self, ended_ms: int, unseen_since_ms: int) -> None:
        for key, windows in list(self.counts.items()):
            for start in [start for start, one in windows.items() if one.ends_ms <= ended_ms]:
                del windows[start]
            if not windows:
                del self.counts[key]
        self.slices_held = {
            at: held for at, held in self.slices_held.items() if held and at[2] in self.counts.get(at[1], {})
        }
        holding = {at[0] for at in self.slices_held}
        self.holders = {
            name: known
            for name, known in self.holders.items()
            if name in holding or not known[1] or known[2] >= unseen_since_ms
        }

    def _runs(self, limit_id: str) -> list[str]:
        return [key for key in self.counts if key.startswith(f"{limit_id}#") and not key.endswith("#")]

    def _count(self, key: str, window: Window) -> _Count:
        return self.counts.setdefault(key, {}).setdefault(window.start_ms, _Count(window.ends_ms))

    def _move(self, name: str, sign: int) -> None:
        """Between spent and held, the slices of a holder: 1 to held, -1 to spent."""
        for (holder, key, start), held in self.slices_held.items():
            count = self.counts.get(key, {}).get(start)
            if holder == name and count is not None:
                count.held += sign * held
                count.spent -= sign * held if start else 0
