"""AWS event streams (application/vnd.amazon.eventstream): a reader, a writer, and the splitter for whole messages only.

A message (https://smithy.io/2.0/aws/amazon-eventstream.html), its integers big-endian:

    total length     4 bytes   of all of it
    headers length   4 bytes
    prelude CRC      4 bytes   CRC32 of the 8 bytes before
    headers                    name length 1, name, type 1, value; string and bytes have a length of 2 before them
    payload                    the rest
    message CRC      4 bytes   CRC32 of everything before

Both sums are checked before anything of a message is believed or passed on, the prelude's first: a wrong length would
swallow the messages that follow. Not here: what headers and payload mean.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, TypeAlias
from zlib import crc32

import msgspec

from asbru.wire.errors import FramingError

MEDIA_TYPE = b"application/vnd.amazon.eventstream"

HEADERS_BYTES_MAX = 128 * 1024
PAYLOAD_BYTES_MAX = 24 * 1024 * 1024
"""The bounds of the AWS SDKs."""
HEADER_NAME_BYTES_MAX = 255
HEADER_VALUE_BYTES_MAX = 0x7FFF
"""Of a string or bytes."""

_PRELUDE_BYTES = 12
_AROUND_BYTES = _PRELUDE_BYTES + 4
"""A message without headers and payload."""
_MESSAGE_BYTES_MAX = _AROUND_BYTES + HEADERS_BYTES_MAX + PAYLOAD_BYTES_MAX
_LENGTHS = struct.Struct(">II")
_SUM = struct.Struct(">I")
_VALUE_LENGTH = struct.Struct(">H")

TRUE: Final = 0
FALSE: Final = 1
INT8: Final = 2
INT16: Final = 3
INT32: Final = 4
INT64: Final = 5
BYTES: Final = 6
STRING: Final = 7
TIMESTAMP: Final = 8
UUID: Final = 9

_INTEGERS = {
    INT8: struct.Struct(">b"),
    INT16: struct.Struct(">h"),
    INT32: struct.Struct(">i"),
    INT64: struct.Struct(">q"),
    TIMESTAMP: struct.Struct(">q"),
}
_UUID_BYTES = 16


class EventStreamError(FramingError):
    """The bytes are no event stream: a length out of bounds, a sum that is wrong, headers that make no sense."""


HeaderValue: TypeAlias = bool | int | str | bytes


class Header(msgspec.Struct, frozen=True):
    """`type` is one of the constants above, and says what `value` is: a bool (TRUE, FALSE), an int (INT8 to INT64;
    TIMESTAMP: milliseconds since 1970), a str (STRING), or bytes (BYTES; UUID: 16 of them)."""

    name: str
    value: HeaderValue
    type: int = STRING


class Message(msgspec.Struct, frozen=True):
    """One message: its headers in their order, and its payload."""

    headers: tuple[Header, ...]
    payload: bytes

    def header(self, name: str) -> HeaderValue | None:
        """The value of the header called `name`, None if there is none."""
        return next((header.value for header in self.headers if header.name == name), None)


class MessageSplitter:
    """Cuts a byte stream at message borders: `feed` returns the bytes up to the last complete message, sums checked."""

    __slots__ = ("_held_bytes", "_needed_bytes", "pieces")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        """The incomplete message at the end as it came; empty when the bytes end at a border. One list for good."""
        self._held_bytes = 0
        self._needed_bytes = _PRELUDE_BYTES  # what is held need not be looked at before it has so many

    @property
    def held(self) -> bytes:
        """The incomplete message at the end, possibly empty."""
        return b"".join(self.pieces)

    def feed(self, chunk: bytes) -> bytes:
        """All bytes up to the last message border so far; b"" while none was reached. Raises `EventStreamError`."""
        if not chunk:
            return b""
        held = self.pieces
        if held:
            if self._held_bytes + len(chunk) < self._needed_bytes:
                held.append(chunk)
                self._held_bytes += len(chunk)
                return b""
            chunk = b"".join((*held, chunk))
            held.clear()
        end = size = 0
        try:
            while (size := _message_bytes(chunk, end)) <= len(chunk) - end:
                _check_sum(chunk, end, end + size)
                end += size
        except EventStreamError:
            if not end:
                raise
            size = 0  # what came before is sound, and must not depend on where reads end: the next byte raises
        self._needed_bytes = size
        self._held_bytes = len(chunk) - end
        if end == len(chunk):
            return chunk
        held.append(chunk[end:])
        return chunk[:end]


class MessageReader:
    """Messages from bytes that arrive cut anywhere. Any cut of the same bytes gives the same messages."""

    __slots__ = ("_splitter",)

    def __init__(self) -> None:
        self._splitter = MessageSplitter()

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that `chunk` completes. Raises `EventStreamError`."""
        data = self._splitter.feed(chunk)
        messages: list[Message] = []
        at = 0
        while at < len(data):
            size, headers_bytes = _LENGTHS.unpack_from(data, at)
            headers_end = at + _PRELUDE_BYTES + headers_bytes
            headers = _read_headers(data[at + _PRELUDE_BYTES : headers_end])
            at += size
            messages.append(Message(headers, data[headers_end : at - _SUM.size]))
        return messages

    def close(self) -> bytes:
        """The end of the stream: what was left of an incomplete message (b"" for a clean end)."""
        return self._splitter.held


