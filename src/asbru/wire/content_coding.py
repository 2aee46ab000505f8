"""Content codings: gzip, deflate, br and zstd, decoded with a bound, whole or piece by piece.

Asbru never encodes: it asks providers for identity, passes on encoded answers to callers that accept them, and decodes
only where it must read. Not here: which of the three applies. brotli and zstd are loaded when a body needs them.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"})
_CHUNK_BYTES = 128 * 1024
"""Of brotli at a time: so little that the allocator uses the same memory again, for fresh pages cost a third."""
_STEP_BYTES = 4 * 1024
_BEGINNING_STEP_BYTES = 64

RATIO_MAX = 100
"""How many times as large as its coded form data may be, beyond RATIO_FREE_BYTES. Streams of JSON reach 40; only what
is made to grow reaches 1,000 (gzip) or a million (brotli)."""
RATIO_FREE_BYTES = 1024 * 1024
_WINDOW_BITS_MAX = 23
"""zstd: 8 MiB, which every decoder of HTTP must offer and none must exceed (RFC 9659)."""

_MEMBERS_MAX = 16
"""Members (gzip) or frames (zstd) in a row: each costs a copy of what follows, so a body of nothing else must end."""


class CodingError(ValueError):
    """The data is not what its coding says, or the coding is not one of `CODINGS`."""


class DecodedTooLargeError(ValueError):
    """The decoded data is over the bound: an honest body or a bomb, refused either way."""

    def __init__(self) -> None:
        super().__init__(f"it decodes to more than is accepted, or to more than {RATIO_MAX} times what was sent")


class _Allowance:
    """How many bytes may still come out: at most `bytes_max` in all, and RATIO_MAX for each that went in."""

    __slots__ = ("_by_ratio", "_left")

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self._by_ratio = RATIO_FREE_BYTES

    def went_in(self, data: bytes) -> None:
        self._by_ratio += len(data) * RATIO_MAX

    @property
    def left(self) -> int:
        return min(self._left, self._by_ratio)

    def came_out(self, data: bytes) -> None:
        """Raises `DecodedTooLargeError`."""
        self._left -= len(data)
        self._by_ratio -= len(data)
        if self.left < 0:
            raise DecodedTooLargeError


class Decoder(Protocol):
    """Decodes pieces in order."""

    def feed(self, data: bytes) -> bytes:
        """What `data` decodes to so far."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the coded data has reached its own end."""
        ...


class Decoders:
    """Two decoders, of which the second takes what the first gives."""

    def __init__(self, first: Decoder, second: Decoder) -> None:
        self._first = first
        self._second = second

    def feed(self, data: bytes) -> bytes:
        """See `Decoder`."""
        return self._second.feed(self._first.feed(data))

    @property
    def complete(self) -> bool:
        """See `Decoder`."""
        return self._first.complete


class _Inner(Protocol):
    """One member of zlib's or zstd's making."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _MemberDecoder:
    """zlib and zstd: `make` begins a member; what follows the end of one is the next, where `several` may be."""

    def __init__(
        self, make: Callable[[bytes], _Inner], bytes_max: int, *, several: bool, error: type[Exception] = zlib.error
    ) -> None:
        self._make = make
        self._error = error
        self._allowance = _Allowance(bytes_max)
        self._members_left = _MEMBERS_MAX if several else 1
        self._inner: _Inner | None = None

    def feed(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        self._allowance.went_in(data)
        while data:
            inner = self._inner
            if inner is None or inner.eof:
                inner = self._next(data)
            try:
                out = inner.decompress(data, self._allowance.left + 1)
            except self._error as error:
                raise CodingError(str(error)) from error
            self._allowance.came_out(out)
            parts.append(out)
            data = inner.unused_data
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next(self, data: bytes) -> _Inner:
        if not self._members_left:
            raise CodingError("more bytes follow the end of the coded data")
        self._members_left -= 1
        inner = self._inner = self._make(data)
        return inner

    @property
    def complete(self) -> bool:
        return self._inner is not None and self._inner.eof


def _inflate(data: bytes) -> _Inner:
    """ "deflate" means zlib's wrapper; some servers send it without."""
    is_zlib = data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)
    return zlib.decompressobj(15 if is_zlib else -15)


class _BrotliDecoder:
    def __init__(self, bytes_max: int) -> None:
        import brotli

        self._allowance = _Allowance(bytes_max)
        self._inner = brotli.Decompressor()
        self._error = brotli.error

    def feed(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        self._allowance.went_in(data)
        try:
            while True:
                out = self._inner.process(data, output_buffer_limit=min(_CHUNK_BYTES, self._allowance.left + 1))
                parts.append(out)
                self._allowance.came_out(out)
                if self._inner.can_accept_more_data():
                    return b"".join(parts)
                data = b""
        except self._error as error:
            raise CodingError(str(error)) from error

    @property
    def complete(self) -> bool:
        return self._inner.is_finished()


class _Stepwise:
    """Gives a decoder a little at a time, so that data that grows too much is refused before it has grown."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner

    def feed(self, data: bytes) -> bytes:
        if len(data) <= _STEP_BYTES:
            return self._inner.feed(data)
        return b"".join(self._inner.feed(data[at : at + _STEP_BYTES]) for at in range(0, len(data), _STEP_BYTES))

    @property
    def complete(self) -> bool:
        return self._inner.complete


def _zstd_decoder(bytes_max: int) -> Decoder:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    options = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_BITS_MAX}
    return _MemberDecoder(
        lambda _: zstd.ZstdDecompressor(options=options), bytes_max, several=True, error=zstd.ZstdError
    )


def decoder(coding: bytes, bytes_max: int) -> Decoder:
    """A decoder for one of `CODINGS` whose whole output may have `bytes_max` bytes."""
    return _Stepwise(_decoder(coding, bytes_max))


def _decoder(coding: bytes, bytes_max: int) -> Decoder:
    match coding:
        case b"gzip" | b"x-gzip":
            return _MemberDecoder(lambda _: zlib.decompressobj(31), bytes_max, several=True)
        case b"deflate":
            return _MemberDecoder(_inflate, bytes_max, several=False)
        case b"br":
            return _BrotliDecoder(bytes_max)
        case b"zstd":
            return _zstd_decoder(bytes_max)
        case _:
            raise CodingError(f"unknown content coding {coding.decode('latin-1')!r}")


def decode(coding: bytes, data: bytes, bytes_max: int) -> bytes:
    """The whole of `data`, decoded; a part of it raises `CodingError`. Nothing decodes to nothing."""
    reader = decoder(coding, bytes_max)
    decoded = reader.feed(data)
    if data and not reader.complete:
        raise CodingError("the coded data ended before it was complete")
    return decoded


def begin_to_decode(coding: bytes, data: bytes, bytes_max: int) -> bytes:
    """The beginning of what `data` decodes to, which may be cut: the first `bytes_max` bytes or a few more. Raises
    `CodingError`."""
    reader = decoder(coding, 2 * bytes_max)
    decoded = b""
    try:
        for at in range(0, len(data), _BEGINNING_STEP_BYTES):
            if len(decoded) >= bytes_max:
                break
            decoded += reader.feed(data[at : at + _BEGINNING_STEP_BYTES])
    except DecodedTooLargeError:
        pass  # by one step that holds far more than the others
    return decoded[:bytes_max]


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
