"""Where vectors are kept: one port, whatever is behind it.

A vector belongs to a group, within which everything but the text is the same; only vectors of one group are compared.
A store loses vectors when it likes. It raises nothing: what cannot be reached has nothing near. Its suite of tests is
`tests/cache/semantic/vector_stores.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from asbru.cache.entry import Clearing

CANDIDATES_MAX: Final = 4
"""How many of the nearest are looked at."""


class Near(NamedTuple):
    """A text that was asked before: the key of its entry, and its cosine similarity."""

    key: str
    text: str
    similarity: float


class Kept(NamedTuple):
    """What a vector is of: the text, and the entry that answers it, with its `tags` and its end."""

    key: str
    text: str
    expires_ms: int
    tags: tuple[str, ...] = ()


class VectorStore(Protocol):
    """See the module. Times are Unix milliseconds. What it returns awaits nothing but Futures."""

    def search(self, group: str, vector: Sequence[float], threshold: float, now_ms: int) -> Awaitable[list[Near]]:
        """The nearest of a group with at least this cosine similarity, at most CANDIDATES_MAX, the nearest first."""
        ...

    def add(self, group: str, vector: Sequence[float], kept: Kept, now_ms: int) -> None:
        """Keep a vector, in the place of another for the same entry. One that has no direction is not kept."""
        ...

    def remove(self, key: str) -> None:
        """Forget the vector of an entry that is gone."""
        ...

    def clear(self, clearing: Clearing) -> None:
        """Forget vectors of entries that are cleared."""
        ...
