"""What workers and the control process say to the bookkeeper about entries, in msgpack.

    ENTRIES      batch                  `Put`
    FIND         question               `Find`; the answer is the entry, or empty
    CLEAR        question               a `Clearing`; the answer comes when the database has forgotten
    CLEARED      push to all workers    `Cleared`
    GENERATION   question, empty        a word that changes with each clearing, and with each life of the bookkeeper

Not here: who may clear, which is the management API's business.
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.cache.entry import Clearing

ENTRIES: Final = "cache.entries"
FIND: Final = "cache.find"
CLEAR: Final = "cache.clear"
CLEARED: Final = "cache.cleared"
GENERATION: Final = "cache.generation"


class Put(msgspec.Struct, frozen=True, array_like=True):
    """Keep an entry. `key`, `tags` and times as in it; `bytes_max`: how large all entries may be."""

    key: str
    tags: tuple[str, ...]
    made_ms: int
    expires_ms: int
    bytes_max: int
    entry: bytes


class Cleared(msgspec.Struct, frozen=True, array_like=True):
    """What was cleared, and the generation from then on."""

    generation: bytes
    clearing: Clearing


class Find(msgspec.Struct, frozen=True, array_like=True):
    """The entry of a key, unless it has expired."""

    key: str
    now_ms: int
