"""Entries in the memory of this process, bounded in bytes: the one that was used longest ago goes first.

Not shared, and gone with the process.
"""

from __future__ import annotations

from asbru.cache.entry import Clearing, Entry


class MemoryStore:
    """See the module, and `store.Store`."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.evicted = 0
        """Entries that went for want of room."""
        self._entries: dict[str, Entry] = {}
        """In the order of their last use."""

    def __len__(self) -> int:
        return len(self._entries)

    async def find(self, key: str, now_ms: int) -> Entry | None:
        """See `Store`."""
        return self.look_up(key, now_ms)

    def look_up(self, key: str, now_ms: int) -> Entry | None:
        """`find`, for who need not wait."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        if entry.expires_ms <= now_ms:
            self.bytes -= entry.size_bytes
            return None
        self._entries[key] = entry
        return entry

    def put(self, entry: Entry, now_ms: int) -> None:
        """See `Store`. An entry that is larger than the store is not kept."""
        self._remove(entry.key)
        size = entry.size_bytes
        if size > self.bytes_max or entry.expires_ms <= now_ms:
            return
        self._entries[entry.key] = entry
        self.bytes += size
        self._make_room()

    def limit(self, bytes_max: int) -> None:
        """Another bound, from now on."""
        self.bytes_max = bytes_max
        self._make_room()

    def clear(self, clearing: Clearing) -> None:
        """See `Store`."""
        for key in [key for key, entry in self._entries.items() if clearing.takes(entry)]:
            self._remove(key)

    def _make_room(self) -> None:
        while self.bytes > self.bytes_max:
            self._remove(next(iter(self._entries)))
            self.evicted += 1

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.size_bytes
