"""The cache on the path: `step` looks, keeps and lets wait; `kept` writes a kept reply for a caller."""

from asbru.pipeline.caching.call_cache import CallCache
from asbru.pipeline.caching.step import Caching

__all__ = ["Caching", "CallCache"]
