"""How long audio is, of each container, in files made by hand; and of what is none, nothing."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.wire.audio_length import told_seconds

WAV = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data\0\0\0\0" + b"\0" * 15956
FLAC = b"fLaC\x80\0\0\x22" + b"\0" * 10 + ((8000 << 44) | (7 << 36) | 8000 * 3600).to_bytes(8, "big") + b"\0" * 16
MVHD = b"\0\0\0\x6cmvhd\0\0\0\0" + b"\0" * 8 + struct.pack(">II", 600, 600 * 90)
LONG_MVHD = b"\0\0\0\x78mvhd\x01\0\0\0" + b"\0" * 16 + struct.pack(">IQ", 1000, 5000)
FTYP = b"\0\0\0\x14ftypM4A \0\0\0\0isom"
WEBM = b"\x1a\x45\xdf\xa3\x80\x2a\xd7\xb1\x83\x0f\x42\x40\x44\x89\x88" + struct.pack(">d", 12_500.0)


def page(position: int, body: bytes = b"") -> bytes:
    """A page of Ogg."""
    return b"OggS\0\0" + struct.pack("<q", position) + b"\0" * 12 + b"\x01" + bytes((len(body),)) + body


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (WAV, 2.0),
        (FLAC, 3600.0),
        (page(0, b"OpusHead") + page(48_000 * 600), 600.0),
        (page(0, b"\x01vorbis\0\0\0\0\x01" + struct.pack("<I", 8000)) + page(-1) + page(16_000), 2.0),
        (FTYP + MVHD, 90.0),
        (FTYP + b"\0" * 200_000 + LONG_MVHD, 5.0),
        (WEBM, 12.5),
        (WEBM[:5] + b"\x44\x89\x84" + struct.pack(">f", 2_000.0), 2.0),
        (b"ID3\x04", 0.0),
        (b"", 0.0),
        (b"RIFF", 0.0),
        (FLAC[:20], 0.0),
        (FLAC[:18] + b"\0" * 8, 0.0),
        (WEBM[:10], 0.0),
        (FTYP, 0.0),
    ],
)
def test_what_containers_tell(data: bytes, seconds: float) -> None:
    """Each tells its length somewhere else."""
    assert told_seconds(memoryview(data)) == pytest.approx(seconds, abs=0.01)


@given(st.sampled_from((WAV, FLAC, page(5), FTYP + MVHD, WEBM)), st.integers(0, 60), st.binary(max_size=12))
def test_nothing_comes_of_damage(data: bytes, at: int, put: bytes) -> None:
    """A number, whatever stands there."""
    assert told_seconds(memoryview(data[:at] + put + data[at + len(put) :])) >= 0
