"""Stores of the cache as the configuration names them: Redis or Valkey, Qdrant, and vectors in memory. Each is kept
while its settings are the same.

Not here: entries in memory and in the database, which are there whatever the configuration says (`lasting`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from asbru.cache.remote import PROBLEMS, Remote, Seal
from asbru.pipeline.caching import Bounded, Paths
from asbru.telemetry import Meter, names
from asbru.upstream import Origin
from asbru.upstream.credentials import TokenRequest, TokenSender

if TYPE_CHECKING:
    from asbru.cache import CacheSettings, Clearing
    from asbru.cache.redis import RedisStore
    from asbru.cache.semantic import VectorStore, vectors
    from asbru.cache.semantic import qdrant as at_qdrant
    from asbru.cache.semantic import redis as at_redis
    from asbru.core.secret_text import SecretText
    from asbru.kv import Redis
    from asbru.upstream import Pool

RemoteVectors: TypeAlias = "at_redis.RedisVectors | at_qdrant.QdrantVectors"
"""Vectors outside of this process."""

ENTRIES: Final = "redis"
"""Stores by name, as the log and metrics have them."""
_VECTORS: Final = {"redis": "redis_vectors", "qdrant": "qdrant"}


class CacheStores:
    """See the module. `pool`: that of an origin, for answers so long."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pool: Callable[[Origin, int], Pool], meter: Meter | None = None
    ) -> None:
        self._loop = loop
        self._pool = pool
        self._meter = meter
        self._problems: dict[str, dict[str, int]] = {}
        self._redis: tuple[object, Redis] | None = None
        self._entries: tuple[object, RedisStore] | None = None
        self._vectors: tuple[object, RemoteVectors] | None = None
        self._memory: vectors.Vectors | None = None
        self._off: tuple[CacheSettings, bytes] | None = None

    def entries(self, settings: CacheSettings, secret: bytes) -> RedisStore:
        """Entries in Redis. `secret`: what they are sealed with where the configuration says nothing."""
        from asbru.cache.redis import RedisShelf, RedisStore

        redis = settings.redis
        if self._entries is None or self._entries[0] != redis:
            shelf = RedisShelf(self._client(settings), f"{redis.prefix}entries:", redis.bytes_max)
            remote = Remote(ENTRIES, Bounded(self._loop), redis.timeout_s, self._counted(ENTRIES))
            store = RedisStore(shelf, remote, _seal(settings, secret))
            _take_over(store, self._entries)
            self._entries = (redis, store)
        return self._entries[1]

    def vectors(self, settings: CacheSettings, secret: bytes) -> VectorStore:
        """Vectors, where they are to be kept."""
        semantic = settings.semantic
        if semantic.vectors == "memory":
            return self._in_memory(semantic.bytes_max)
        known = (semantic.vectors, settings.redis, semantic.qdrant, semantic.embeddings, semantic.bytes_max)
        if self._vectors is None or self._vectors[0] != known:
            make = self._in_redis if semantic.vectors == "redis" else self._in_qdrant
            store = make(settings, _seal(settings, secret))
            _take_over(store, self._vectors)
            self._vectors, self._memory = (known, store), None
        return self._vectors[1]

    def turn_on(self, settings: CacheSettings) -> None:
        """The cache is on: let go of what the configuration does not name any more."""
        self._off = None
        self._keep_only(entries=settings.store == "redis", vectors=settings.semantic.mode != "off")

    def turn_off(self, settings: CacheSettings, secret: bytes) -> None:
        """The cache is off, which clears nothing elsewhere: what was or will be cleared is to be gone when it is on
        again. So stores that are named stay where something waits in them, and are made where something is cleared."""
        self._off = settings, secret
        self._memory = None
        self._keep_only(entries=settings.store == "redis", vectors=_has_vectors_elsewhere(settings))
        if self._entries is not None:
            self.entries(settings, secret)
        if self._vectors is not None:
            self.vectors(settings, secret)

    def _keep_only(self, *, entries: bool, vectors: bool) -> None:
        if not entries:
            _retire(self._entries)
            self._entries = None
        if not vectors:
            _retire(self._vectors)
            self._vectors = self._memory = None
        if self._entries is None and self._vectors is None and self._redis is not None:
            self._redis[1].close()
            self._redis = None

    def clear(self, clearing: Clearing) -> None:
        """Forget what was cleared."""
        if self._off is not None:
            settings, secret = self._off
            if settings.store == "redis":
                self.entries(settings, secret)
            if _has_vectors_elsewhere(settings):
                self.vectors(settings, secret)
        for known in (self._entries, self._vectors):
            if known is not None:
                known[1].clear(clearing)
        if self._memory is not None:
            self._memory.clear(clearing)

    def _in_memory(self, bytes_max: int) -> vectors.Vectors:
        from asbru.cache.semantic import vectors  # loads numpy

        if self._memory is None:
            self._memory = vectors.Vectors(bytes_max)
        self._memory.bytes_max = bytes_max
        _retire(self._vectors)
        self._vectors = None
        return self._memory

    def _in_redis(self, settings: CacheSettings, seal: Seal) -> RemoteVectors:
        from asbru.cache.redis import RedisShelf
        from asbru.cache.semantic import redis as redis_vectors

        redis, semantic = settings.redis, settings.semantic
        prefix = f"{redis.prefix}vectors:"
        shelf = RedisShelf(self._client(settings), prefix, semantic.bytes_max)
        remote = Remote(_VECTORS["redis"], Paths(self._loop), redis.timeout_s, self._counted(_VECTORS["redis"]))
        return redis_vectors.RedisVectors(shelf, remote, seal, prefix=prefix, model=semantic.embeddings)

    def _in_qdrant(self, settings: CacheSettings, seal: Seal) -> RemoteVectors:
        from asbru.cache.semantic import qdrant as qdrant_vectors

        qdrant, bytes_max = settings.semantic.qdrant, settings.semantic.bytes_max
        remote = Remote(_VECTORS["qdrant"], Paths(self._loop), qdrant.timeout_s, self._counted(_VECTORS["qdrant"]))
        fetch = _Qdrant(self._pool, qdrant.url, qdrant.api_key)
        return qdrant_vectors.QdrantVectors(fetch, qdrant.collection, remote, seal, bytes_max=bytes_max)

    def _client(self, settings: CacheSettings) -> Redis:
        from asbru.kv import Redis

        redis = settings.redis
        known = (redis.url, redis.timeout_s)
        if self._redis is None or self._redis[0] != known:
            if self._redis is not None:
                self._redis[1].close()
            self._redis = (known, Redis(self._loop, redis.url, redis.timeout_s))
        return self._redis[1]

    def _counted(self, store: str) -> dict[str, int]:
        """Where the problems of a store are counted."""
        counted = self._problems.get(store)
        if counted is None:
            counted = self._problems[store] = dict.fromkeys(PROBLEMS, 0)
            if self._meter is not None:
                for problem in PROBLEMS:
                    count = partial(counted.__getitem__, problem)
                    self._meter.count_by(names.CACHE_STORE_PROBLEMS, count, (store, problem))
        return counted


