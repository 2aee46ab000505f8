"""Floor 2: dialects. Canonical form to wire format and back, pure; one folder per wire format, found by `discover`.

Each folder has the same files: request, response, stream, errors, types, and plain (the usual forms, decoded in one
go); its door exports one `Dialect` record. Beside them lies what all share: reading JSON objects (`fields`), the notes
of a write (`receipt`), a stream put together (`assemble`). It refuses to know a provider: what a target takes is told
by its traits.
"""

from asbru.dialects import assemble, contract, surrogates
from asbru.dialects.contract import (
    Codec,
    Dialect,
    Operation,
    PathParameters,
    RequestHead,
    StreamReader,
    StreamWriter,
    TailFacts,
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
    "assemble",
    "contract",
    "discover",
    "surrogates",
]
