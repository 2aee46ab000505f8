"""Content codings: each one, whole and cut anywhere; bombs, garbage and truncation are refused."""

from __future__ import annotations

import gzip
import sys
import zlib
from hashlib import sha256

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.wire.content_coding import (
    CODINGS,
    RATIO_FREE_BYTES,
    RATIO_MAX,
    CodingError,
    DecodedTooLargeError,
    accepts,
    begin_to_decode,
    decode,
    decoder,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b'data: {"choices":[{"delta":{"content":"H\xc3\xa4llo"}}]}\n\n' * 3


def raw_deflate(data: bytes) -> bytes:
    """Deflate without zlib's wrapper, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": (b"gzip", lambda data: gzip.compress(data, mtime=0)),
    "x-gzip": (b"x-gzip", lambda data: gzip.compress(data, mtime=0)),
    "zlib": (b"deflate", zlib.compress),
    "raw deflate": (b"deflate", raw_deflate),
    "br": (b"br", brotli.compress),
    "zstd": (b"zstd", zstd.compress),
}
EACH = pytest.mark.parametrize(("coding", "pack"), PACKERS.values(), ids=PACKERS)


def test_every_coding_is_tried_here() -> None:
    """A coding that is added must be added to these tests."""
    assert {coding for coding, _ in PACKERS.values()} == CODINGS


@EACH
@pytest.mark.parametrize("data", [b"", b"x", TEXT, bytes(100_000)], ids=["empty", "one", "text", "zeros"])
def test_what_was_packed_is_read(coding: bytes, pack, data: bytes) -> None:
    """Whole bodies of every size."""
    assert decode(coding, pack(data), 200_000) == data


@EACH
def test_any_cut_reads_the_same(coding: bytes, pack) -> None:
    """Two pieces cut at every byte, and all bytes one by one, with empty pieces between."""
    packed = pack(TEXT)
    for cut in range(len(packed) + 1):
        reader = decoder(coding, 1 << 62)
        assert reader.feed(packed[:cut]) + reader.feed(b"") + reader.feed(packed[cut:]) == TEXT
    reader = decoder(coding, 1 << 62)
    assert b"".join(reader.feed(packed[at : at + 1]) for at in range(len(packed))) == TEXT


@EACH
def test_pieces_come_out_as_they_were_flushed(coding: bytes, pack) -> None:
    """A stream gives what it has: the reader does not hold text back until the end."""
    reader = decoder(coding, 1 << 62)
    packed = pack(b"".join(sha256(b"%d" % number).digest() for number in range(10_000)))
    assert reader.feed(packed[: len(packed) * 3 // 4])


@EACH
def test_a_body_of_exactly_the_limit_passes(coding: bytes, pack) -> None:
    """The limit is the largest size that is accepted; one byte more is refused."""
    assert len(decode(coding, pack(bytes(5000)), 5000)) == 5000
    with pytest.raises(DecodedTooLargeError):
        decode(coding, pack(bytes(5001)), 5000)


@EACH
def test_what_grows_without_end_is_refused(coding: bytes, pack) -> None:
    """Whatever the bound: what decodes to a hundred times its size beyond the first MiB is made to do harm. In a stream
    it is refused with the piece that is too much, and no piece gives much more than it may."""
    bomb = pack(bytes(50_000_000))
    reader = decoder(coding, 1 << 62)
    out = 0
    with pytest.raises(DecodedTooLargeError, match="100 times"):
        for at in range(0, len(bomb), 16):
            out += len(reader.feed(bomb[at : at + 16]))
    assert out <= RATIO_FREE_BYTES + RATIO_MAX * len(bomb)
    assert len(begin_to_decode(coding, bomb, 1000)) <= 1000
    assert begin_to_decode(coding, pack(TEXT)[:-3], 1000) in (
        TEXT,
        TEXT[: len(begin_to_decode(coding, pack(TEXT)[:-3], 1000))],
    )


def test_a_window_that_nobody_needs_is_refused() -> None:
    """A zstd frame may ask for a window of gigabytes before it holds a byte."""
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    with pytest.raises(CodingError):
        decode(b"zstd", packer.compress(bytes(100)) + packer.flush(), 1 << 30)


@EACH
def test_a_bomb_is_refused(coding: bytes, pack) -> None:
    """A small body that decodes to a large one is refused, whole and in pieces."""
    bomb = pack(bytes(8_000_000))
    assert len(bomb) < 20_000
    with pytest.raises(DecodedTooLargeError):
        decode(coding, bomb, 100_000)
    reader = decoder(coding, 100_000)
    with pytest.raises(DecodedTooLargeError):
        for at in range(0, len(bomb), 64):
            reader.feed(bomb[at : at + 64])


@EACH
def test_a_truncated_body_is_refused(coding: bytes, pack) -> None:
    """Half a body is not a body: every cut of a whole one is an error, never a shorter text."""
    packed = pack(TEXT)
    for cut in range(1, len(packed)):
        with pytest.raises(CodingError):
            decode(coding, packed[:cut], 100_000)


@EACH
def test_what_follows_the_end_is_refused(coding: bytes, pack) -> None:
    """Bytes after the end of the coded data are not dropped in silence."""
    with pytest.raises(CodingError):
        decode(coding, pack(TEXT) + b"more", 100_000)


@pytest.mark.parametrize(("coding", "pack"), [PACKERS["gzip"], PACKERS["zstd"]], ids=["gzip", "zstd"])
def test_members_follow_each_other(coding: bytes, pack) -> None:
    """gzip (RFC 1952, 2.2) and zstd (RFC 8878, 3) allow several members in a row: all are read, at any cut."""
    packed = pack(b"one ") + pack(b"two ") + pack(b"three")
    assert decode(coding, packed, 1000) == b"one two three"
    for cut in range(len(packed)):
        reader = decoder(coding, 1000)
        assert reader.feed(packed[:cut]) + reader.feed(packed[cut:]) == b"one two three"


def test_a_body_of_nothing_but_members_ends() -> None:
    """Each member costs a copy of the rest: their number is bounded, or a small body would take hours."""
    with pytest.raises(CodingError, match="more bytes follow"):
        decode(b"gzip", gzip.compress(b"", mtime=0) * 10_000, 1000)


@pytest.mark.parametrize("coding", sorted(CODINGS))
@given(data=st.binary(min_size=1, max_size=60))
def test_garbage_is_a_coding_error_or_text(coding: bytes, data: bytes) -> None:
    """Any bytes either decode or raise one of the two errors; nothing else escapes."""
    reader = decoder(coding, 10_000)
    try:
        reader.feed(data)
        reader.feed(data)
        decode(coding, data, 10_000)
    except (CodingError, DecodedTooLargeError):
        pass


@pytest.mark.parametrize("coding", [b"identity", b"", b"compress", b"\xff"])
def test_an_unknown_coding_is_named(coding: bytes) -> None:
    """Only the listed codings have a decoder."""
    with pytest.raises(CodingError, match="unknown content coding"):
        decoder(coding, 10)


@pytest.mark.parametrize(
    ("header", "coding", "expected"),
    [
        (b"gzip", b"gzip", True),
        (b"gzip, deflate, br", b"br", True),
        (b"GZIP;q=0.5", b"gzip", True),
        (b"gzip;q=0", b"gzip", False),
        (b"gzip; q=0.000", b"gzip", False),
        (b"gzip; Q=0.0", b"gzip", False),
        (b"gzip;q=0.001", b"gzip", True),
        (b"*", b"zstd", True),
        (b"*;q=0", b"zstd", False),
        (b"*;q=0, gzip", b"gzip", True),
        (b"gzip;q=0, *", b"gzip", False),
        (b"gzip, *;q=0", b"br", False),
        (b"identity", b"gzip", False),
        (b"", b"gzip", False),
        (b"x-gzip", b"gzip", False),
        (b", ,;,gzip", b"gzip", True),
    ],
)
def test_what_a_caller_accepts(header: bytes, coding: bytes, expected: bool) -> None:
    """Accept-Encoding names codings with weights; zero refuses, an asterisk means the unnamed (RFC 9110, 12.5.3)."""
    assert accepts(header, coding) is expected
