"""How much of a stream has gone to the caller, in tokens, without reading it; and who is told as it outgrows what was
reserved.

Events of a stream are alike but for their text, so what an event has more than the smallest of the last ones is text,
and a token is never less than an event's worth of framing. That is a little too much rather than too little: the
provider's own count settles the call. Top-ups are asked for ahead, while the stream goes on.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from asbru.core.errors import AsbruError
from asbru.core.ports import ChunkSink, Sink

BYTES_PER_TOKEN = 3
RECENT_EVENTS = 16
_BORDER = b"\n\n"


def _nobody(tokens: int) -> None:
    """Who is told where nothing is reserved as a stream goes on."""
    del tokens


class OutputMeter:
    """Counts what passes. `low(tokens)` is told once whenever the tokens pass `mark`; whoever is told raises the mark.
    With `refused` set, the next piece raises it: the stream ends there."""

    def __init__(self, mark: int = sys.maxsize, low: Callable[[int], None] = _nobody) -> None:
        self.tokens = 0
        self.mark = mark
        self.refused: AsbruError | None = None
        self._low = low
        self._sizes: deque[int] = deque(maxlen=RECENT_EVENTS)

    def count(self, data: bytes, size: int) -> None:
        """A piece with whole events, of which `size` bytes are the stream's."""
        if self.refused is not None:
            raise self.refused
        events = max(1, data.count(_BORDER))
        self._sizes.append(size // events)
        text = size - events * min(self._sizes)
        self.tokens += max(events, text // BYTES_PER_TOKEN)
        if self.tokens > self.mark:
            self._low(self.tokens)

    def sinks(self, write: Sink, write_chunk: ChunkSink) -> tuple[Sink, ChunkSink]:
        """The same sinks, counting."""

        def counted(data: bytes) -> None:
            self.count(data, len(data))
            write(data)

        def counted_chunk(chunk: bytes, begin: int) -> None:
            self.count(chunk, len(chunk) - begin - 2)
            write_chunk(chunk, begin)

        return counted, counted_chunk
