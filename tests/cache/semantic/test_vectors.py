"""Vectors in memory: what is near, within which group, and that they stay within their bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.cache.semantic.vector_stores import NOW_MS, SUITE, add

from asbru.cache.semantic import CANDIDATES_MAX, VectorStore
from asbru.cache.semantic.vectors import Vectors


def keys(vectors: Vectors, *row: float, group: str = "g", threshold: float = 0.8) -> list[str]:
    return [near.key for near in vectors.look_up(group, row, threshold, NOW_MS)]


@pytest.mark.parametrize("check", SUITE, ids=lambda check: check.__name__)
def test_it_does_what_every_store_does(check: Callable[[VectorStore], None]) -> None:
    """The suite of all stores of vectors."""
    check(Vectors(1 << 20))


def test_it_stays_within_its_bytes() -> None:
    """The oldest go, however many come; the matrix never has more rows than fit."""
    vectors = Vectors(4 * 2 * 300)
    for number in range(1000):
        add(vectors, str(number), 1.0, 0.0)
    assert len(vectors) == 300
    assert len(vectors._matrix) <= 300
    found = keys(vectors, 1.0, 0.0)
    assert len(found) == CANDIDATES_MAX
    assert all(int(key) >= 700 for key in found)


def test_another_length_begins_anew() -> None:
    """Vectors of another model cannot be compared: a search finds nothing, the next one that is kept replaces all."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 1.0, 0.0)
    assert keys(vectors, 1.0, 0.0, 0.0) == []
    add(vectors, "b", 1.0, 0.0, 0.0)
    assert keys(vectors, 1.0, 0.0) == []
    assert keys(vectors, 1.0, 0.0, 0.0) == ["b"]
