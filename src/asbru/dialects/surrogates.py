"""Lone surrogates in JSON text become U+FFFD: clients that cut a string between the halves of an emoji send them.

JSON's grammar lets such an escape through, but no text can hold it, so decoders and providers refuse the whole body.
Only escapes are looked at: surrogates as raw bytes are not UTF-8. Nothing is searched that a decoder has not refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""One escape, so that none begins in the middle of another; the group is a lone surrogate."""


def mend_surrogates(data: bytes) -> bytes:
    """`data`, JSON text, with each lone surrogate replaced; the same object where it has none."""
    if data.find(b"\\ud") < 0 and data.find(b"\\uD") < 0:
        return data
    mended = _ESCAPE.sub(lambda found: found[0] if found[1] is None else b"\\ufffd", data)
    return data if mended == data else mended


def decode_mended(decode: Callable[[bytes], T], data: bytes) -> T:
    """What `decode` makes of `data`, mended where it refuses it as it is. Raises what `decode` raises."""
    try:
        return decode(data)
    except msgspec.DecodeError:
        mended = mend_surrogates(data)
        if mended is data:
            raise
        return decode(mended)
