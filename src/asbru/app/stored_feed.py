"""The bookkeeper's part in the feed: tells workers what the store's layer holds, and what has changed in it.

A worker asks for everything at the start of each connection. Whoever has changed something asks FEED_CHANGED, and is
answered once the changes have been pushed to every worker that is connected. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from asbru.app.lean import msgspec
from asbru.cluster import FEED_SUBJECT, Changes, Everything, stored
from asbru.storage import Database, open_reader

if TYPE_CHECKING:
    from asbru.link.peers import Question

T = TypeVar("T")

FEED_CHANGED = "feed.changed"
"""Question, empty, of the control process; so is the answer."""


class StoredFeed:
    """See the module. Both answers raise StorageError while the database cannot be read: then the question is refused,
    and asked again."""

    def __init__(self, url: str, broadcast: Callable[[str, bytes], None]) -> None:
        self._url = url
        self._broadcast = broadcast
        self._told: int | None = None
        """The version up to which every worker that is connected was told; None before anybody asked."""
        self._encode = msgspec.msgpack.Encoder().encode

    def tell_everything(self, _: Question) -> bytes:
        """Answer a worker."""
        everything = self._read(stored.read_everything) or Everything(0, {})
        if self._told is None:
            self._told = everything.version
        return self._encode(everything)

    def tell_changes(self, _: Question) -> bytes:
        """Push what is new to every worker, and say that it is done."""
        if self._told is not None:
            after = self._told
            changes = self._read(lambda database: stored.read_changes(database, after))
            if changes is None:  # too much, or an older database: a gap, after which everybody asks for everything
                changes = [Changes(max(after + 2, self._read(stored.read_version) or 0), ())]
            for change in changes:
                self._broadcast(FEED_SUBJECT, self._encode(change))
            self._told = changes[-1].version if changes else after
        return b""

    def _read(self, read: Callable[[Database], T]) -> T | None:
        """What is read from the database; None while there is none. Opened each time: it is rare."""
        database = open_reader(self._url)
        if database is None:
            return None
        try:
            return read(database)
        finally:
            database.close()
