"""What worker and bookkeeper say to each other over a Unix stream socket. Pure: bytes in, frames out.

A frame is `<IBQ`: payload bytes (uint32), kind (uint8), number (uint64), then the payload.

    worker to bookkeeper        number                   payload
    HELLO                       PROTOCOL                 the worker's incarnation, text unique to one process life
    ROWS                        batch, counted from 1    msgpack: a list of rows
    METRICS                     1 everything, 0 changes  msgpack: [slots, counters, gauges], running totals
    SCRAPE                      ask                      empty
    bookkeeper to worker
    ACK                         batch                    empty: this batch and all before it are safe
    SCRAPED                     ask                      Prometheus text
"""

from __future__ import annotations

import struct
from typing import NamedTuple

PROTOCOL = 1
HELLO, ROWS, METRICS, SCRAPE, ACK, SCRAPED = range(6)

FRAME_BYTES_MAX = 64 * 1024 * 1024

_HEAD = struct.Struct("<IBQ")


class Frame(NamedTuple):
    """One message."""

    kind: int
    number: int
    payload: bytes


class FrameError(ValueError):
    """The other side speaks something else; the connection is of no more use."""


def write_frame(kind: int, number: int, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return _HEAD.pack(len(payload), kind, number) + payload


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
            size, kind, number = _HEAD.unpack_from(buffer, at)
            if size > self._frame_bytes_max or kind > SCRAPED:
                raise FrameError(f"a frame of kind {kind} and {size} bytes; at most {self._frame_bytes_max}")
            begin = at + _HEAD.size
            if len(buffer) - begin < size:
                break
            at = begin + size
            frames.append(Frame(kind, number, bytes(buffer[begin:at])))
        if at:
            del buffer[:at]
        return frames
