"""Stores of the cache over reloads: what is not cleared yet is handed on, and what is not used any more goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.cache.stores import NOW_MS, entry
from tests.fakes.redis_server import Drained, Loop, find_valkey, serving
from tests.fakes.scripted_redis import ScriptedRedis, begin, talk

from asbru.app.cache_stores import CacheStores
from asbru.cache import CacheSettings, Clearing
from asbru.core.errors import GatewayError
from asbru.core.secret_text import SecretText

SECRET = b"s" * 32
TAGGED = Clearing(tag="x")


def settings(**changed: Any) -> CacheSettings:
    """Entries in Redis, and vectors where `semantic` says."""
    told = {"enabled": True, "store": "redis", **changed}
    return msgspec.convert(told, CacheSettings, dec_hook=lambda _, value: SecretText(value))


def away(port: int) -> dict[str, Any]:
    return {"url": f"redis://127.0.0.1:{port}/0"}


def nobody(*_: object) -> Any:
    """The pool of a server that is away."""
    raise GatewayError("away")


def begun() -> CacheStores:
    """Of this loop."""
    pytest.importorskip("redis")
    return CacheStores(asyncio.get_running_loop(), nobody)


def test_what_could_not_be_cleared_is_cleared_by_the_store_in_its_place() -> None:
    """The server was away for want of the right password: with the right one, nothing that was cleared is served."""

    async def reloads() -> None:
        stores = begun()
        before = stores.entries(settings(redis=away(1)), SECRET)
        stores.clear(TAGGED)
        assert stores.entries(settings(redis=away(1)), SECRET) is before
        after = stores.entries(settings(redis=away(2)), SECRET)
        assert after is not before and after.remote.clears
        assert after.remote.retire() == [TAGGED]

    asyncio.run(reloads())


def test_vectors_too() -> None:
    """Of one place and of another; vectors in memory are let go of with the first that are elsewhere."""
    pytest.importorskip("numpy")
    semantic = {"mode": "serve", "embeddings": "a/e"}
    in_memory = settings(semantic={**semantic, "vectors": "memory"})
    in_redis = settings(semantic={**semantic, "vectors": "redis"}, redis=away(1))
    qdrant = {"url": "http://127.0.0.1:1"}
    in_qdrant = settings(semantic={**semantic, "vectors": "qdrant", "qdrant": qdrant}, redis=away(1))

    async def reloads() -> None:
        stores = begun()
        memory = stores.vectors(in_memory, SECRET)
        stores.vectors(in_redis, SECRET)
        stores.clear(TAGGED)
        elsewhere = cast("Any", stores.vectors(in_qdrant, SECRET))
        assert elsewhere.remote.retire() == [TAGGED]
        assert stores.vectors(in_memory, SECRET) is not memory

    asyncio.run(reloads())


def test_a_reload_lets_calls_in_flight_have_their_answers(tmp_path: Path) -> None:
    """The client of the store before closes when the last one has its own."""
    held: list[Callable[[bytes], None]] = []
    server = ScriptedRedis(lambda words, write: held.append(write))

    async def reloads(_: object) -> None:
        stores = begun()
        path = f"unix://{tmp_path}/redis.sock"
        before = stores.entries(settings(redis={"url": path, "timeout_s": 10}), SECRET)
        found = begin(before.find("key", 0))
        while not held:  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
        stores.entries(settings(redis=away(2)), SECRET)
        held.pop()(b"$-1\r\n")
        assert await found is None
        assert before.remote.problems["away"] == 0
        await server.lost.acquire()

    talk(tmp_path, server, reloads)


def test_what_is_cleared_while_the_cache_is_off_stays_away(tmp_path: Path) -> None:
    """Whether the store was there before it was switched off or not: what Redis holds is not back with it."""
    loop = Loop()
    with serving(find_valkey(), tmp_path) as url:
        on = settings(redis={"url": url.reveal(), "timeout_s": 5})
        off = msgspec.structs.replace(on, enabled=False)
        kept = entry(tags=("x",))
        for starts_off in (False, True):
            stores = CacheStores(loop.loop, nobody)
            Drained(stores.entries(on, SECRET), loop).put(kept, NOW_MS)
            if starts_off:
                stores = CacheStores(loop.loop, nobody)
            stores.turn_off(off, SECRET)
            stores.clear(TAGGED)
            after = stores.entries(on, SECRET)
            stores.turn_on(on)
            loop.drain(after)
            assert loop.run(after.find(kept.key, NOW_MS)) is None
            Drained(after, loop).put(kept, NOW_MS)
            stores.clear(Clearing(prefix="other"))
            loop.drain(after)
            assert loop.run(after.find(kept.key, NOW_MS)) == kept
            stores._client(on).close()
    loop.close()


def test_a_clearing_outlives_the_cache_that_is_switched_off() -> None:
    """The server is away, and is put right while the cache is off: what waited to be cleared waits for the new one.
    Where the configuration names no store any more, nothing does."""

    async def reloads() -> None:
        stores = begun()
        stores.entries(settings(redis=away(1)), SECRET)
        stores.clear(TAGGED)
        stores.turn_off(settings(enabled=False, redis=away(2)), SECRET)
        after = stores.entries(settings(redis=away(2)), SECRET)
        assert after.remote.clears
        stores.turn_off(settings(enabled=False, store="memory"), SECRET)
        assert stores.entries(settings(redis=away(2)), SECRET) is not after

    asyncio.run(reloads())


def test_vectors_elsewhere_are_cleared_too_while_the_cache_is_off() -> None:
    """Those in Redis and in Qdrant; none are made for what is kept in memory, or for questions nobody compares."""
    pytest.importorskip("numpy")
    semantic = {"mode": "serve", "embeddings": "a/e", "qdrant": {"url": "http://127.0.0.1:1"}}

    async def clear(**changed: Any) -> Any:
        stores = begun()
        off = settings(enabled=False, redis=away(1), semantic={**semantic, **changed})
        stores.turn_off(off, SECRET)
        stores.clear(TAGGED)
        assert stores._entries is not None and stores._entries[1].remote.clears
        return None if stores._vectors is None else stores._vectors[1].remote.clears

    assert asyncio.run(clear(vectors="redis")) is True
    assert asyncio.run(clear(vectors="qdrant")) is True
    assert asyncio.run(clear(vectors="memory")) is None
    assert asyncio.run(clear(vectors="redis", mode="off")) is None
