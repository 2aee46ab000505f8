"""A request's body while it comes: pieces of a small one, one growing buffer of a large one; and what all of them take
together."""

from __future__ import annotations

from io import BytesIO

from asbru.edge.limits import ServerLimits
from asbru.edge.server.limits import BODY_PIECES_BYTES_MAX, UNKNOWN_SHARE


class RequestBody:
    """The body of the request that a connection receives now; empty between two."""

    __slots__ = ("_large", "_limits", "_pieces", "pieces_bytes_max", "size")

    def __init__(self, limits: ServerLimits) -> None:
        self.size = 0
        """Bytes so far."""
        self._pieces: list[bytes] = []
        self._large: BytesIO | None = None
        self.limit(limits)

    def limit(self, limits: ServerLimits) -> None:
        """Hold these bounds from now on."""
        self.pieces_bytes_max = min(limits.body_bytes_max, BODY_PIECES_BYTES_MAX)
        self._limits = limits

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

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._pieces.clear()
        self._large = None
        self.size = 0


class BodyBytes:
    """What the bodies of all requests take that came in more than one read. Those that came in one are small, and their
    number is that of the calls in flight."""

    __slots__ = ("total", "unknown")

    def __init__(self) -> None:
        self.total = 0
        self.unknown = 0
        """Of these, what comes from callers that nobody vouches for."""

    def fits(self, limits: ServerLimits) -> bool:
        """Whether all of it is within bounds."""
        most = limits.bodies_bytes_max
        return self.total <= most and self.unknown <= most // UNKNOWN_SHARE


class HeldBytes:
    """One connection's part of `BodyBytes`. `known`: whether its present caller is known."""

    __slots__ = ("_all", "_unknown", "known", "total")

    def __init__(self, everyone: BodyBytes) -> None:
        self._all = everyone
        self.total = 0
        self._unknown = 0
        self.known = True

    def add(self, count: int) -> None:
        """So many bytes more."""
        self._set(self.total + count, self._unknown + (0 if self.known else count))

    def keep(self, count: int) -> None:
        """All but so many bytes are done with."""
        self._set(min(count, self.total), min(count, self._unknown))

    def _set(self, total: int, unknown: int) -> None:
        self._all.total += total - self.total
        self._all.unknown += unknown - self._unknown
        self.total, self._unknown = total, unknown
