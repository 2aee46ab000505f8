"""What every store of the cache must do, whatever it keeps entries in. A test module runs `SUITE` on its own store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from tests.fakes.paths import run_path

from asbru.cache import Clearing, Entry, Store

NOW_MS: Final = 1_000_000


def entry(
    key: str = "key:a/chat/p/m/1", *, tags: tuple[str, ...] = (), size: int = 10, ttl_ms: int = 600_000
) -> Entry:
    """An entry of two pieces."""
    return Entry(
        key=key,
        provider="p",
        model="m",
        dialect="openai_chat",
        stream=True,
        content_type=b"text/event-stream",
        pieces=(b"x" * (size // 2), b"y" * (size - size // 2)),
        made_ms=NOW_MS,
        expires_ms=NOW_MS + ttl_ms,
        cost_nanousd=5,
        took_ms=7,
        tags=tags,
    )


def find(store: Store, key: str, now_ms: int = NOW_MS) -> Entry | None:
    """What the store has."""

    async def look() -> Entry | None:
        return await store.find(key, now_ms)

    return run_path(look())


def gives_back_what_was_put(store: Store) -> None:
    """An entry comes back as it went in, pieces and all; another key has nothing."""
    kept = entry(tags=("t",))
    store.put(kept, NOW_MS)
    assert find(store, kept.key) == kept
    assert find(store, kept.key + "0") is None
    assert find(store, kept.key[:-1]) is None


def takes_the_newer_of_a_key(store: Store) -> None:
    """A second entry of a key replaces the first."""
    store.put(entry(size=10), NOW_MS)
    newer = entry(size=20)
    store.put(newer, NOW_MS)
    assert find(store, newer.key) == newer


def serves_nothing_that_has_expired(store: Store) -> None:
    """The time of an entry is over at its last millisecond."""
    kept = entry(ttl_ms=1000)
    store.put(kept, NOW_MS)
    assert find(store, kept.key, NOW_MS + 999) == kept
    assert find(store, kept.key, NOW_MS + 1000) is None


def forgets_by_key_tag_prefix_and_all(store: Store) -> None:
    """Only what is meant goes; several conditions must all hold. A prefix is text, not a pattern."""
    keys = ("key:a/chat/p/m/1", "key:a/chat/p/m/2", "key:ab/chat/p/m/1", "key:a%/chat/p/m/1", "key:A/chat/p/m/1")

    def left(clearing: Clearing) -> list[str]:
        store.clear(Clearing())
        for number, key in enumerate(keys):
            store.put(entry(key, tags=("odd", "all") if number % 2 else ("all",)), NOW_MS)
        store.clear(clearing)
        return [key for key in keys if find(store, key) is not None]

    assert left(Clearing(key=keys[0])) == list(keys[1:])
    assert left(Clearing(prefix="key:a/")) == list(keys[2:])
    assert left(Clearing(prefix="key:a%")) == [key for key in keys if "%" not in key]
    assert left(Clearing(tag="odd")) == [keys[0], keys[2], keys[4]]
    assert left(Clearing(tag="od")) == list(keys)
    assert left(Clearing(tag="odd", prefix="key:a/")) == [keys[0], *keys[2:]]
    assert left(Clearing()) == []


def stays_within_its_bytes(store: Store) -> None:
    """However much is put, the last entries are there and the first are not. Its bound is BYTES_MAX."""
    for number in range(100):
        store.put(entry(f"key:a/{number}", size=BYTES_MAX // 10), NOW_MS + number)
    assert find(store, "key:a/99", NOW_MS + 100) is not None
    assert find(store, "key:a/0", NOW_MS + 100) is None
    held = [number for number in range(100) if find(store, f"key:a/{number}", NOW_MS + 100) is not None]
    assert 1 <= len(held) <= 10


def refuses_what_is_larger_than_itself(store: Store) -> None:
    """An entry that never fits drives nothing out."""
    small = entry("small")
    store.put(small, NOW_MS)
    store.put(entry("large", size=2 * BYTES_MAX), NOW_MS)
    assert find(store, "small") == small
    assert find(store, "large") is None


def keeps_unknown_costs_and_text(store: Store) -> None:
    """What is not known stays unknown; names are any text."""
    odd = msgspec.structs.replace(entry("key:ünï/chat/p/m:1/x"), cost_nanousd=None)
    store.put(odd, NOW_MS)
    assert find(store, odd.key) == odd


BYTES_MAX: Final = 100_000

SUITE: tuple[Callable[[Store], None], ...] = (
    gives_back_what_was_put,
    takes_the_newer_of_a_key,
    serves_nothing_that_has_expired,
    forgets_by_key_tag_prefix_and_all,
    stays_within_its_bytes,
    refuses_what_is_larger_than_itself,
    keeps_unknown_costs_and_text,
)