def write_message(headers: Iterable[Header], payload: bytes) -> bytes:
    """One message. Raises `EventStreamError` for what no message can carry."""
    lines = b"".join(map(_write_header, headers))
    if len(lines) > HEADERS_BYTES_MAX or len(payload) > PAYLOAD_BYTES_MAX:
        raise EventStreamError(
            f"a message of {len(lines)} bytes of headers and {len(payload)} of payload is too large"
        )
    lengths = _LENGTHS.pack(_AROUND_BYTES + len(lines) + len(payload), len(lines))
    message = b"".join((lengths, _SUM.pack(crc32(lengths)), lines, payload))
    return message + _SUM.pack(crc32(message))


def begins_message(data: bytes) -> bool:
    """Whether `data` may be the beginning of an event stream; of less than a prelude only a little is known."""
    if len(data) < _PRELUDE_BYTES:
        return data[0] <= _MESSAGE_BYTES_MAX >> 24
    try:
        _message_bytes(data, 0)
    except EventStreamError:
        return False
    return True


def why_broken(held: bytes) -> str:
    """Why what is left at the end of a stream is no message; "" where it is only not all there."""
    try:
        size = _message_bytes(held, 0)
        if size <= len(held):
            _check_sum(held, 0, size)
    except EventStreamError as error:
        return str(error)
    return ""


def close_message(held: bytes) -> bytes:
    """An incomplete message cannot be made whole."""
    del held
    return b""


def _message_bytes(data: bytes, at: int) -> int:
    """The length of the message that begins at `at`; of its prelude while that is not all there."""
    if len(data) - at < _PRELUDE_BYTES:
        return _PRELUDE_BYTES
    size, headers_bytes = _LENGTHS.unpack_from(data, at)
    if crc32(data[at : at + 8]) != _SUM.unpack_from(data, at + 8)[0]:
        raise EventStreamError("the checksum of a message's lengths is wrong")
    payload_bytes = size - headers_bytes - _AROUND_BYTES
    if payload_bytes < 0 or headers_bytes > HEADERS_BYTES_MAX or payload_bytes > PAYLOAD_BYTES_MAX:
        raise EventStreamError(f"a message has lengths out of bounds: {size} bytes, {headers_bytes} of them headers")
    return size


def _check_sum(data: bytes, begin: int, end: int) -> None:
    end -= _SUM.size
    if crc32(memoryview(data)[begin:end]) != _SUM.unpack_from(data, end)[0]:
        raise EventStreamError("the checksum of a message is wrong")


def _read_headers(data: bytes) -> tuple[Header, ...]:
    headers: list[Header] = []
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            code = data[name_end]
            value, after = _read_value(data, name_end + 1, code)
            headers.append(Header(data[at + 1 : name_end].decode(), value, code))
            at = after
    except (IndexError, struct.error):
        at = len(data) + 1
    except UnicodeDecodeError:
        raise EventStreamError("a message's header is not UTF-8") from None
    if at != len(data):
        raise EventStreamError("a message's headers do not end where they should")
    return tuple(headers)


def _read_value(data: bytes, at: int, code: int) -> tuple[HeaderValue, int]:
    """The value at `at`, and where it ends."""
    if code in (TRUE, FALSE):
        return code == TRUE, at
    integer = _INTEGERS.get(code)
    if integer is not None:
        return integer.unpack_from(data, at)[0], at + integer.size
    if code == UUID:
        return data[at : at + _UUID_BYTES], at + _UUID_BYTES
    if code not in (STRING, BYTES):
        raise EventStreamError(f"a message's header has the unknown type {code}")
    begin = at + _VALUE_LENGTH.size
    end = begin + _VALUE_LENGTH.unpack_from(data, at)[0]
    value = data[begin:end]
    return value.decode() if code == STRING else value, end


def _write_header(header: Header) -> bytes:
    name = header.name.encode()
    if not 0 < len(name) <= HEADER_NAME_BYTES_MAX:
        raise EventStreamError(f"a header's name has 1 to {HEADER_NAME_BYTES_MAX} bytes, not {len(name)}")
    return b"%c%b%c%b" % (len(name), name, header.type, _write_value(header))


def _write_value(header: Header) -> bytes:
    code, value = header.type, header.value
    integer = _INTEGERS.get(code)
    if integer is not None and isinstance(value, int) and not isinstance(value, bool):
        try:
            return integer.pack(value)
        except struct.error:
            raise EventStreamError(f"the header {header.name} has a value that its type cannot hold") from None
    if code in (TRUE, FALSE) and value is (code == TRUE):
        return b""
    if code == UUID and isinstance(value, bytes) and len(value) == _UUID_BYTES:
        return value
    data = value.encode() if code == STRING and isinstance(value, str) else value
    if code in (STRING, BYTES) and isinstance(data, bytes) and len(data) <= HEADER_VALUE_BYTES_MAX:
        return _VALUE_LENGTH.pack(len(data)) + data
    raise EventStreamError(f"the header {header.name} has a value that its type cannot hold")
