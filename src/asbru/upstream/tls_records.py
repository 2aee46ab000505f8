"""TLS read by records, on both sides: callers' and providers'.

An event loop asks its TLS object for 256 KiB and gets a record, 16 KiB at most. Python makes room for all that was
asked for before it knows: with each read a buffer as large as the one that uvloop keeps with each connection. Once
reads ask for a record only, nothing but what lasts is that large, and glibc can be told (`app.children`) to give it
pages of its own. Before, connections that were closed left holes of many MiB in the heap, where large bodies then grew
and never shrank.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

RECORD_BYTES_MAX = 16 * 1024
"""What a TLS record holds at most (RFC 8446, 5.1)."""


class RecordReads(ssl.SSLObject):
    """A TLS object whose reads make room for a record."""

    def read(self, len: int = 1024, buffer: WriteableBuffer | None = None) -> bytes:  # noqa: A002 -- the standard library's name
        """As `ssl.SSLObject.read`, never more than a record."""
        if buffer is not None:
            return super().read(len, buffer)
        return self._sslobj.read(len if len < RECORD_BYTES_MAX else RECORD_BYTES_MAX)  # type: ignore[attr-defined] -- as the method it stands in for, without a call of it


def read_by_records(context: ssl.SSLContext) -> ssl.SSLContext:
    """`context`, whose connections read so from now on."""
    context.sslobject_class = RecordReads
    return context
