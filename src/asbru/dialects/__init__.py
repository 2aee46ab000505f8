"""Floor 2: dialects. Canonical form to wire format and back, pure; one folder per wire format, found by `discover`.

Each folder has the same files: request, response, stream, errors, types, and plain (the usual forms, decoded in one
go); its door exports one `Dialect` record. It refuses to know a provider: what a target takes is told by facts.
"""

from asbru.dialects.contract import (
    Codec,
    Dialect,
    Operation,
    PathParameters,
    RequestHead,
    StreamReader,
    StreamWriter,
    TailFacts,
    Written,
    WrittenReply,
)
from asbru.dialects.discover import discover

__all__ = [
    "Codec",
    "Dialect",
    "Operation",
    "PathParameters",
    "RequestHead",
    "StreamReader",
    "StreamWriter",
    "TailFacts",
    "Written",
    "WrittenReply",
    "discover",
]
