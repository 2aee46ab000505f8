"""Floor 1: framing. Bytes in, frames out, and back; pure.

Here: server-sent events. It refuses to know what a frame means, to do I/O, or to hold more than its named limits.
"""

from asbru.wire.sse import (
    SSE_EVENT_BYTES_MAX,
    EventSplitter,
    SseEvent,
    SseReader,
    SseTooLarge,
    read_block,
    write_event,
)

__all__ = [
    "SSE_EVENT_BYTES_MAX",
    "EventSplitter",
    "SseEvent",
    "SseReader",
    "SseTooLarge",
    "read_block",
    "write_event",
]
