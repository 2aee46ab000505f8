"""Chunks of a streamed response that come whole: they can go on to a caller as they are framed.

Most providers write an event as one chunk, and it arrives in one read. Such a read needs no parser: what its length
says its first bytes must be, they are. Everything else (several chunks in a read, or a part of one, or the last, or
with an extension) goes to the parser; here it is only followed, to know when the next byte begins a chunk again. That
was the case for the parser too when it was passed by, so it can go on at any time.
"""

from __future__ import annotations

from typing import Final

WHOLE_BYTES_MAX = 4096
"""A longer chunk goes through the parser: its cost is small beside that of the bytes."""

_NOT_ONE: Final = b""
"""For lengths that no chunk has: nothing, which whoever asks must not take for a match."""
_HEAD_BYTES_MAX = 10
_CRLF = b"\r\n"


class _Heads(dict[int, bytes]):
    """The first bytes of a chunk by the length of all of it; fills itself."""

    def __missing__(self, size: int) -> bytes:
        if size > WHOLE_BYTES_MAX:
            return _NOT_ONE
        heads = (b"%x\r\n" % data for digits in (1, 2, 3) if (data := size - digits - 4) > 0)
        head = next((head for head in heads if size - len(head) - 2 == int(head, 16)), _NOT_ONE)
        self[size] = head
        return head


chunk_head = _Heads().__getitem__
"""What `size` bytes begin with if they are one chunk, its size written as nearly everyone does: `1a` CRLF. b"" if a
chunk never has that length, or one that is too long."""


def is_chunked(head: bytes) -> bool:
    """Whether a response's head (without its blank line) says that its body comes in chunks, and says it plainly."""
    before, name, after = (head.lower() + _CRLF).partition(b"\r\ntransfer-encoding:")
    value, _, rest = after.partition(_CRLF)
    return bool(before and name) and value.strip() == b"chunked" and rest.find(b"transfer-encoding:") < 0


def is_whole(data: bytes, at: int = 0) -> bool:
    """Whether `data` from `at` on, where a chunk begins, is whole chunks and no end. For bytes that the parser reads
    too: it refuses what is no chunk."""
    size = len(data)
    while at < size:
        end = data.find(_CRLF, at, at + _HEAD_BYTES_MAX)
        try:
            length = int(data[at:end], 16) if end > 0 else 0
        except ValueError:  # an extension
            return False
        at = end + length + 4
        if length <= 0 or data[at - 2 : at] != _CRLF:
            return False
    return at == size
