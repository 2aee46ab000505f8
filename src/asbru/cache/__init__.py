"""The cache of replies: what makes two requests the same, who shares an entry and for how long, and where it is kept.

It knows keys and bytes. What a call is, and how a kept reply is written for a caller, is the path's business
(`pipeline.caching`).
"""

from typing import TYPE_CHECKING

from asbru.cache.entry import Clearing, Entry
from asbru.cache.flights import Flight, Flights
from asbru.cache.memory import MemoryStore
from asbru.cache.policy import HEADERS, Wishes, read_wishes
from asbru.cache.settings import CacheSettings, SemanticSettings
from asbru.cache.store import Store

if TYPE_CHECKING:
    from asbru.cache import key  # loads OpenSSL, which the bookkeeper does not

__all__ = [
    "HEADERS",
    "CacheSettings",
    "Clearing",
    "Entry",
    "Flight",
    "Flights",
    "MemoryStore",
    "SemanticSettings",
    "Store",
    "Wishes",
    "key",
    "read_wishes",
]
