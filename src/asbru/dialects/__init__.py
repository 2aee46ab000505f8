"""Floor 2: dialects. Canonical form to wire format and back, pure; one folder per wire format.

Each folder has the same files: request, response, stream, errors, types, and plain (the usual forms, decoded in one
go); its door exports one `Dialect` record.
"""

from asbru.dialects.contract import (
    Dialect,
    RequestHead,
    StreamReader,
    StreamWriter,
    TailFacts,
    Written,
    WrittenReply,
)

__all__ = [
    "Dialect",
    "RequestHead",
    "StreamReader",
    "StreamWriter",
    "TailFacts",
    "Written",
    "WrittenReply",
]
