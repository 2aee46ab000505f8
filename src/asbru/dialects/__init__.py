"""Floor 2: dialects. Canonical form to wire format and back, pure; one folder per wire format.

Each folder has the same files: request, response, stream, errors, types, and plain (the usual forms, decoded in one
go); its door exports one `Dialect` record. Beside them stands what all share: reading JSON objects (`fields.py`), the
notes of a write (`receipt.py`), and putting a stream together (`assemble.py`).
"""

from asbru.dialects.assemble import Assembled, Assembler, assemble
from asbru.dialects.contract import (
    Dialect,
    RequestHead,
    StreamReader,
    StreamWriter,
    TailFacts,
    TargetFacts,
    Written,
    WrittenReply,
)

__all__ = [
    "Assembled",
    "Assembler",
    "Dialect",
    "RequestHead",
    "StreamReader",
    "StreamWriter",
    "TailFacts",
    "TargetFacts",
    "Written",
    "WrittenReply",
    "assemble",
]
