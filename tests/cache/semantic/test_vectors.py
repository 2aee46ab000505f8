"""Vectors in memory: what is near, within which group, and that they stay within their bytes."""

from __future__ import annotations

import pytest

from asbru.cache.semantic.vectors import CANDIDATES_MAX, Vectors


def add(vectors: Vectors, key: str, *row: float, group: str = "g") -> None:
    vectors.add(group, key, f"text of {key}", row)


def keys(vectors: Vectors, *row: float, group: str = "g", threshold: float = 0.8) -> list[str]:
    return [near.key for near in vectors.search(group, row, threshold)]


def test_the_nearest_come_first_and_lengths_do_not_matter() -> None:
    """Cosine similarity from the threshold on."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 10.0, 0.0)
    add(vectors, "b", 0.1, 0.05)
    add(vectors, "c", 0.0, 1.0)
    (first, second) = vectors.search("g", [2.0, 0.0], 0.8)
    assert (first.key, first.text) == ("a", "text of a")
    assert first.similarity == pytest.approx(1.0)
    assert second.key == "b"
    assert keys(vectors, 1.0, 0.0, threshold=0.99) == ["a"]


def test_groups_do_not_see_each_other() -> None:
    """Only what differs in nothing but its text is compared."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 1.0, group="one")
    assert keys(vectors, 1.0, group="other") == []
    assert keys(vectors, 1.0, group="one") == ["a"]


def test_an_entry_has_one_vector() -> None:
    """A second of the same key replaces the first; removed ones are gone."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 1.0, 0.0)
    add(vectors, "a", 0.0, 1.0)
    assert len(vectors) == 1
    assert keys(vectors, 1.0, 0.0) == []
    assert keys(vectors, 0.0, 1.0) == ["a"]
    vectors.remove("a")
    vectors.remove("a")
    assert len(vectors) == 0
    assert keys(vectors, 0.0, 1.0) == []


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


@pytest.mark.parametrize("row", [(), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_what_has_no_direction_is_not_kept_and_finds_nothing(row: tuple[float, ...]) -> None:
    """Nonsense from a provider leaves everything as it was."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 1.0, 0.0)
    add(vectors, "b", *row)
    assert len(vectors) == 1
    assert keys(vectors, *row) == []
    assert keys(vectors, 1.0, 0.0) == ["a"]


def test_another_length_begins_anew() -> None:
    """Vectors of another model cannot be compared: a search finds nothing, the next one that is kept replaces all."""
    vectors = Vectors(1 << 20)
    add(vectors, "a", 1.0, 0.0)
    assert keys(vectors, 1.0, 0.0, 0.0) == []
    add(vectors, "b", 1.0, 0.0, 0.0)
    assert keys(vectors, 1.0, 0.0) == []
    assert keys(vectors, 1.0, 0.0, 0.0) == ["b"]
