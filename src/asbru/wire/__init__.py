"""Floor 1: what goes over a wire, short of its meaning. Bytes in, frames out, and back; pure.

Server-sent events, content codings, headers that are handed on, writes gathered to leave together. It refuses to know
what a frame means, to do I/O, or to hold more than its named limits. Its modules are its doors:
`from asbru.wire.sse import EventSplitter`.
"""

from asbru.wire import content_coding, forwarded, http_heads, outbox, sse

__all__ = ["content_coding", "forwarded", "http_heads", "outbox", "sse"]
