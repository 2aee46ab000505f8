"""What pass-through needs of an answer: usage, completeness and faults, without decoding what it forwards.

The API tells input tokens in `message_start` and output tokens in `message_delta`, newer models everything in the
latter: `head_usage` reads the first, `tail` the second, `usage.merge_usage` joins them. All of them look at parsed
JSON before they believe a byte string, because answers quote other answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages.errors import listed_fault, read_fault, untyped_fault
from asbru.dialects.anthropic_messages.types import (
    decode_block_start,
    decode_kind,
    decode_start_holder,
    decode_usage_holder,
)
from asbru.dialects.anthropic_messages.usage import later_usage_from, usage_from
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

USAGE_TAIL_BYTES: Final = 4096
"""How far from the end of a whole answer its usage is looked for first."""

_TAIL_MARKS: Final = (b"message_", b'"usage"', b"error")
"""What the events at the end of a stream hold, and most of the others do not."""

_QUIET: Final = frozenset(("message_start", "ping", "content_block_stop"))
_EMPTY_AT_START: Final = frozenset(("text", "thinking"))


def usage_of(body: bytes) -> Usage | None:
    """Usage of a whole answer; None if absent.

    What follows the last `"usage"` closes as an object of its own only if that was a member of the outermost object,
    so a quoted or nested one sends us to the whole body.
    """
    start = body.rfind(b'"usage"', max(0, len(body) - USAGE_TAIL_BYTES))
    if start > 0:
        try:
            return usage_from(decode_usage_holder(b"{" + body[start:]).usage)
        except DECODE_ERRORS:
            pass
    try:
        return usage_from(decode_mended(decode_usage_holder, body).usage)
    except DECODE_ERRORS:
        return None


def head_usage(data: bytes) -> Usage | None:
    """Usage from `message_start` among the first whole events of a stream."""
    for block in _datas(data):
        if block.find(b"message_start") < 0:
            continue
        try:
            if decode_kind(block).type == "message_start":
                return usage_from(decode_start_holder(block).message.usage)
        except DECODE_ERRORS:
            return None
    return None


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole events of a stream; the first may be cut at its beginning.

    Every stream of this API ends with `message_stop`, so nothing less is taken for an end. It has one choice.
    """
    del choices
    usage: Usage | None = None
    complete = False
    fault: StreamFault | None = None
    for block in _datas(data, _TAIL_MARKS):
        kind = _kind(block)
        if kind is None:
            usage = _cut_usage(block) or usage
        elif kind == "message_delta":
            usage = _delta_usage(block) or usage
        elif kind == "message_stop":
            complete = True
        elif kind == "error" and fault is None:
            fault = read_fault(block)
        elif not kind and fault is None:
            fault = untyped_fault(block)
    complete = complete and fault is None
    return TailFacts(usage=usage, complete=complete, finished=complete, fault=fault)


def prelude(data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    for block in _datas(data):
        kind = _kind(block)
        if kind is None:
            listed = listed_fault(block)
            if listed is not None:
                return listed
            return StreamFault(message="an event that is not JSON", type="protocol_error")
        if kind == "error":
            return read_fault(block)
        fault = None if kind else untyped_fault(block)
        if fault is not None:
            return fault
        if kind == "content_block_start" and _starts_empty(block):
            continue
        if kind not in _QUIET:
            return True
    return False


def withhold(events: bytes) -> bytes:
    """The events as they are: Asbru never asks this API for anything extra."""
    return events


def _datas(data: bytes, marks: tuple[bytes, ...] = ()) -> Iterator[bytes]:
    """The data of each event; with `marks` only of those that hold one, and of a first one without its beginning."""
    if CR in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in data.split(b"\n\n"):
        if marks and not any(block.find(mark) >= 0 for mark in marks):
            continue
        event = read_block(block)
        if event is not None:
            yield event.data
        elif marks and block:
            yield block


def _kind(data: bytes) -> str | None:
    try:
        return decode_mended(decode_kind, data).type
    except DECODE_ERRORS:
        return None


def _delta_usage(data: bytes) -> Usage | None:
    try:
        return later_usage_from(decode_usage_holder(data).usage)
    except DECODE_ERRORS:
        return None


def _cut_usage(data: bytes) -> Usage | None:
    """Usage of a `message_delta` whose beginning was cut off, by the same reasoning as in `usage_of`."""
    start = data.rfind(b'"usage"')
    return _delta_usage(b"{" + data[start:]) if start >= 0 else None


def _starts_empty(data: bytes) -> bool:
    try:
        return decode_kind(decode_block_start(data).content_block).type in _EMPTY_AT_START
    except DECODE_ERRORS:
        return False
