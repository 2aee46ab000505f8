"""Entries in a real Valkey, from the worker's call to the server and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cache.stores import BYTES_MAX, NOW_MS, SUITE, entry
from tests.fakes.redis_server import Drained, Loop, find_valkey, serving

from asbru.cache import Clearing, Entry, Store
from asbru.cache.entry import OVERHEAD_BYTES, write_entry
from asbru.cache.redis import RedisShelf, RedisStore, shelf
from asbru.cache.remote import SEAL_BYTES, Remote, Seal
from asbru.cache.remote.remote import LINE_BYTES_MAX
from asbru.core.secret_text import SecretText
from asbru.kv import Redis

SECRET = b"s" * 32
SIZE = len(write_entry(entry("b"))) + SEAL_BYTES + 1 + OVERHEAD_BYTES
"""What an entry under a key of one letter counts."""


class Rig(NamedTuple):
    loop: Loop
    redis: Redis

    def store(self, secret: bytes = SECRET, bytes_max: int = BYTES_MAX) -> RedisStore:
        shelf = RedisShelf(self.redis, "t:", bytes_max)
        return RedisStore(shelf, Remote("redis", self.loop.bounded, 5.0), Seal(secret))

    def run(self, *words: str | bytes | float) -> object:
        return self.loop.run(self.redis.run(*words))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretText]:
    with serving(find_valkey(), tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def rig(server: SecretText) -> Iterator[Rig]:
    loop = Loop()
    made = Rig(loop, Redis(loop.loop, server, 5.0))
    made.run("FLUSHALL")
    yield made
    made.redis.close()
    loop.close()


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_it_does_what_every_store_does(rig: Rig, check: Callable[[Store], None]) -> None:
    """The suite of all stores."""
    check(Drained(rig.store(), rig.loop))


def test_gateways_with_the_same_secret_share_and_others_find_nothing(rig: Rig) -> None:
    """What one wrote another reads; under another secret it is no entry, and counted."""
    one, other = rig.store(), rig.store(b"o" * 32)
    Drained(one, rig.loop).put(entry(), NOW_MS)
    assert rig.loop.run(rig.store().find(entry().key, NOW_MS)) == entry()
    assert rig.loop.run(other.find(entry().key, NOW_MS)) is None
    assert other.remote.problems["forged"] == 1


def test_an_entry_is_found_while_its_write_waits(rig: Rig) -> None:
    """Calls that waited for an identical one look as soon as it has ended: behind slow writes, too, they need not ask
    the provider again. Once written, or lost for want of room, it is held here no more."""
    store = rig.store()

    async def put_and_find() -> tuple[Entry | None, Entry | None]:
        store.put(entry("before"), NOW_MS)
        store.put(entry(), NOW_MS)
        return await store.find(entry().key, NOW_MS), await store.find(entry().key, entry().expires_ms)

    assert rig.loop.run(put_and_find()) == (entry(), None)
    rig.loop.drain(store)
    Drained(rig.store(), rig.loop).clear(Clearing())
    assert rig.loop.run(store.find(entry().key, NOW_MS)) is None
    store.remote.line_bytes = LINE_BYTES_MAX
    store.put(entry(), NOW_MS)
    assert rig.loop.run(store.find(entry().key, NOW_MS)) is None


def test_what_waits_is_not_found_once_it_is_cleared(rig: Rig) -> None:
    """The clearing waits behind the write, and neither is done."""
    store = rig.store()

    async def put_clear_and_find() -> Entry | None:
        store.put(entry(), NOW_MS)
        store.clear(Clearing())
        return await store.find(entry().key, NOW_MS)

    assert rig.loop.run(put_clear_and_find()) is None
    rig.loop.drain(store)
    assert rig.loop.run(store.find(entry().key, NOW_MS)) is None


def test_what_was_moved_cut_or_made_up_is_not_served(rig: Rig) -> None:
    """The answer of another scope under this key, half an entry, and bytes of somebody else."""
    store = Drained(rig.store(), rig.loop)
    store.put(entry("key:a/1"), NOW_MS)
    store.put(entry("key:b/1"), NOW_MS)
    theirs = rig.run("HGET", "t:item:key:b/1", "entry")
    assert isinstance(theirs, bytes)
    for forged in (theirs, theirs[:20], b"", b"nonsense" * 9):
        rig.run("HSET", "t:item:key:a/1", "entry", forged)
        assert rig.loop.run(store.store.find("key:a/1", NOW_MS)) is None
    assert store.store.remote.problems == {"away": 0, "forged": 4, "shed": 0}
    rig.run("SET", "t:item:key:c/1", "no hash")
    assert rig.loop.run(store.store.find("key:c/1", NOW_MS)) is None


def test_what_has_expired_is_counted_no_more(rig: Rig) -> None:
    """Redis drops an item by itself; the next write takes it out of the sums, which end at nothing."""
    store = Drained(rig.store(), rig.loop)
    store.put(entry("a", ttl_ms=30_000), NOW_MS)
    assert 0 < int(str(rig.run("PTTL", "t:item:a"))) <= 30_000
    store.put(entry("b", ttl_ms=3_000_000), NOW_MS + 40_000)
    assert rig.run("ZRANGE", "t:ends", 0, -1) == [b"b"]
    assert rig.run("HKEYS", "t:sizes") == [b"b"]
    assert rig.run("GET", "t:bytes") == rig.run("HGET", "t:sizes", "b")
    store.clear(Clearing())
    assert rig.run("KEYS", "t:*") == [b"t:bytes"]
    assert rig.run("GET", "t:bytes") == b"0"


def test_what_the_server_evicted_by_itself_does_not_fill_the_shelf(rig: Rig) -> None:
    """With `maxmemory` a server drops what it likes: sums that are wrong since are set right by the next write."""
    store = Drained(rig.store(), rig.loop)
    store.put(entry("a"), NOW_MS)
    rig.run("DEL", "t:ends", "t:sizes", "t:item:a")
    rig.run("SET", "t:bytes", 10 * BYTES_MAX)
    store.put(entry("b"), NOW_MS)
    store.put(entry("c"), NOW_MS)
    assert rig.loop.run(store.store.find("c", NOW_MS)) is not None
    assert rig.run("GET", "t:bytes") in [b"%d" % (count * SIZE) for count in (1, 2)]


def test_a_clearing_goes_through_many_pages(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """More keys than are read at once, and only those that are meant."""
    monkeypatch.setattr(shelf, "SCANNED_AT_ONCE", 50)  # of more than the 128 that the server has in one page
    store = rig.store(bytes_max=1 << 30)
    for number in range(300):
        store.put(entry(f"key:{'a' if number % 2 else 'b'}/{number}"), NOW_MS)
    rig.loop.drain(store)
    Drained(store, rig.loop).clear(Clearing(prefix="key:a/"))
    assert rig.run("ZCARD", "t:ends") == 150


def test_a_server_that_is_away_costs_nothing_but_hits(rig: Rig, tmp_path: Path) -> None:
    """Said once; meanwhile it is not asked; when it is back, entries are found again, and what was cleared is gone."""
    with serving(find_valkey(), tmp_path) as url:
        redis = Redis(rig.loop.loop, url, 5.0)
        store = RedisStore(RedisShelf(redis, "t:", BYTES_MAX), Remote("redis", rig.loop.bounded, 5.0), Seal(SECRET))
        Drained(store, rig.loop).put(entry(), NOW_MS)
    assert rig.loop.run(store.find(entry().key, NOW_MS)) is None
    assert store.remote.problems["away"] == 1 and store.remote.rests
    assert rig.loop.run(store.find(entry().key, NOW_MS)) is None
    assert store.remote.problems["away"] == 1
    store.clear(Clearing(tag="x"))
    with serving(find_valkey(), tmp_path):
        rig.loop.drain(store)
        assert not store.remote.rests
        store.put(entry(), NOW_MS)
        rig.loop.drain(store)
        assert rig.loop.run(store.find(entry().key, NOW_MS)) == entry()
    redis.close()
