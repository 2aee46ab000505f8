"""Floor 1: what goes over a wire, short of its meaning. Bytes in, frames out, and back; pure.

Framings of streams as values (`framing.SSE`, `framing.EVENT_STREAM`) and what is behind them, streams that are JSON
arrays, content codings, headers
that are handed on, the size of JSON before it is decoded, the
parts of forms, writes gathered to leave together. It refuses to know what a
frame means, to do I/O, or to hold more than its named limits. Its modules are its doors: `from asbru.wire.sse import
SseReader`.
"""

from asbru.wire import (
    audio_length,
    content_coding,
    errors,
    eventstream,
    forwarded,
    framing,
    http_heads,
    json_array,
    json_elements,
    multipart,
    outbox,
    sse,
)

__all__ = [
    "audio_length",
    "content_coding",
    "errors",
    "eventstream",
    "forwarded",
    "framing",
    "http_heads",
    "json_array",
    "json_elements",
    "multipart",
    "outbox",
    "sse",
]
