"""What the cache of replies did, as records have it."""

from asbru.records.kept.use import CacheStep, CacheUse, read_cache_use

__all__ = ["CacheStep", "CacheUse", "read_cache_use"]
