"""The worker's side of shared entries: asked of the bookkeeper, which is given a moment; told to it, which may be lost.

A bookkeeper that is away has nothing: calls go on without it. Not here: the database (`table`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from asbru.cache.entry import Clearing, Entry, read_entry, write_entry
from asbru.cache.memory import MemoryStore
from asbru.cache.sql.questions import CLEARED, ENTRIES, FIND, GENERATION, Cleared, Find, Put
from asbru.cache.store import Store

if TYPE_CHECKING:
    from asbru.core.future import Future
    from asbru.link.batches import Batches
    from asbru.link.link import OnReply

FIND_DEADLINE_S: Final = 0.25
"""How long a call waits for the bookkeeper before it asks the provider."""
GENERATION_DEADLINE_S: Final = 5.0
BACKLOG_BYTES_MAX: Final = 16 * 1024 * 1024
"""Entries that wait for a bookkeeper that is away; more are not shared."""


class LinkPort(Protocol):
    """The link, as far as it is needed."""

    def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]: ...

    def ask(self, subject: str, payload: bytes, on_reply: OnReply, deadline_s: float) -> None: ...

    def batches(self, table: str, *, backlog_bytes_max: int = ...) -> Batches: ...

    def subscribe(self, subject: str, on_message: Callable[[bytes], None]) -> None: ...

    def on_connect(self, call: Callable[[], None]) -> None: ...


class SharedStore:
    """See the module, and `store.Store`. `bytes_max`: how large all entries in the database may be."""

    def __init__(self, link: LinkPort, bytes_max: int = 0) -> None:
        self.bytes_max = bytes_max
        self._link = link
        self._batches = link.batches(ENTRIES, backlog_bytes_max=BACKLOG_BYTES_MAX)

    async def find(self, key: str, now_ms: int) -> Entry | None:
        """See `Store`."""
        found = await self._link.fetch(FIND, msgspec.msgpack.encode(Find(key, now_ms)), FIND_DEADLINE_S)
        if not found:
            return None
        try:
            return read_entry(found)
        except msgspec.MsgspecError:  # of another version of Asbru
            return None

    def put(self, entry: Entry, now_ms: int) -> None:
        """See `Store`."""
        if entry.expires_ms > now_ms:
            put = Put(entry.key, entry.tags, entry.made_ms, entry.expires_ms, self.bytes_max, write_entry(entry))
            self._batches.add(msgspec.msgpack.encode(put), 1)
            self._batches.flush()

    def clear(self, clearing: Clearing) -> None:
        """Nothing: who clears tells the bookkeeper, which tells all workers."""


class TieredStore:
    """Memory first, then what workers share; what is found there is kept here as well."""

    def __init__(self, memory: MemoryStore, shared: Store) -> None:
        self._memory = memory
        self._shared = shared

    async def find(self, key: str, now_ms: int) -> Entry | None:
        """See `Store`."""
        entry = self._memory.look_up(key, now_ms)
        if entry is None:
            entry = await self._shared.find(key, now_ms)
            if entry is not None:
                self._memory.put(entry, now_ms)
        return entry

    def put(self, entry: Entry, now_ms: int) -> None:
        """See `Store`."""
        self._memory.put(entry, now_ms)
        self._shared.put(entry, now_ms)

    def clear(self, clearing: Clearing) -> None:
        """See `Store`."""
        self._memory.clear(clearing)
        self._shared.clear(clearing)


def follow_clearings(link: LinkPort, memory: MemoryStore, clear: Callable[[Clearing], None]) -> None:
    """Forget in memory what is cleared; `clear` forgets elsewhere. What was cleared while the bookkeeper was away is
    not known: then all goes from memory."""
    known: bytes | None = None

    def on_cleared(payload: bytes) -> None:
        nonlocal known
        cleared = msgspec.msgpack.decode(payload, type=Cleared)
        memory.clear(cleared.clearing)
        clear(cleared.clearing)
        known = cleared.generation

    def on_generation(told: bytes | None) -> None:
        nonlocal known
        if told is not None:
            if known is not None and told != known:
                memory.clear(Clearing())
            known = told

    link.subscribe(CLEARED, on_cleared)
    link.on_connect(lambda: link.ask(GENERATION, b"", on_generation, GENERATION_DEADLINE_S))
