"""How many elements a JSON text has, counted before it is decoded: each member and item becomes an object many times as
large as its two bytes, and makes a decoder hold up everybody else.

Counted are commas and opening brackets outside of strings, which is what elements are told apart by. The text goes in
piece by piece, so that whoever counts can do something else between two. Not here: whether it is JSON.
"""

from __future__ import annotations

from typing import Final

ELEMENTS_MAX: Final = 300_000
"""Elements of one body. Long sessions of agents have some 20,000."""


class ElementCounter:
    """See the module. `count` is that of all that was fed."""

    __slots__ = ("_held", "_in_string", "count")

    def __init__(self) -> None:
        self.count = 0
        self._in_string: bool = False
        self._held: bytes = b""  # backslashes at the end of a piece: what they escape comes with the next

    def feed(self, piece: bytes) -> None:
        """The next piece of the text."""
        piece = self._held + piece
        rest: bytes = piece.rstrip(b"\\")
        self._held = piece[len(rest) :]
        parts = rest.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[self._in_string :: 2])
        self.count += separators(outside)
        self._in_string ^= len(parts) % 2 == 0


def separators(text: bytes) -> int:
    """Commas and opening brackets, in strings or not: no text has more elements than these."""
    # Taking a byte out looks for it many at a time, and copies nothing where there is none (a picture); counting looks
    # at each one.
    left = len(text.replace(b",", b"")) + len(text.replace(b"[", b"")) + len(text.replace(b"{", b""))
    return 3 * len(text) - left
