"""Rewriting a large body without a second copy: its large members are set aside, the rest is rewritten, and they go
back in as views of the body that the caller sent.

Only members that hold content are set aside, which no rewrite looks into: the result says, byte for byte, what
rewriting the whole body would have said. Anything unusual is left to that.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from asbru.core.chat import Raw
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced

_ASIDE_BYTES_MIN = 64 * 1024
_CONTENT = frozenset({"messages", "system", "tools", "input", "prompt"})
_PLACE = Raw(b"null")

_decode = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode


def rewrite_large(body: bytes, rewrite: Callable[[bytes], bytes]) -> Body:
    """What `rewrite(body)` says, in pieces where it is large; the identical object when nothing had to change."""
    try:
        members = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return rewrite(body)
    aside = {
        name: view for name in _CONTENT & members.keys() if len(view := memoryview(members[name])) >= _ASIDE_BYTES_MIN
    }
    if not aside:
        return rewrite(body)
    small = _encode({name: _PLACE if name in aside else value for name, value in members.items()})
    rewritten = rewrite(small)
    if rewritten is small:
        return body
    pieces: list[bytes | memoryview] = []
    before = [b"{"]
    for name, value in _decode(rewritten).items():
        before.append(_encode(name))
        before.append(b":")
        if name in aside:
            pieces.append(b"".join(before))
            pieces.append(aside[name])
            before = [b","]
        else:
            before.append(bytes(value))
            before.append(b",")
    before[-1] = b"}"
    pieces.append(b"".join(before))
    spliced = Spliced(pieces)
    return spliced if len(spliced) > LARGE_BYTES_MIN else b"".join(pieces)
