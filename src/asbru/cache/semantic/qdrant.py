"""Vectors in Qdrant (1.10 or newer), over its REST interface. https://api.qdrant.tech

A point has the id of its entry's key (a UUID made of its digest), the vector, and a payload: `group`, `key`, `tags`,
`expires_ms`, `made_ms`, and what it is of, sealed. The collection is made by the first call. One that has vectors of
another length or distance is refused until the operator names another.

Qdrant has neither an end for points nor a bound in bytes: expired ones are not found, and are deleted with every
SWEPT_EVERY-th write, as are the oldest where there are more than fit, some at a time.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, cast

import msgspec

from asbru.cache.entry import Clearing
from asbru.cache.remote import Remote, Seal
from asbru.cache.semantic.sealed import OtherVectors, read_kept, unit, write_kept
from asbru.cache.semantic.store import CANDIDATES_MAX, Kept, Near
from asbru.core.errors import GatewayError

OVERHEAD_BYTES: Final = 1024
"""What a point takes beside its vector, about."""
SWEPT_EVERY: Final = 64
SCROLLED_AT_ONCE: Final = 200
"""Points of one response, which is bounded in bytes. More than SWEPT_EVERY, so that sweeps keep up with writes."""
_INDEXED: Final = (("group", "keyword"), ("key", "keyword"), ("expires_ms", "integer"), ("made_ms", "integer"))


class QdrantRefused(GatewayError):
    """Qdrant answered with an error, or with what cannot be read."""


class Fetch(Protocol):
    """One request of Qdrant: the status and the body of the answer. Raises `AsbruError`; awaits nothing but Futures."""

    def __call__(self, method: str, path: str, body: bytes) -> Awaitable[tuple[int, bytes]]: ...


class QdrantVectors:
    """See the module, and `store.VectorStore`. `bytes_max`: of all points, about."""

    def __init__(self, fetch: Fetch, collection: str, remote: Remote, seal: Seal, *, bytes_max: int) -> None:
        self.remote = remote
        self.bytes_max = bytes_max
        self._fetch = fetch
        self._path = f"/collections/{collection}"
        self._seal = seal
        self._ready = 0
        self._writes = 0

    async def search(self, group: str, vector: Sequence[float], threshold: float, now_ms: int) -> list[Near]:
        """See `VectorStore`."""
        row = unit(vector)
        if row is None:
            return []
        found = await self.remote.ask(partial(self._search, group, row.tolist(), threshold, now_ms))
        near: list[Near] = []
        for point in found or ():
            kept = read_kept(self._seal, group, _sealed(point.payload))
            if kept is None:
                self.remote.forged("a vector")
            elif kept.expires_ms > now_ms and point.score >= threshold:
                near.append(Near(kept.key, kept.text, point.score))
        return sorted(near, key=lambda one: -one.similarity)

    def add(self, group: str, vector: Sequence[float], kept: Kept, now_ms: int) -> None:
        """See `VectorStore`."""
        row = unit(vector)
        if row is None or kept.expires_ms <= now_ms:
            return
        payload = {
            "group": group,
            "key": kept.key,
            "tags": list(kept.tags),
            "expires_ms": kept.expires_ms,
            "made_ms": now_ms,
            "sealed": base64.b64encode(write_kept(self._seal, group, kept)).decode(),
        }
        point = {"id": _id(kept.key), "vector": row.tolist(), "payload": payload}
        self.remote.tell(partial(self._put, point, now_ms), 4 * len(row) + OVERHEAD_BYTES)

    def remove(self, key: str) -> None:
        """See `VectorStore`."""
        self.remote.tell(partial(self._ask, "POST", "/points/delete?wait=true", {"points": [_id(key)]}), len(key))

    def clear(self, clearing: Clearing) -> None:
        """See `VectorStore`."""
        self.remote.clear(self._clear, clearing)

    async def _search(self, group: str, vector: list[float], threshold: float, now_ms: int) -> list[_Point]:
        if not await self._fits(len(vector)):
            return []
        must = [
            {"key": "group", "match": {"value": group}},
            {"key": "expires_ms", "range": {"gt": now_ms}},
        ]
        body = {
            "query": vector,
            "filter": {"must": must},
            "limit": CANDIDATES_MAX,
            "score_threshold": threshold,
            "with_payload": ["sealed"],
        }
        answer = await self._ask("POST", "/points/query", body)
        return _read(answer, _Found).points

    async def _put(self, point: Mapping[str, Any], now_ms: int) -> None:
        await self._prepare(len(point["vector"]))
        await self._ask("PUT", "/points?wait=true", {"points": [point]})
        if self._writes % SWEPT_EVERY == 0:
            await self._sweep(now_ms)
        self._writes += 1

    async def _sweep(self, now_ms: int) -> None:
        """Delete what has expired, then the oldest that have no room."""
        ended = {"must": [{"key": "expires_ms", "range": {"lte": now_ms}}]}
        await self._ask("POST", "/points/delete?wait=true", {"filter": ended})
        count = _read(await self._ask("POST", "/points/count", {"exact": True}), _Count).count
        excess = count - max(1, self.bytes_max // (4 * self._ready + OVERHEAD_BYTES))
        if excess > 0:
            oldest = {"limit": min(excess, SCROLLED_AT_ONCE), "order_by": {"key": "made_ms"}, "with_payload": False}
            page = _read(await self._ask("POST", "/points/scroll", oldest), _Page)
            await self._delete([point.id for point in page.points])

    async def _clear(self, clearing: Clearing) -> None:
        """Points have no prefixes that Qdrant could find them by: pages of keys are read."""
        status, body = await self._fetch("GET", self._path, b"")
        if status == 404:
            return
        _checked(status, body)
        must: list[dict[str, Any]] = [{"key": "expires_ms", "range": {"gt": 0}}]  # what Asbru wrote
        if clearing.key:
            must.append({"key": "key", "match": {"value": clearing.key}})
        if clearing.tag:
            must.append({"key": "tags", "match": {"value": clearing.tag}})
        if not clearing.prefix:
            await self._ask("POST", "/points/delete?wait=true", {"filter": {"must": must}})
            return
        offset: object = None
        while True:
            body = {"limit": SCROLLED_AT_ONCE, "filter": {"must": must}, "with_payload": ["key"], "offset": offset}
            page = _read(await self._ask("POST", "/points/scroll", body), _Page)
            await self._delete([one.id for one in page.points if _key(one.payload).startswith(clearing.prefix)])
            offset = page.next_page_offset
            if offset is None:
                return

    async def _delete(self, ids: list[str | int]) -> None:
        if ids:
            await self._ask("POST", "/points/delete?wait=true", {"points": ids})

    async def _fits(self, dimensions: int) -> bool:
        """Whether the collection is there. Raises `OtherVectors` for one that has other vectors."""
        if self._ready == dimensions:
            return True
        status, body = await self._fetch("GET", self._path, b"")
        if status == 404:
            return False
        vectors = _read(_checked(status, body), _Collection).config.params.vectors
        theirs, ours = f"{vectors.size} {vectors.distance}", f"{dimensions} Cosine"
        if theirs != ours:
            raise OtherVectors(f"the Qdrant collection {self._path.rpartition('/')[2]}", theirs, ours)
        return True

    async def _prepare(self, dimensions: int) -> None:
        """The collection is there, with the indexes that filters and order need."""
        if self._ready == dimensions:
            return
        if not await self._fits(dimensions):
            vectors = {"size": dimensions, "distance": "Cosine"}
            status, body = await self._fetch("PUT", self._path, msgspec.json.encode({"vectors": vectors}))
            if status != 409:  # another worker was first
                _checked(status, body)
            await self._fits(dimensions)
        for name, schema in _INDEXED:
            await self._ask("PUT", "/index?wait=true", {"field_name": name, "field_schema": schema})
        self._ready = dimensions

    async def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> bytes:
        status, answer = await self._fetch(method, self._path + path, msgspec.json.encode(body))
        if status == 404:
            self._ready = 0  # somebody deleted the collection
        return _checked(status, answer)


class _Point(msgspec.Struct, frozen=True):
    id: str | int
    score: float = 0.0
    payload: dict[str, Any] | None = None


class _Found(msgspec.Struct, frozen=True):
    points: list[_Point]


class _Page(msgspec.Struct, frozen=True):
    points: list[_Point]
    next_page_offset: str | int | None = None


class _Count(msgspec.Struct, frozen=True):
    count: int


class _Vectors(msgspec.Struct, frozen=True):
    size: int
    distance: str


class _Params(msgspec.Struct, frozen=True):
    vectors: _Vectors


class _Config(msgspec.Struct, frozen=True):
    params: _Params


class _Collection(msgspec.Struct, frozen=True):
    config: _Config


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw


def _read(body: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.decode(body, type=_Answer).result, type=shape)
    except msgspec.MsgspecError as error:
        raise QdrantRefused(f"Qdrant sent a response that cannot be read: {error}"[:300]) from None


def _checked(status: int, body: bytes) -> bytes:
    if not 200 <= status < 300:
        raise QdrantRefused(f"Qdrant responded with status {status}: {body[:200].decode(errors='replace')}")
    return body


def _id(key: str) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).digest()))


def _sealed(payload: Mapping[str, Any] | None) -> bytes:
    try:
        return base64.b64decode(cast("str", (payload or {}).get("sealed")), validate=True)
    except (ValueError, TypeError):
        return b""


def _key(payload: Mapping[str, Any] | None) -> str:
    return str((payload or {}).get("key", ""))
