"""A request's body in pieces: small ones made anew, large ones views of what the caller sent.

Rewriting a few members of a body of megabytes so makes no second one, and sending it through TLS no third (`slices`).
Only carries bytes: what they say is the business of whoever cut them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

LARGE_BYTES_MIN = 256 * 1024
"""A body above this is large: worth rewriting by pieces, and sending bit by bit. Up to it, one copy costs less."""


class Spliced:
    """`pieces` in order; each view keeps alive what it looks at. Its length is in bytes, and large."""

    __slots__ = ("_size", "pieces")

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self.pieces = pieces
        self._size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size


Body: TypeAlias = bytes | Spliced
"""What an exchange sends after its head; in pieces only where it is large."""


def pieces_of(body: Body) -> Sequence[bytes | memoryview]:
    """A body in order, in the pieces it is held in."""
    return (body,) if isinstance(body, bytes) else body.pieces


def slices(head: bytes, body: Body, bytes_max: int) -> Iterator[bytes | memoryview]:
    """`head`, then views of `body` of at most `bytes_max` (above 0) bytes each, in order."""
    yield head
    for piece in pieces_of(body):
        view = memoryview(piece)
        for start in range(0, len(view), bytes_max):
            yield view[start : start + bytes_max]
