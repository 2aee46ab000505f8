"""Entries in the database, from the worker's call to the table and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cache.stores import BYTES_MAX, NOW_MS, SUITE, entry, find

from asbru.cache import Clearing, Entry, MemoryStore, Store
from asbru.cache.sql import SharedStore, TieredStore, follow_clearings
from asbru.cache.sql.questions import CLEARED, FIND, GENERATION, Find
from asbru.cache.sql.table import SWEPT_EVERY, CacheTable, read_size
from asbru.core.future import Future
from asbru.storage import StorageError, open_database, sqlite_url


class Batches:
    def __init__(self, table: CacheTable) -> None:
        self._table = table
        self._added: list[bytes] = []

    def add(self, payload: bytes, rows: int) -> bool:
        assert rows == 1
        self._added.append(payload)
        return True

    def flush(self) -> None:
        for payload in self._added:
            self._table.keep(payload)
        self._added.clear()
        assert self._table.commit(0.0)


class Link:
    """A link without a socket: the host's promise is that an answer comes after everything sent before."""

    def __init__(self, table: CacheTable) -> None:
        self.table = table
        self.away = False
        self.connected: list[Callable[[], None]] = []
        self.subscribers: dict[str, Callable[[bytes], None]] = {}

    def batches(self, table: str, *, backlog_bytes_max: int = 0) -> Any:
        del table, backlog_bytes_max
        return Batches(self.table)

    def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
        assert subject == FIND and deadline_s < 1
        told: Future[bytes | None] = Future()
        told.resolve(None if self.away else self.table.look_up(msgspec.msgpack.decode(payload, type=Find)))
        return told

    def ask(self, subject: str, payload: bytes, on_reply: Callable[[bytes | None], None], deadline_s: float) -> None:
        assert subject == GENERATION and not payload and deadline_s
        on_reply(None if self.away else self.table.generation)

    def subscribe(self, subject: str, on_message: Callable[[bytes], None]) -> None:
        self.subscribers[subject] = on_message

    def on_connect(self, call: Callable[[], None]) -> None:
        self.connected.append(call)


class Asked:
    """A question of the control process."""

    def __init__(self, clearing: Clearing) -> None:
        self.payload = msgspec.msgpack.encode(clearing)


class Whole(SharedStore):
    """The shared store, cleared as the control process clears it."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, BYTES_MAX)
        self._table = link.table

    def clear(self, clearing: Clearing) -> None:
        assert self._table.clear(Asked(clearing)) == b"1"  # type: ignore[arg-type]  # as much of a question as it reads


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = sqlite_url(tmp_path / "x.sqlite")
    open_database(url).close()
    return url


@pytest.fixture
def table(url: str) -> Any:
    table = CacheTable(url, lambda subject, payload: None)
    yield table
    table.close()


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_it_does_what_every_store_does(check: Callable[[Store], None], table: CacheTable) -> None:
    """The suite of all stores, through the worker's side."""
    check(Whole(Link(table)))


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_memory_before_it_changes_nothing(check: Callable[[Store], None], table: CacheTable) -> None:
    """The suite once more, with both tiers."""
    check(TieredStore(MemoryStore(BYTES_MAX), Whole(Link(table))))


def test_another_worker_finds_what_one_has_kept(table: CacheTable) -> None:
    """Entries are shared; what is found is then in the memory of the finder too."""
    kept = entry()
    TieredStore(MemoryStore(BYTES_MAX), Whole(Link(table))).put(kept, NOW_MS)
    memory = MemoryStore(BYTES_MAX)
    assert find(TieredStore(memory, Whole(Link(table))), kept.key) == kept
    assert memory.look_up(kept.key, NOW_MS) == kept


