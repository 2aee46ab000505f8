"""Where entries are kept: one port, whatever is behind it.

A store loses entries when it likes, and never serves one that has expired or was cleared. It raises nothing: what
cannot be reached has nothing. Its suite of tests is `tests/cache/stores.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from asbru.cache.entry import Clearing, Entry


class Store(Protocol):
    """See the module. Times are Unix milliseconds. What it returns awaits nothing but Futures."""

    def find(self, key: str, now_ms: int) -> Awaitable[Entry | None]:
        """The entry of a key."""
        ...

    def put(self, entry: Entry, now_ms: int) -> None:
        """Keep an entry, in the place of another of its key."""
        ...

    def clear(self, clearing: Clearing) -> None:
        """Forget entries."""
        ...
