"""Entries in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.cache.stores import BYTES_MAX, NOW_MS, SUITE, entry, find

from asbru.cache import Clearing, MemoryStore, Store


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_it_does_what_every_store_does(check: Callable[[Store], None]) -> None:
    """The suite of all stores."""
    check(MemoryStore(BYTES_MAX))


def test_what_was_used_longest_ago_goes_first() -> None:
    """Being found is being used; the bytes are counted down to zero."""
    size = entry("0").size_bytes
    store = MemoryStore(3 * size)
    for key in "012":
        store.put(entry(key), NOW_MS)
    assert find(store, "0") is not None
    store.put(entry("3"), NOW_MS)
    assert [key for key in "0123" if find(store, key) is not None] == ["0", "2", "3"]
    assert (store.bytes, len(store), store.evicted) == (3 * size, 3, 1)
    store.limit(size)
    assert (store.bytes, len(store)) == (size, 1)
    store.clear(Clearing())
    assert (store.bytes, len(store)) == (0, 0)
