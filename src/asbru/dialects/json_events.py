"""Streams whose events are JSON objects, looked at without reading them: where one is that no reader could read.

For server-sent events, as both families send them; `[DONE]`, comments and events without data are as good as an object.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

QUICK_END: Final = b"}\n\n"
"""What a piece of such a stream nearly always ends with."""

_BORDER: Final = re.compile(rb"\r\n\r\n|\n\r\n|\n\n|\r\r")
_BEGINS: Final = b"data: {"
_BETWEEN: Final = b"\n\ndata: "
_DONE: Final = b"data: [DONE]\n\n"
_GOOD: Final = (b"", b"[DONE]")
_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _AnyObject(msgspec.Struct, gc=False):
    """An object whose members nobody wants."""


_decode_object = msgspec.json.Decoder(_AnyObject).decode
_decode_objects = msgspec.json.Decoder(list[_AnyObject]).decode


def malformed_at(events: bytes) -> int:
    """Where the first of these whole events begins whose data is no JSON object; -1 where there is none."""
    if _are_plain(events):
        return -1
    datas = [line[5:] for line in events.split(b"\n") if line.startswith(b"data:") and line != b"data: [DONE]"]
    if CR not in events:  # nearly always: all at once
        try:
            if len(_decode_objects(b"[%b]" % b",".join(datas))) == len(datas):
                return -1
        except _ERRORS:
            pass
    begin = 0
    for border in _BORDER.finditer(events):
        if _is_malformed(events[begin : border.start()]):
            return begin
        begin = border.end()
    return -1


def _are_plain(events: bytes) -> bool:
    """Whether these are what providers nearly always send: a `data:` line of one object for each event. False also
    where it cannot be told so quickly."""
    if events.endswith(_DONE):
        events = events[: -len(_DONE)]
    if events[:7] != _BEGINS:
        return False
    objects = b"[%b]" % events[6:-2].replace(_BETWEEN, b",")
    try:
        return len(_decode_objects(objects)) == events.count(b"\n\n")
    except _ERRORS:
        return False


def _is_malformed(block: bytes) -> bool:
    if CR in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    event = read_block(block)
    if event is None or event.data.strip() in _GOOD:
        return False
    try:
        decode_mended(_decode_object, event.data)
    except _ERRORS:
        return True
    return False
