"""How long audio is, as its container tells: WAV, FLAC, Ogg (Opus, Vorbis), MP4 and WebM. Nothing is decoded.

Silence may be coded in next to nothing, so that bytes say little about time; what decoders go by is what is read here.
Not here: MP3, whose frames have at least a thousand bytes a second.

Sources: RFC 9639 (FLAC), RFC 3533 and RFC 7845 (Ogg, Opus), RFC 9559 (Matroska), ISO/IEC 14496-12 (MP4), and
https://learn.microsoft.com/en-us/windows/win32/multimedia/resource-interchange-file-format-services (WAV)
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Final

_HEAD_BYTES: Final = 64 * 1024
"""Where the length stands, in what tells it at its beginning; MP4 may tell it at its end."""
_OPUS_RATE: Final = 48_000
_TIMESTAMP_SCALE: Final = b"\x2a\xd7\xb1"
_DURATION: Final = b"\x44\x89"
_NANOS: Final = 1_000_000_000


def told_seconds(data: memoryview) -> float:
    """The seconds that the container tells; 0 where it tells none, or is none of these. Takes views, copies little."""
    head = bytes(data[:12])
    for magic, at, read in _CONTAINERS:
        if head[at : at + len(magic)] == magic:
            try:
                seconds = read(data)
            except (struct.error, IndexError, ValueError, ZeroDivisionError, OverflowError):
                return 0.0
            return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
    return 0.0


def _wav(data: memoryview) -> float:
    head = bytes(data[:_HEAD_BYTES])
    form = head.index(b"fmt ")
    (byte_rate,) = struct.unpack_from("<I", head, form + 16)
    return len(data) / byte_rate


def _flac(data: memoryview) -> float:
    """STREAMINFO is the first block; its samples are 0 where the encoder did not know them."""
    packed = int.from_bytes(bytes(data[18:26]), "big")  # 20 bits rate, 3 channels, 5 depth, 36 samples
    return (packed & (1 << 36) - 1) / (packed >> 44)


def _ogg(data: memoryview) -> float:
    """The position of the last page, in samples of the first stream."""
    head = bytes(data[:_HEAD_BYTES])
    vorbis = head.find(b"\x01vorbis")
    rate = struct.unpack_from("<I", head, vorbis + 12)[0] if vorbis >= 0 else _OPUS_RATE
    end = bytes(data[-_HEAD_BYTES:])
    positions = [0]
    page = end.find(b"OggS")
    while page >= 0:
        (position,) = struct.unpack_from("<q", end, page + 6)
        positions.append(position)
        page = end.find(b"OggS", page + 4)
    return max(positions) / rate


def _mp4(data: memoryview) -> float:
    """`mvhd`, which stands at the beginning or, in files that were not made for streams, at the end."""
    for part in (bytes(data[:_HEAD_BYTES]), bytes(data[-_HEAD_BYTES * 16 :])):
        box = part.find(b"mvhd")
        if box >= 0:
            version = part[box + 4]
            form, at = (">IQ", box + 24) if version == 1 else (">II", box + 16)
            scale, duration = struct.unpack_from(form, part, at)
            return duration / scale
    return 0.0


def _webm(data: memoryview) -> float:
    """`Duration`, in units of `TimestampScale`."""
    head = bytes(data[:_HEAD_BYTES])
    scale = 1_000_000
    at = head.find(_TIMESTAMP_SCALE)
    if at >= 0:
        size = head[at + 3] & 0x7F
        scale = int.from_bytes(head[at + 4 : at + 4 + size], "big")
    at = head.index(_DURATION)
    size = head[at + 2] & 0x7F
    (duration,) = struct.unpack_from(">d" if size == 8 else ">f", head, at + 3)
    return duration * scale / _NANOS


_CONTAINERS: Final[tuple[tuple[bytes, int, Callable[[memoryview], float]], ...]] = (
    (b"RIFF", 0, _wav),
    (b"fLaC", 0, _flac),
    (b"OggS", 0, _ogg),
    (b"ftyp", 4, _mp4),
    (b"\x1a\x45\xdf\xa3", 0, _webm),
)
