"""Writing a body from its members without a second copy of what is large in it: large members go out as views of the
body that the caller sent.

The result says, byte for byte, what encoding all members says.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from asbru.core.chat import Raw
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced

VIEW_BYTES_MIN = 64 * 1024

_encode = msgspec.json.encode


def write_members(members: Mapping[str, Raw]) -> Body:
    """An object of `members`, in pieces where it is large."""
    pieces: list[bytes | memoryview] = []
    small = bytearray()
    between = b"{"
    for name, value in members.items():
        small += between + _encode(name) + b":"
        between = b","
        view = memoryview(value)
        if len(view) >= VIEW_BYTES_MIN:
            pieces += (bytes(small), view)
            small.clear()
        else:
            small += view
    small += b"}" if members else b"{}"
    pieces.append(bytes(small))
    spliced = Spliced(pieces)
    return spliced if len(spliced) > LARGE_BYTES_MIN else b"".join(pieces)
