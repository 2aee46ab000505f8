"""Vectors of what was asked, in the memory of this process, bounded in bytes: the oldest goes first.

A vector belongs to a group, within which everything but the text is the same; only vectors of one group are compared.
Loads numpy (the extra `semantic`), so it is imported only where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from asbru.cache.semantic.sealed import unit
from asbru.cache.semantic.store import CANDIDATES_MAX, Kept, Near

if TYPE_CHECKING:
    from asbru.cache.entry import Clearing

ROWS_FIRST: Final = 256


class _Row(NamedTuple):
    group: str
    kept: Kept


class Vectors:
    """See the module, and `store.VectorStore`. `bytes_max`: of the vectors."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._rows: list[_Row | None] = []
        self._matrix: Any = np.zeros((0, 0), dtype=np.float32)
        self._groups: dict[str, dict[int, None]] = {}
        self._by_key: dict[str, int] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._by_key)

    async def search(self, group: str, vector: Sequence[float], threshold: float, now_ms: int) -> list[Near]:
        """See `VectorStore`."""
        return self.look_up(group, vector, threshold, now_ms)

    def look_up(self, group: str, vector: Sequence[float], threshold: float, now_ms: int) -> list[Near]:
        """`search`, for who need not wait. A vector of another length than those that are here has nothing near."""
        rows = list(self._groups.get(group, ()))
        asked = unit(vector)
        if not rows or asked is None or len(asked) != self._matrix.shape[1]:
            return []
        similarities = self._matrix[rows] @ asked
        best = np.argsort(similarities)[::-1][:CANDIDATES_MAX]
        near: list[Near] = []
        for at in best:
            row, similarity = self._rows[rows[int(at)]], float(similarities[int(at)])
            if row is not None and similarity >= threshold and row.kept.expires_ms > now_ms:
                near.append(Near(row.kept.key, row.kept.text, similarity))
        return near

    def add(self, group: str, vector: Sequence[float], kept: Kept, now_ms: int) -> None:
        """See `VectorStore`. A vector of another length than those that are here, from another model, begins anew."""
        row = unit(vector)
        if row is None or kept.expires_ms <= now_ms:
            return
        if len(row) != self._matrix.shape[1]:
            self._forget_all()
            self._matrix = np.zeros((ROWS_FIRST, len(row)), dtype=np.float32)
        self.remove(kept.key)
        at = self._place()
        self._matrix[at] = row
        self._rows[at] = _Row(group, kept)
        self._groups.setdefault(group, {})[at] = None
        self._by_key[kept.key] = at

    def remove(self, key: str) -> None:
        """See `VectorStore`."""
        at = self._by_key.pop(key, None)
        if at is not None:
            self._drop(at)

    def clear(self, clearing: Clearing) -> None:
        """See `VectorStore`."""
        for row in [row for row in self._rows if row is not None and clearing.takes(row.kept)]:
            self.remove(row.kept.key)

    def _forget_all(self) -> None:
        self._rows.clear()
        self._groups.clear()
        self._by_key.clear()
        self._matrix = np.zeros((0, 0), dtype=np.float32)
        self._next = 0

    def _place(self) -> int:
        """A row that is free, perhaps that of the oldest."""
        rows_max = max(1, self.bytes_max // (4 * self._matrix.shape[1]))
        if len(self._rows) < rows_max:
            self._rows.append(None)
            if len(self._rows) > len(self._matrix):
                more = min(len(self._matrix), rows_max - len(self._matrix))
                grown = np.zeros((len(self._matrix) + max(more, 1), self._matrix.shape[1]), dtype=np.float32)
                grown[: len(self._matrix)] = self._matrix
                self._matrix = grown
            return len(self._rows) - 1
        at = self._next
        self._next = (at + 1) % len(self._rows)
        row = self._rows[at]
        if row is not None:
            self._by_key.pop(row.kept.key, None)
            self._drop(at)
        return at

    def _drop(self, at: int) -> None:
        row = self._rows[at]
        if row is not None:
            group = self._groups[row.group]
            del group[at]
            if not group:
                del self._groups[row.group]
        self._rows[at] = None
