"""A request's body in pieces: small ones made anew, large ones views of what the caller sent.

Rewriting a few members of a body of megabytes so makes no second one. Only carries bytes: what they say is the
business of whoever cut them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias


class Spliced:
    """`pieces` in order; each view keeps alive what it looks at. Its length is in bytes."""

    __slots__ = ("_size", "pieces")

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self.pieces = pieces
        self._size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size


Body: TypeAlias = bytes | Spliced
"""What an exchange sends after its head."""
