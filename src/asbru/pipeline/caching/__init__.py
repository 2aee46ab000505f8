"""The cache on the path: `step` looks, keeps and lets wait; `meaning` finds questions in other words; `kept` writes a
kept reply for a caller; `loops` is how stores outside of this process wait."""

from asbru.pipeline.caching.call_cache import CallCache
from asbru.pipeline.caching.loops import Bounded, Paths
from asbru.pipeline.caching.meaning import Meaning
from asbru.pipeline.caching.step import Caching

__all__ = ["Bounded", "Caching", "CallCache", "Meaning", "Paths"]
