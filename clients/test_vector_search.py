"""Vectors in real search: RediSearch in a Valkey, and Qdrant's local engine behind its own request models."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from clients.qdrant_local import QdrantLocal
from tests.cache.semantic.vector_stores import SUITE, add, search
from tests.fakes.redis_server import DrainedVectors, Loop, find_search_module, find_valkey, serving

from asbru.cache import Clearing
from asbru.cache.redis import RedisShelf
from asbru.cache.remote import Remote, Seal
from asbru.cache.semantic import VectorStore
from asbru.cache.semantic.qdrant import SWEPT_EVERY, QdrantVectors
from asbru.cache.semantic.redis import RedisVectors
from asbru.core.secret_text import SecretText
from asbru.kv import Redis

pytestmark = pytest.mark.clients

SECRET = b"s" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretText]:
    folder = tmp_path_factory.mktemp("valkey")
    with serving(find_valkey(), folder, "--loadmodule", str(find_search_module())) as url:
        yield url


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def redis(server: SecretText, loop: Loop) -> Iterator[Redis]:
    made = Redis(loop.loop, server, 5.0)
    loop.run(made.run("FLUSHALL"))
    yield made
    made.close()


def in_redis(
    redis: Redis, loop: Loop, *, bytes_max: int = 1 << 20, model: str = "m", secret: bytes = SECRET
) -> RedisVectors:
    shelf = RedisShelf(redis, "t:", bytes_max)
    return RedisVectors(shelf, Remote("redis", loop.paths, 5.0), Seal(secret), prefix="t:", model=model)


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_redis_does_what_every_store_of_vectors_does(
    redis: Redis, loop: Loop, check: Callable[[VectorStore], None]
) -> None:
    """The suite of all stores of vectors."""
    check(DrainedVectors(in_redis(redis, loop), loop))


def test_redis_stays_within_its_bytes(redis: Redis, loop: Loop) -> None:
    """What is put last is found, and no more than fits."""
    store = DrainedVectors(in_redis(redis, loop, bytes_max=20_000), loop)
    for number in range(40):
        add(store, f"k{number:02}", 1.0, float(number))
    assert next(near.key for near in search(store, 1.0, 39.0, threshold=0.99999)) == "k39"
    assert 5 < loop.run(redis.run("ZCARD", "t:ends")) < 20


def test_vectors_of_another_model_are_refused(redis: Redis, loop: Loop) -> None:
    """By name or length: nothing is found or kept, the log says why, and what is there stays."""
    store = DrainedVectors(in_redis(redis, loop), loop)
    add(store, "a", 1.0, 0.0)
    for row, model in ((1.0, 0.0, 0.0), "m"), ((1.0, 0.0), "other"):
        other = in_redis(redis, loop, model=model)
        assert search(DrainedVectors(other, loop), *row) == []
        assert other.remote.problems["away"] == 1
    assert [near.key for near in search(store, 1.0, 0.0)] == ["a"]


def test_a_clearing_of_everything_makes_room_for_another_model(redis: Redis, loop: Loop) -> None:
    """Also where the index is gone already. One of a tag leaves the model in place. A gateway that did not hear of it
    makes the index anew with its next search, which fails for nobody."""
    store, unaware = in_redis(redis, loop), in_redis(redis, loop)
    add(DrainedVectors(store, loop), "a", 1.0, 0.0)
    assert [near.key for near in search(DrainedVectors(unaware, loop), 1.0, 0.0)] == ["a"]
    DrainedVectors(store, loop).clear(Clearing(tag="x"))
    assert loop.run(redis.run("GET", "t:about")) == b"2 m"
    for _ in range(2):
        DrainedVectors(store, loop).clear(Clearing())
        assert loop.run(redis.run("KEYS", "t:*")) == [b"t:bytes"]
    assert search(DrainedVectors(unaware, loop), 1.0, 0.0) == []
    DrainedVectors(store, loop).clear(Clearing())
    other = DrainedVectors(in_redis(redis, loop, model="other"), loop)
    add(other, "b", 1.0, 0.0, 0.0)
    assert [near.key for near in search(other, 1.0, 0.0, 0.0)] == ["b"]
    assert (store.remote.problems["away"], unaware.remote.problems["away"]) == (0, 0)


def test_a_vector_that_was_not_written_by_asbru_is_ignored(redis: Redis, loop: Loop) -> None:
    """Another secret, and what was made for another group."""
    store, other = in_redis(redis, loop), in_redis(redis, loop, secret=b"o" * 32)
    add(DrainedVectors(store, loop), "a", 1.0, 0.0)
    add(DrainedVectors(store, loop), "b", 1.0, 0.0, group="theirs")
    assert search(DrainedVectors(other, loop), 1.0, 0.0) == []
    sealed = loop.run(redis.run("HGET", "t:item:b", "k"))
    loop.run(redis.run("HSET", "t:item:a", "k", sealed))
    assert search(DrainedVectors(store, loop), 1.0, 0.0) == []
    assert (store.remote.problems["forged"], other.remote.problems["forged"]) == (1, 1)


def test_an_index_that_is_gone_is_made_anew(redis: Redis, loop: Loop) -> None:
    """A server that lost everything fails once, then serves what is written since."""
    store = DrainedVectors(in_redis(redis, loop), loop)
    add(store, "a", 1.0, 0.0)
    loop.run(redis.run("FLUSHALL"))
    assert search(store, 1.0, 0.0) == []
    store.store.remote._rests_until_s = 0.0
    add(store, "b", 1.0, 0.0)
    assert [near.key for near in search(store, 1.0, 0.0)] == ["b"]


def in_qdrant(server: QdrantLocal, loop: Loop, *, bytes_max: int = 1 << 20, secret: bytes = SECRET) -> QdrantVectors:
    return QdrantVectors(server, "c", Remote("qdrant", loop.paths, 5.0), Seal(secret), bytes_max=bytes_max)


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_qdrant_does_what_every_store_of_vectors_does(loop: Loop, check: Callable[[VectorStore], None]) -> None:
    """The suite of all stores of vectors; nothing is refused."""
    store = in_qdrant(QdrantLocal(), loop)
    check(DrainedVectors(store, loop))
    assert store.remote.problems == {"away": 0, "forged": 0, "shed": 0}


def test_qdrant_stays_within_its_bytes(loop: Loop) -> None:
    """What has expired and what is oldest goes with every so many writes."""
    server = QdrantLocal()
    store = in_qdrant(server, loop, bytes_max=20_000)
    for number in range(SWEPT_EVERY + 1):
        add(DrainedVectors(store, loop), f"k{number:02}", 1.0, float(number))
    assert 5 < server.client.count("c").count < 20
    assert store.remote.problems["away"] == 0


def test_a_collection_for_other_vectors_is_refused(loop: Loop) -> None:
    """Another length: nothing is found or kept, and what is there stays."""
    server = QdrantLocal()
    store = DrainedVectors(in_qdrant(server, loop), loop)
    add(store, "a", 1.0, 0.0)
    other = in_qdrant(server, loop)
    assert search(DrainedVectors(other, loop), 1.0, 0.0, 0.0) == []
    assert other.remote.problems["away"] == 1
    assert [near.key for near in search(store, 1.0, 0.0)] == ["a"]


def test_a_point_that_was_not_written_by_asbru_is_ignored(loop: Loop) -> None:
    """Another secret, and a payload without a seal."""
    server = QdrantLocal()
    store, other = in_qdrant(server, loop), in_qdrant(server, loop, secret=b"o" * 32)
    add(DrainedVectors(store, loop), "a", 1.0, 0.0)
    assert search(DrainedVectors(other, loop), 1.0, 0.0) == []
    points, _ = server.client.scroll("c")
    server.client.set_payload("c", {"sealed": "?"}, [point.id for point in points])
    assert search(DrainedVectors(store, loop), 1.0, 0.0) == []
    assert (store.remote.problems["forged"], other.remote.problems["forged"]) == (1, 1)


def test_a_collection_that_is_gone_is_made_anew(loop: Loop) -> None:
    """Somebody deleted it: one write is lost."""
    server = QdrantLocal()
    store = DrainedVectors(in_qdrant(server, loop), loop)
    add(store, "a", 1.0, 0.0)
    server.client.delete_collection("c")
    add(store, "b", 1.0, 0.0)
    store.store.remote._rests_until_s = 0.0
    add(store, "b", 1.0, 0.0)
    assert [near.key for near in search(store, 1.0, 0.0)] == ["b"]
