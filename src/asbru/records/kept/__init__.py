"""What the cache of replies did, as records have it."""

from asbru.records.kept.use import CacheUse, read_cache_use

__all__ = ["CacheUse", "read_cache_use"]
