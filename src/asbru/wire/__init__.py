"""Floor 1: framing. Bytes in, frames out, and back; pure.

Here: framings as values (`SSE`, `EVENT_STREAM`), and what is behind them: server-sent events, AWS event streams (`from
asbru.wire.eventstream import ...`), content codings. It refuses to know what a frame means, to do I/O, or to hold more
than its named limits.
"""

from asbru.wire import content_coding, eventstream, sse
from asbru.wire.errors import FramingError
from asbru.wire.framing import EVENT_STREAM, SSE, Framing
from asbru.wire.http_heads import HOP_BY_HOP, JSON_LINE
from asbru.wire.sse import SseEvent, SseReader, write_event

__all__ = [
    "EVENT_STREAM",
    "HOP_BY_HOP",
    "JSON_LINE",
    "SSE",
    "Framing",
    "FramingError",
    "SseEvent",
    "SseReader",
    "content_coding",
    "eventstream",
    "sse",
    "write_event",
]
