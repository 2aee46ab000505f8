"""What every store of vectors must do, whatever is behind it. A test module runs `SUITE` on its own store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from tests.fakes.paths import run_path

from asbru.cache import Clearing
from asbru.cache.semantic import CANDIDATES_MAX, Kept, Near, VectorStore

NOW_MS: Final = 1_000_000


def add(store: VectorStore, key: str, *row: float, group: str = "g", tags: tuple[str, ...] = ()) -> None:
    """Keep a vector for a minute."""
    store.add(group, row, Kept(key, f"text of {key}", NOW_MS + 60_000, tags), NOW_MS)


def search(
    store: VectorStore, *row: float, group: str = "g", threshold: float = 0.8, now_ms: int = NOW_MS
) -> list[Near]:
    """What is near."""

    async def look() -> list[Near]:
        return await store.search(group, row, threshold, now_ms)

    return run_path(look())


def _keys(store: VectorStore, *row: float, group: str = "g", threshold: float = 0.8) -> list[str]:
    return [near.key for near in search(store, *row, group=group, threshold=threshold)]


def gives_the_nearest_first(store: VectorStore) -> None:
    """Cosine similarity from the threshold on; lengths do not matter, texts come back as they were."""
    add(store, "key:ü/a", 10.0, 0.0)
    add(store, "b", 0.1, 0.05)
    add(store, "c", 0.0, 1.0)
    (first, second) = search(store, 2.0, 0.0)
    assert (first.key, first.text) == ("key:ü/a", "text of key:ü/a")
    assert first.similarity == pytest.approx(1.0, abs=1e-5)
    assert (second.key, second.similarity) == ("b", pytest.approx(0.894427, abs=1e-5))
    assert _keys(store, 1.0, 0.0, threshold=0.99) == ["key:ü/a"]


def keeps_groups_apart(store: VectorStore) -> None:
    """Only what differs in nothing but its text is compared; a group's name is any text."""
    add(store, "a", 1.0, 0.0, group="key:{a}/*|x")
    add(store, "b", 1.0, 0.0, group="key:{a}/*|y")
    assert _keys(store, 1.0, 0.0, group="key:{a}/*") == []
    assert _keys(store, 1.0, 0.0, group="key:{a}/*|x") == ["a"]


def has_one_vector_for_an_entry(store: VectorStore) -> None:
    """A second of the same key replaces the first; removed ones are gone, and removing twice is harmless."""
    add(store, "a", 1.0, 0.0)
    add(store, "a", 0.0, 1.0)
    assert _keys(store, 1.0, 0.0) == []
    assert _keys(store, 0.0, 1.0) == ["a"]
    store.remove("a")
    store.remove("a")
    assert _keys(store, 0.0, 1.0) == []


def finds_nothing_that_has_expired(store: VectorStore) -> None:
    """The time of a vector is that of its entry."""
    add(store, "a", 1.0, 0.0)
    assert search(store, 1.0, 0.0, now_ms=NOW_MS + 59_999)
    assert search(store, 1.0, 0.0, now_ms=NOW_MS + 60_000) == []


def forgets_by_key_tag_prefix_and_all(store: VectorStore) -> None:
    """As entries are cleared."""
    keys = ["key:a/chat/1", "key:a/chat/2", "key:ab/chat/1"]

    def left(clearing: Clearing) -> list[str]:
        store.clear(Clearing())
        for number, key in enumerate(keys):
            add(store, key, 1.0, 0.0, tags=("odd", "all") if number % 2 else ("all",))
        store.clear(clearing)
        return sorted(_keys(store, 1.0, 0.0))

    assert left(Clearing(key=keys[0])) == keys[1:]
    assert left(Clearing(prefix="key:a/")) == keys[2:]
    assert left(Clearing(tag="odd")) == [keys[0], keys[2]]
    assert left(Clearing(tag="od")) == keys
    assert left(Clearing(tag="odd", prefix="key:ab/")) == keys
    assert left(Clearing()) == []


def ignores_what_has_no_direction(store: VectorStore) -> None:
    """Nonsense from a provider is not kept, finds nothing, and leaves everything as it was."""
    add(store, "a", 1.0, 0.0)
    for row in ((), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)):
        add(store, "b", *row)
        assert search(store, *row) == []
    assert _keys(store, 1.0, 0.0) == ["a"]


def gives_a_few_at_most(store: VectorStore) -> None:
    """However many are near."""
    for number in range(CANDIDATES_MAX + 4):
        add(store, f"k{number}", 1.0, 0.0)
    assert len(_keys(store, 1.0, 0.0)) == CANDIDATES_MAX


SUITE: tuple[Callable[[VectorStore], None], ...] = (
    gives_the_nearest_first,
    keeps_groups_apart,
    has_one_vector_for_an_entry,
    finds_nothing_that_has_expired,
    forgets_by_key_tag_prefix_and_all,
    ignores_what_has_no_direction,
    gives_a_few_at_most,
)
