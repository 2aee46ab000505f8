"""What the cache does for one call: what was found, what passes of the provider's reply, and what is told of it.

Not here: what is looked for, and what is kept (`step`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from asbru.wire.content_coding import CodingError, DecodedTooLargeError, decoder

if TYPE_CHECKING:
    from asbru.cache import Entry, Flight, Wishes
    from asbru.core.ports import ChunkSink, Sink
    from asbru.dialects import Dialect
    from asbru.pipeline.caching.meaning import Asked
    from asbru.routing import Target

OUTCOMES: Final = ("hit", "semantic", "miss", "refresh", "off", "shadow_agreed", "shadow_differed")
"""What `CallCache.outcome` may be, as records and metrics have it."""


class CallCache:
    """What the cache does for one call. `entry`: what was found; `outcome`: one of OUTCOMES. `saved_nanousd`: what the
    reply cost when it was asked for, None where that is unknown."""

    __slots__ = (
        "_bytes_max",
        "_coding",
        "_content_type",
        "_dialect",
        "_left",
        "_pieces",
        "_stream",
        "age_s",
        "asked",
        "compare",
        "entry",
        "flight",
        "keeps",
        "key",
        "outcome",
        "similarity",
        "target",
        "wishes",
    )

    def __init__(self, outcome: str, wishes: Wishes, key: str = "", bytes_max: int = 0) -> None:
        self.outcome = outcome
        self.wishes = wishes
        self.key = key
        self.keeps = False
        self.entry: Entry | None = None
        self.age_s = 0
        self.similarity = 0.0
        self.asked: Asked | None = None
        self.compare: Callable[[CallCache], bool | None] | None = None
        """In shadow mode: whether the reply that came agrees with the one that would have been served."""
        self.flight: Flight | None = None
        self.target: Target | None = None
        self._bytes_max = self._left = bytes_max
        self._dialect: Dialect | None = None
        self._stream = False
        self._content_type = self._coding = b""
        self._pieces: list[bytes] = []

    # What passes

    def begin(self, dialect: Dialect, content_type: bytes, coding: bytes = b"", *, stream: bool = False) -> None:
        """A good response has begun; of an earlier attempt nothing is kept."""
        self._dialect = dialect
        self._content_type = content_type
        self._coding = coding
        self._stream = stream
        self._pieces = []
        self._left = self._bytes_max

    def take(self, piece: bytes) -> None:
        """More of it, as it came."""
        if self.keeps:
            self._left -= len(piece)
            if self._left < 0:
                self.keeps = False
                self._pieces.clear()
            else:
                self._pieces.append(piece)

    def tap(self, feed: Sink, chunks: ChunkSink | None) -> tuple[Sink, ChunkSink | None]:
        """The sinks of a stream, which take along what passes."""
        if not self.keeps:
            return feed, chunks

        def feed_tapped(piece: bytes) -> None:
            self.take(piece)
            feed(piece)

        def chunk_tapped(chunk: bytes, begin: int) -> None:
            assert chunks is not None
            self.take(chunk[begin:-2])
            chunks(chunk, begin)

        return feed_tapped, None if chunks is None else chunk_tapped

    def taken(self) -> tuple[Dialect, bool, bytes, list[bytes]] | None:
        """Whose reply passed, whether it was a stream, its type and its pieces without their coding; None for none."""
        pieces = self._pieces
        if self._dialect is None or not pieces:
            return None
        if self._coding and self._coding != b"identity":
            try:
                decode = decoder(self._coding, self._bytes_max).feed
                pieces = [piece for coded in pieces if (piece := decode(coded))]
            except (CodingError, DecodedTooLargeError):
                return None
        return self._dialect, self._stream, self._content_type, pieces

    # What is told

    @property
    def model(self) -> str:
        """The model that once replied, by the provider's name for it; "" where the cache did not serve."""
        return "" if self.entry is None else self.entry.model

    def lines(self) -> bytes:
        """The header lines of the response."""
        lines = b"x-asbru-cache: %b\r\n" % self.outcome.encode()
        if self.key:
            key = self.key
            if not (key.isascii() and key.isprintable()):  # callers choose models: nothing else may reach a header
                key = "".join(one if " " <= one <= "~" else "?" for one in key)
            lines += b"x-asbru-cache-key: %b\r\n" % key.encode()
        if self.entry is not None:
            lines += b"x-asbru-cache-age: %d\r\n" % self.age_s
        if self.similarity:
            lines += b"x-asbru-cache-similarity: %.4f\r\n" % self.similarity
        return lines

    def columns(self, latency_us: int) -> tuple[str, int | None, int | None]:
        """The last columns of the record: what happened, and what the entry saved (nano-dollars, microseconds)."""
        if self.entry is None:
            if self.compare is not None and (agreed := self.compare(self)) is not None:
                self.outcome = "shadow_agreed" if agreed else "shadow_differed"
            return self.outcome, None, None
        return self.outcome, self.entry.cost_nanousd, max(0, self.entry.took_ms * 1000 - latency_us)
