"""What pass-through needs of a stream: its beginning and its end, frame by frame, without changing a byte.

Usage stands in the `metadata` event, the last one of a stream.
"""

from __future__ import annotations

from typing import Final

from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.aws_errors import error_inside, read_fault
from asbru.dialects.bedrock_converse.types import NAME, decode_members
from asbru.dialects.bedrock_converse.usage import usage_of
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.surrogates import decode_mended
from asbru.wire.eventstream import EventStreamError, Message, MessageReader

_QUIET: Final = frozenset(("messageStart", "contentBlockStop", "metadata"))
_GARBAGE: Final = StreamFault(message="an event that is not JSON", type="protocol_error")


def messages_of(data: bytes) -> list[Message]:
    """The whole frames of `data`; none where it is no event stream."""
    try:
        return MessageReader().feed(data)
    except EventStreamError:
        return []


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole events of a stream."""
    del choices
    usage: Usage | None = None
    stopped = told = False
    fault: StreamFault | None = None
    for message in messages_of(data):
        kind = message.header(":event-type")
        if kind == "metadata":
            usage = usage_of(message.payload) or usage
            told = True
        elif kind == "messageStop":
            stopped = True
        elif fault is None:
            fault = read_fault(message)
    stopped = stopped and fault is None
    return TailFacts(usage=usage, complete=told and stopped, finished=stopped, fault=fault)


def prelude(data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    if data[:1] == b"{":  # a JSON reply where a stream was asked for
        error = error_inside(NAME, data)
        if error is None:
            return False
        return StreamFault(message=error.message, type=error.type, code=error.code, status=error.status)
    for message in messages_of(data):
        fault = read_fault(message)
        if fault is not None:
            return fault
        try:
            members = decode_mended(decode_members, message.payload)
        except DECODE_ERRORS:
            return _GARBAGE
        kind = message.header(":event-type")
        if kind == "contentBlockStart" and members.get("start") in (None, b"{}", b"null"):
            continue
        if kind not in _QUIET:
            return True
    return False


def withhold(events: bytes) -> bytes:
    """The events as they are: Asbru never asks this API for anything extra."""
    return events
