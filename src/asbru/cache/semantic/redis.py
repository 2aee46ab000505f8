"""Vectors in Redis or Valkey with a search module: Redis 8, Redis Stack, Valkey with valkey-search.

An item of the shelf is a hash with the group's digest `g`, the vector `v`, and what it is of, sealed: `k`. The module
indexes hashes under the shelf's prefix by HNSW. How many numbers a vector has is written beside the index when it is
made: a model that makes others is refused until the operator has chosen another prefix or cleared everything, which
deletes the index and the note. Another gateway notices by a search that is refused, and makes the index anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, cast

from asbru.cache.entry import Clearing
from asbru.cache.redis import Item, RedisShelf
from asbru.cache.remote import Remote, Seal
from asbru.cache.semantic.sealed import OtherVectors, read_kept, unit, write_kept
from asbru.cache.semantic.store import CANDIDATES_MAX, Kept, Near
from asbru.kv import RedisRefused

OVERHEAD_BYTES: Final = 1024
"""What the index and the hash take beside a vector and its text, about."""
_NO_INDEX: Final = ("no such index", "unknown index", "not found")
"""What servers say of an index that is not there: Redis 8, Redis Stack, valkey-search."""


class RedisVectors:
    """See the module, and `store.VectorStore`. `prefix`: of the shelf; `model`: what makes the vectors."""

    def __init__(self, shelf: RedisShelf, remote: Remote, seal: Seal, *, prefix: str, model: str) -> None:
        self.remote = remote
        self._shelf = shelf
        self._seal = seal
        self._index = f"{prefix}index"
        self._about = f"{prefix}about"
        self._model = model
        self._ready = 0
        """How many numbers the vectors of the index have, once that is known."""

    async def search(self, group: str, vector: Sequence[float], threshold: float, now_ms: int) -> list[Near]:
        """See `VectorStore`."""
        row = unit(vector)
        if row is None:
            return []
        found = await self.remote.ask(partial(self._search, group, row.tobytes()))
        near: list[Near] = []
        for sealed, distance in found or ():
            similarity = 1.0 - distance
            kept = read_kept(self._seal, group, sealed)
            if kept is None:
                self.remote.forged("a vector")
            elif kept.expires_ms > now_ms and similarity >= threshold:
                near.append(Near(kept.key, kept.text, similarity))
        return sorted(near, key=lambda one: -one.similarity)

    def add(self, group: str, vector: Sequence[float], kept: Kept, now_ms: int) -> None:
        """See `VectorStore`."""
        row = unit(vector)
        if row is None or kept.expires_ms <= now_ms:
            return
        data, sealed = row.tobytes(), write_kept(self._seal, group, kept)
        size = len(data) + len(sealed) + OVERHEAD_BYTES
        fields = {"g": _digest(group).encode(), "v": data, "k": sealed}
        item = Item(kept.key, kept.tags, kept.expires_ms, size, fields)
        self.remote.tell(partial(self._put, item, now_ms), size)

    def remove(self, key: str) -> None:
        """See `VectorStore`."""
        self.remote.tell(partial(self._shelf.remove, key), len(key))

    def clear(self, clearing: Clearing) -> None:
        """See `VectorStore`."""
        self.remote.clear(self._clear, clearing)

    async def _clear(self, clearing: Clearing) -> None:
        await self._shelf.clear(clearing)
        if clearing != Clearing():
            return
        try:
            await self._shelf.redis.run("FT.DROPINDEX", self._index)
        except RedisRefused as error:
            if not any(words in error.message.lower() for words in _NO_INDEX):
                return  # it may not be dropped: the note is still right
        await self._shelf.redis.run("DEL", self._about)
        self._ready = 0

    async def _search(self, group: str, vector: bytes) -> list[tuple[bytes, float]]:
        await self._prepare(len(vector) // 4)
        words = ("PARAMS", "2", "vector", vector, "RETURN", "2", "k", "distance", "DIALECT", "2")
        query = f"(@g:{{{_digest(group)}}})=>[KNN {CANDIDATES_MAX} @v $vector AS distance]"
        command = ("FT.SEARCH", self._index, query, *words, "LIMIT", "0", CANDIDATES_MAX)
        try:
            found: Any = await self._shelf.redis.run(*command)
        except RedisRefused:
            self._ready = 0  # perhaps the server lost its index, or somebody cleared everything
            await self._prepare(len(vector) // 4)
            found = await self._shelf.redis.run(*command)
        rows: list[tuple[bytes, float]] = []
        for fields in found[2::2]:
            named = dict(zip(fields[::2], fields[1::2], strict=True))
            if b"k" in named and b"distance" in named:
                rows.append((named[b"k"], float(named[b"distance"])))
        return rows

    async def _put(self, item: Item, now_ms: int) -> None:
        await self._prepare(len(item.fields["v"]) // 4)
        await self._shelf.put(item, now_ms)

    async def _prepare(self, dimensions: int) -> None:
        """The index is there, and for vectors like these. Raises `OtherVectors` for another."""
        if self._ready == dimensions:
            return
        redis = self._shelf.redis
        ours = f"{dimensions} {self._model}"
        await redis.run("SET", self._about, ours, "NX")
        about = cast("bytes | None", await redis.run("GET", self._about))
        if about is not None and about != ours.encode():
            raise OtherVectors(self._about, about.decode(errors="replace"), ours)
        schema = ("g", "TAG", "v", "VECTOR", "HNSW", "6", "TYPE", "FLOAT32", "DIM", dimensions)
        try:
            await redis.run(
                "FT.CREATE", self._index, "ON", "HASH", "PREFIX", "1", self._shelf.items,
                "SCHEMA", *schema, "DISTANCE_METRIC", "COSINE",
            )  # fmt: skip
        except RedisRefused as error:
            if "exists" not in error.message:
                raise
        self._ready = dimensions


def _digest(group: str) -> str:
    """A word without signs, which a query may contain."""
    return hashlib.blake2b(group.encode(errors="surrogatepass"), digest_size=16).hexdigest()
