"""A stream as one JSON array, for callers that ask for it so: its events become the elements, an error among them.

A response without a stream, such as a refusal, is an array of that one. Not here: who asks for it so
(`Operation.array_unless`), and how an array is written (`wire.json_array`).
"""

from __future__ import annotations

from typing import cast

from asbru.core.ports import PassingResponse, ResponsePort
from asbru.dialects import Operation
from asbru.wire.http_heads import JSON_LINE
from asbru.wire.json_array import ArrayWriter

_CONTENT_TYPE = b"content-type"


class ArrayResponse(PassingResponse):
    """A `ResponsePort` that goes on to another one, whose state it has."""

    __slots__ = ("_writer",)

    def __init__(self, port: ResponsePort) -> None:
        super().__init__(port)
        self._writer = ArrayWriter()

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self._port.whole(status, lines, b"[%b]" % body)

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        kept = (line for line in lines.split(b"\r\n") if line.partition(b":")[0].lower() != _CONTENT_TYPE)
        self._port.begin(status, b"\r\n".join(kept) + JSON_LINE)

    def write(self, data: bytes) -> None:
        """See `ResponsePort`. Whole events."""
        self._port.write(self._writer.write(data))

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`. Whole events."""
        self.write(chunk[begin:-2])

    def end(self) -> None:
        """See `ResponsePort`."""
        self._port.write(self._writer.close())
        self._port.end()


def as_asked(operation: Operation, query: bytes, port: ResponsePort) -> ResponsePort:
    """`port`, or one that writes an array to it, by what the query of a call says."""
    if not operation.array_unless or operation.array_unless & set(query.split(b"&")):
        return port
    return cast("ResponsePort", ArrayResponse(port))  # which the path only reads, but for `flow`
