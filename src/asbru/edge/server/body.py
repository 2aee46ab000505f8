"""A request's body while it comes: pieces of a small one, one growing buffer of a large one."""

from __future__ import annotations

from io import BytesIO

from asbru.edge.server.limits import BODY_PIECES_BYTES_MAX, ServerLimits


class RequestBody:
    """The body of the request that a connection receives now; empty between two."""

    __slots__ = ("_large", "_limits", "_pieces", "pieces_bytes_max", "size")

    def __init__(self, limits: ServerLimits) -> None:
        self.size = 0
        """Bytes so far."""
        self.pieces_bytes_max = min(limits.body_bytes_max, BODY_PIECES_BYTES_MAX)
        self._limits = limits
        self._pieces: list[bytes] = []
        self._large: BytesIO | None = None

    def add(self, data: bytes) -> None:
        """A piece, forwarded later as the object that arrived. Raises `TooLarge`."""
        self._pieces.append(data)
        self.size += len(data)
        if self.size > self.pieces_bytes_max:
            self._gather()

    def _gather(self) -> None:
        """A large body grows in one place: joined from its pieces it would be there twice."""
        if self.size > self._limits.body_bytes_max:
            raise self._limits.body_error()
        if self._large is None:
            self._large = BytesIO()
        self._large.writelines(self._pieces)
        self._pieces.clear()

    def take(self) -> bytes:
        """All of it; from now on it is the next request's."""
        pieces = self._pieces
        if self._large is not None:
            body = self._large.getvalue()  # the buffer itself, not a copy
            self._large = None
        elif len(pieces) == 1:
            body = pieces.pop()
        else:
            body = b"".join(pieces)
            pieces.clear()
        self.size = 0
        return body
