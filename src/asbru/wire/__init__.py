"""Floor 1: framing. Bytes in, frames out, and back; pure.

Here: server-sent events and content codings. It refuses to know what a frame means, to do I/O, or to hold more than its named limits.
"""

from asbru.wire.content_coding import (
    CODINGS,
    CodingError,
    DecodedTooLargeError,
    Decoder,
    accepts,
    decode,
    decoder,
)
from asbru.wire.http_heads import HOP_BY_HOP
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
    "CODINGS",
    "HOP_BY_HOP",
    "CodingError",
    "DecodedTooLargeError",
    "Decoder",
    "accepts",
    "decode",
    "decoder",
    "SSE_EVENT_BYTES_MAX",
    "EventSplitter",
    "SseEvent",
    "SseReader",
    "SseTooLarge",
    "read_block",
    "write_event",
]
