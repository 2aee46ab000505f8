"""Entries in Redis or Valkey, which gateways share: `shelf` is how things lie there, `store` the cache's side."""

from asbru.cache.redis.shelf import Item, RedisShelf
from asbru.cache.redis.store import RedisStore

__all__ = ["Item", "RedisShelf", "RedisStore"]
