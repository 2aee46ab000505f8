"""What a connection remembers: the conversations of its latest responses, gone with it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from asbru.core.chat import Raw

BYTES_MAX: Final = 8 * 1024 * 1024
"""Of all that is remembered; the conversation that was kept last is, whatever its size: requests have bounds."""
ENTRY_BYTES: Final = 256
"""What a conversation takes besides its items, and each of these besides its bytes, roughly."""


class Remembered:
    """A `core.ports.Remembers`. The oldest go first."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._found: OrderedDict[str, tuple[tuple[Raw, ...], int]] = OrderedDict()

    def find(self, response_id: str) -> tuple[Raw, ...] | None:
        """See `Remembers`."""
        found = self._found.get(response_id)
        return None if found is None else found[0]

    def keep(self, response_id: str, items: tuple[Raw, ...]) -> None:
        """See `Remembers`. Items that two conversations share are counted twice: the bound is one of the worst case.
        An item that is a view of its request would keep all of the request."""
        items = tuple(item.copy() for item in items)
        size = sum(map(len, items)) + ENTRY_BYTES * (1 + len(items))
        before = self._found.pop(response_id, None)
        self._bytes += size - (before[1] if before is not None else 0)
        self._found[response_id] = items, size
        while self._bytes > self._bytes_max and len(self._found) > 1:
            _, (_, gone) = self._found.popitem(last=False)
            self._bytes -= gone
