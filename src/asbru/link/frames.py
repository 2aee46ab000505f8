"""What worker and bookkeeper say to each other over a Unix stream socket. Pure: bytes in, frames out.

A frame is `<IBBQ`: payload bytes (uint32), kind (uint8), name bytes (uint8), number (uint64), then the name in UTF-8,
then the payload. Names are of tables and of subjects; what a payload holds is theirs to say.

    worker to bookkeeper   number                         name      payload
    HELLO                  PROTOCOL                       -         the worker's incarnation, unique to one process life
    BATCH                  counted from 1, for each table table     rows, packed
    ASK                    of the question                subject   the question
    TELL                   0                              subject   a message; nothing comes back
    bookkeeper to worker
    ACK                    of a batch                     table     empty: this batch and all before it need no keeping
    REPLY                  of the question                -         the answer
    REFUSED                of the question                -         empty: nobody answers to that, or could not
    PUSH                   0                              subject   a message to all workers
"""

from __future__ import annotations

import struct
from typing import NamedTuple

PROTOCOL = 2
HELLO, BATCH, ASK, TELL, ACK, REPLY, REFUSED, PUSH = range(8)

FRAME_BYTES_MAX = 64 * 1024 * 1024
NAME_BYTES_MAX = 255

_HEAD = struct.Struct("<IBBQ")


class Frame(NamedTuple):
    """One message."""

    kind: int
    number: int
    name: str
    payload: bytes


class FrameError(ValueError):
    """The other side speaks something else; the connection is of no more use."""


def write_frame(kind: int, number: int, name: str = "", payload: bytes = b"") -> bytes:
    """A frame as bytes. `name` has at most NAME_BYTES_MAX bytes."""
    encoded = name.encode()
    return b"".join((_HEAD.pack(len(payload), kind, len(encoded), number), encoded, payload))


class FrameReader:
    """Cuts a byte stream into frames."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`; raises FrameError."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        at = 0
        while len(buffer) - at >= _HEAD.size:
            size, kind, name_size, number = _HEAD.unpack_from(buffer, at)
            if size > self._frame_bytes_max or kind > PUSH:
                raise FrameError(f"a frame of kind {kind} and {size} bytes; at most {self._frame_bytes_max}")
            name_at = at + _HEAD.size
            begin = name_at + name_size
            if len(buffer) - begin < size:
                break
            at = begin + size
            # A name that is no text is one that nobody knows.
            name = buffer[name_at:begin].decode(errors="replace")
            frames.append(Frame(kind, number, name, bytes(buffer[begin:at])))
        if at:
            del buffer[:at]
        return frames