def _has_vectors_elsewhere(settings: CacheSettings) -> bool:
    return settings.semantic.mode != "off" and settings.semantic.vectors != "memory"


def _take_over(store: RedisStore | RemoteVectors, known: tuple[object, RedisStore | RemoteVectors] | None) -> None:
    """What the one before could not clear, this one clears: with a wrong password, say, it would never have been."""
    for clearing in _retire(known):
        store.clear(clearing)


def _retire(known: tuple[object, RedisStore | RemoteVectors] | None) -> list[Clearing]:
    return [] if known is None else known[1].remote.retire()


def _seal(settings: CacheSettings, secret: bytes) -> Seal:
    return Seal(settings.redis.secret.reveal().encode() or secret)


class _Qdrant:
    """A `qdrant.Fetch`: requests of a server, by the gateway's own client."""

    def __init__(self, pool: Callable[[Origin, int], Pool], url: str, api_key: SecretText) -> None:
        private = Origin(host="", port=0, allow_loopback=True, allow_private=True)  # the operator named it
        self._sender = TokenSender(private, pool)
        self._url = url
        key = api_key.reveal()
        self._lines = (("content-type", "application/json"), *((("api-key", key),) if key else ()))

    async def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        exchange = self._sender.send(TokenRequest(method, f"{self._url}{path}", self._lines, body))
        try:
            response = await exchange
        finally:
            exchange.abort()
        return response.status, response.body
