"""The cache's side of entries in Redis or Valkey: sealed, so that what another wrote there is not served.

Nothing is kept in the memory of this process beside it: what one gateway clears, no other serves. Only while its write
waits in line is an entry found here, so that calls that waited for it need not ask again.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from asbru.cache.entry import OVERHEAD_BYTES, Clearing, Entry, read_entry, write_entry
from asbru.cache.redis.shelf import Item, RedisShelf
from asbru.cache.remote import Remote, Seal

_FIELD: Final = "entry"


class RedisStore:
    """See the module, and `store.Store`."""

    def __init__(self, shelf: RedisShelf, remote: Remote, seal: Seal) -> None:
        self.remote = remote
        self._shelf = shelf
        self._seal = seal
        self._coming: dict[str, Entry] = {}
        """Entries whose writes wait: as many as fit in the line."""

    async def find(self, key: str, now_ms: int) -> Entry | None:
        """See `Store`."""
        coming = None if self.remote.clears else self._coming.get(key)
        if coming is not None and coming.expires_ms > now_ms:
            return coming
        sealed = await self.remote.ask(partial(self._shelf.get, key, _FIELD))
        if sealed is None:
            return None
        body = self._seal.open(key, sealed)
        try:
            entry = None if body is None else read_entry(body)
        except msgspec.MsgspecError:  # of another version of Asbru
            return None
        if entry is None or entry.key != key:
            self.remote.forged(key)
            return None
        return entry if entry.expires_ms > now_ms else None

    def put(self, entry: Entry, now_ms: int) -> None:
        """See `Store`."""
        if entry.expires_ms <= now_ms:
            return
        sealed = self._seal.close(entry.key, write_entry(entry))
        size = len(sealed) + len(entry.key) + OVERHEAD_BYTES
        item = Item(entry.key, entry.tags, entry.expires_ms, size, {_FIELD: sealed})
        self._coming[entry.key] = entry
        self.remote.tell(partial(self._shelf.put, item, now_ms), size, partial(self._arrived, entry))

    def clear(self, clearing: Clearing) -> None:
        """See `Store`."""
        self.remote.clear(self._shelf.clear, clearing)

    def _arrived(self, entry: Entry) -> None:
        """Its write is over."""
        if self._coming.get(entry.key) is entry:
            del self._coming[entry.key]
