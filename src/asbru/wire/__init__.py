"""Floor 1: framing. Bytes in, frames out, and back; pure.

Here: server-sent events, and content codings (`from asbru.wire.content_coding import ...`). It refuses to know what a
frame means, to do I/O, or to hold more than its named limits.
"""

from asbru.wire import content_coding
from asbru.wire.http_heads import HOP_BY_HOP, JSON_LINE
from asbru.wire.sse import (
    CR,
    LF,
    SSE_EVENT_BYTES_MAX,
    EventSplitter,
    SseEvent,
    SseReader,
    SseTooLarge,
    read_block,
    write_event,
)

__all__ = [
    "CR",
    "HOP_BY_HOP",
    "JSON_LINE",
    "LF",
    "SSE_EVENT_BYTES_MAX",
    "EventSplitter",
    "SseEvent",
    "SseReader",
    "SseTooLarge",
    "content_coding",
    "read_block",
    "write_event",
]
