"""Content codings: gzip, deflate, br and zstd, decoded with a bound, whole or piece by piece.

Asbru never encodes: it asks providers for identity, passes on encoded answers to callers that accept them, and decodes
only where it must read. Not here: which of the three applies.
"""

from __future__ import annotations

import sys
import zlib
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"})
_CHUNK_BYTES = 1024 * 1024


class CodingError(ValueError):
    """The data is not what its coding says, or the coding is not one of `CODINGS`."""


class DecodedTooLargeError(ValueError):
    """The decoded data is over the bound: an honest body or a bomb, refused either way."""


class Decoder(Protocol):
    """Decodes pieces in order."""

    @property
    def finished(self) -> bool:
        """Whether the coding's own end was seen."""
        ...

    def feed(self, data: bytes) -> bytes:
        """What `data` decodes to so far."""
        ...


class _ZlibDecoder:
    def __init__(self, *, gzip: bool, bytes_max: int) -> None:
        self._gzip = gzip
        self._left = bytes_max
        self._inner = zlib.decompressobj(31 if gzip else 15)
        self._first = True

    @property
    def finished(self) -> bool:
        return self._inner.eof

    def feed(self, data: bytes) -> bytes:
        if self._first and data:
            self._first = False
            if not self._gzip and not _is_zlib(data):
                self._inner = zlib.decompressobj(-15)  # "deflate" without its wrapper, as some servers send it
        out = b""
        while data:
            if self._inner.eof and self._gzip:
                self._inner = zlib.decompressobj(31)  # gzip may consist of several members
            elif self._inner.eof:
                raise CodingError("bytes after the end")
            try:
                out += self._inner.decompress(data, self._left + 1 - len(out))
            except zlib.error as error:
                raise CodingError(str(error)) from error
            if len(out) > self._left:
                raise DecodedTooLargeError
            data = self._inner.unused_data
        self._left -= len(out)
        return out


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)


class _BrotliDecoder:
    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._inner = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        return self._inner.is_finished()

    def feed(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        try:
            while True:
                out = self._inner.process(data, output_buffer_limit=_CHUNK_BYTES)
                parts.append(out)
                self._left -= len(out)
                if self._left < 0:
                    raise DecodedTooLargeError
                if self._inner.can_accept_more_data():
                    return b"".join(parts)
                data = b""
        except brotli.error as error:
            raise CodingError(str(error)) from error


class _ZstdDecoder:
    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._inner = zstd.ZstdDecompressor()

    @property
    def finished(self) -> bool:
        return self._inner.eof

    def feed(self, data: bytes) -> bytes:
        out = b""
        while data:
            if self._inner.eof:
                self._inner = zstd.ZstdDecompressor()  # zstd may consist of several frames
            try:
                out += self._inner.decompress(data, self._left + 1 - len(out))
            except zstd.ZstdError as error:
                raise CodingError(str(error)) from error
            if len(out) > self._left:
                raise DecodedTooLargeError
            data = self._inner.unused_data
        self._left -= len(out)
        return out


def decoder(coding: bytes, bytes_max: int) -> Decoder:
    """A decoder for one of `CODINGS` whose whole output may have `bytes_max` bytes."""
    match coding:
        case b"gzip" | b"x-gzip":
            return _ZlibDecoder(gzip=True, bytes_max=bytes_max)
        case b"deflate":
            return _ZlibDecoder(gzip=False, bytes_max=bytes_max)
        case b"br":
            return _BrotliDecoder(bytes_max)
        case b"zstd":
            return _ZstdDecoder(bytes_max)
        case _:
            raise CodingError(f"unknown content coding {coding.decode('latin-1')!r}")


def decode(coding: bytes, data: bytes, bytes_max: int) -> bytes:
    """The whole of `data`, decoded."""
    whole = decoder(coding, bytes_max)
    out = whole.feed(data)
    if data and not whole.finished:
        raise CodingError("the data ends before its coding does")
    return out


def accepts(accept_encoding: bytes, coding: bytes) -> bool:
    """Whether an Accept-Encoding value allows `coding` (RFC 9110, 12.5.3)."""
    wildcard = False
    for item in accept_encoding.lower().split(b","):
        name, _, parameters = item.partition(b";")
        name = name.strip()
        refused = parameters.replace(b" ", b"") in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
        if name == coding:
            return not refused
        if name == b"*":
            wildcard = not refused
    return wildcard
