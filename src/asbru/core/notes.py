"""Notes: the receipt of what a call lost or gained on its way through Asbru.

A translation that cannot carry a field says so here; so do a withheld chunk, an estimate, or a stripped parameter.
Notes known before the body travel in the `x-asbru-notes` header, all of them stand in the call's record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

NoteKind: TypeAlias = Literal["dropped", "changed", "estimated", "added", "annotated"]

NOTES_HEADER_BYTES_MAX = 2048

_PRINTABLE = bytes(byte if 0x20 <= byte < 0x7F else 0x20 for byte in range(256))
"""Fields are named by callers: what could end a header line, or upset its reader, becomes a space."""


class Note(msgspec.Struct, frozen=True):
    """`field` is a path such as `messages[2].parts[0].cache`; `reason` a short phrase in plain ASCII words."""

    kind: NoteKind
    field: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.field}" + (f" ({self.reason})" if self.reason else "")


def write_notes_header(notes: Iterable[Note]) -> bytes:
    """The value of `x-asbru-notes`: notes joined by "; ", printable ASCII, cut with "..." at the limit."""
    text = "; ".join(dict.fromkeys(str(note) for note in notes))
    data = text.encode("ascii", "replace").translate(_PRINTABLE)
    if len(data) > NOTES_HEADER_BYTES_MAX:
        data = data[: NOTES_HEADER_BYTES_MAX - 3] + b"..."
    return data