def test_a_new_life_of_the_bookkeeper_finds_what_was_written(url: str, table: CacheTable) -> None:
    """Entries survive a restart, and count against the bytes of the new process."""
    Whole(Link(table)).put(entry(size=BYTES_MAX // 2), NOW_MS)
    again = CacheTable(url, lambda subject, payload: None)
    store = Whole(Link(again))
    assert find(store, entry().key) is not None
    store.put(entry("another", size=int(BYTES_MAX * 0.7)), NOW_MS)
    assert find(store, entry().key) is None
    assert read_size(url).entries == 1
    again.close()


def test_what_has_expired_is_deleted(url: str, table: CacheTable) -> None:
    """The table does not grow with entries that nobody is served."""
    store = Whole(Link(table))
    for number in range(SWEPT_EVERY):
        store.put(entry(f"old-{number}", size=10, ttl_ms=5), NOW_MS)
    late = msgspec.structs.replace(entry("new"), made_ms=NOW_MS + 10, expires_ms=NOW_MS + 20)
    store.put(late, NOW_MS + 10)
    assert read_size(url).entries == 1


def test_a_bookkeeper_that_is_away_has_nothing(table: CacheTable) -> None:
    """A question without an answer is a miss."""
    link = Link(table)
    store = Whole(link)
    store.put(entry(), NOW_MS)
    link.away = True
    assert find(store, entry().key) is None


def test_a_database_that_fails_has_nothing_and_is_used_again(
    table: CacheTable, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Entries are given up and counted, questions find nothing, a clearing is refused; said once; then all is well."""
    store = Whole(Link(table))
    with monkeypatch.context() as broken:

        def fail(url: str) -> None:
            raise StorageError(f"the disk of {url} is full")

        broken.setattr("asbru.cache.sql.table.open_database", fail)
        store.put(entry(), NOW_MS)
        store.put(entry(), NOW_MS)
        assert find(store, entry().key) is None
        with pytest.raises(StorageError):
            store.clear(Clearing())
    assert table.dropped == 2
    assert capfd.readouterr().err.count("cannot use the database") == 1
    store.put(entry(), NOW_MS)
    assert find(store, entry().key) == entry()


def test_garbage_is_given_up(table: CacheTable) -> None:
    """A batch that nobody can read ends nothing; an entry of another version is a miss."""
    table.keep(b"\xc1")
    assert table.commit(0.0)
    assert table.dropped == 1
    link = Link(table)
    store = Whole(link)
    store.put(entry(), NOW_MS)
    database = table._open()
    with database.transaction():
        database.run("UPDATE cache_entries SET body = ?", (b"\x81\x01\x02",))
    assert find(store, entry().key) is None


def test_clearings_reach_the_memory_of_workers(url: str) -> None:
    """A push clears what it names, elsewhere too; what was missed while away clears all of the memory."""
    pushed: list[tuple[str, bytes]] = []
    table = CacheTable(url, lambda subject, payload: pushed.append((subject, payload)))
    link = Link(table)
    memory = MemoryStore(BYTES_MAX)
    elsewhere: list[Clearing] = []
    follow_clearings(link, memory, elsewhere.append)

    def connect() -> None:
        for call in link.connected:
            call()

    def held() -> list[str]:
        return [key for key in ("a", "b") if memory.look_up(key, NOW_MS) is not None]

    def fill() -> None:
        for key in ("a", "b"):
            memory.put(entry(key), NOW_MS)

    connect()
    fill()
    table.clear(Asked(Clearing(key="a")))  # type: ignore[arg-type]  # as above
    ((subject, payload),) = pushed
    assert subject == CLEARED
    link.subscribers[CLEARED](payload)
    assert held() == ["b"]
    assert elsewhere == [Clearing(key="a")]
    connect()
    assert held() == ["b"]
    table.clear(Asked(Clearing(key="zzz")))  # type: ignore[arg-type]  # as above; while the worker is away
    connect()
    assert held() == []
    fill()
    link.table = CacheTable(url, lambda subject, payload: None)
    connect()
    assert held() == []
    assert elsewhere == [Clearing(key="a")], "what others share is not cleared on a guess"
    table.close()


def test_an_entry_may_hold_any_bytes(table: CacheTable) -> None:
    """What comes back is what was kept, byte for byte."""
    odd: Entry = msgspec.structs.replace(entry(), pieces=(bytes(range(256)), b"", b"\r\n\0"))
    store = Whole(Link(table))
    store.put(odd, NOW_MS)
    assert find(store, odd.key) == odd
