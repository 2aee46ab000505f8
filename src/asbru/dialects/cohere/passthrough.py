"""What pass-through needs of a stream: its beginning, and its end, without reading what is between.

Only the last event tells usage, and it is small. Not here: the reader, which reads everything (`stream.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.cohere.errors import end_fault, error_inside
from asbru.dialects.cohere.stream import kind_of, untyped_fault
from asbru.dialects.cohere.usage import read_usage
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

_QUIET: Final = frozenset(("message-start", "content-end", "tool-call-end", "citation-end"))
"""Events that show nothing of the reply."""
_TEXTS: Final = ("content-start", "content-delta", "tool-plan-delta", "tool-call-delta")
"""Events that show something unless it is empty."""
_END: Final = "message-end"


class _Content(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None


class _Function(msgspec.Struct):
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: _Content | None = None
    tool_plan: str | None = None
    tool_calls: _Call | None = None


class _Delta(msgspec.Struct):
    message: _Message | None = None


class _Event(msgspec.Struct):
    delta: _Delta | None = None
    logprobs: Raw = NULL


class _EndDelta(msgspec.Struct):
    usage: Raw = NULL


class _End(msgspec.Struct):
    delta: _EndDelta | None = None


_event = msgspec.json.Decoder(_Event).decode
_end = msgspec.json.Decoder(_End).decode


def _datas(data: bytes) -> Iterator[bytes]:
    """The data of each event; of the first one, which may be cut, as far as it is there."""
    if CR in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in data.split(b"\n\n"):
        event = read_block(block)
        if event is not None and event.data != b"[DONE]":
            yield event.data


def prelude(data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    if data[:1] in (b"{", b"["):  # a JSON reply where a stream was asked for
        error = error_inside(data)
        return False if error is None else StreamFault(message=error.message, status=error.status)
    for payload in _datas(data):
        try:
            kind = decode_mended(kind_of, payload)
            if kind == _END:
                return end_fault(payload) or True
            if not kind:
                return untyped_fault(payload)
            if kind not in _QUIET and (kind not in _TEXTS or _shows(decode_mended(_event, payload))):
                return True
        except DECODE_ERRORS:
            return StreamFault(message="an event that cannot be read", type="protocol_error")
    return False


def _shows(event: _Event) -> bool:
    """Whether a text in an event is not empty."""
    message = event.delta and event.delta.message
    if event.logprobs != NULL:
        return True
    if message is None:
        return False
    content, call = message.content, message.tool_calls and message.tool_calls.function
    return bool(message.tool_plan or (content and (content.text or content.thinking)) or (call and call.arguments))


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole events of a stream; the first may be cut at its beginning. It has one choice."""
    del choices
    usage: Usage | None = None
    complete = False
    fault: StreamFault | None = None
    for payload in _datas(data):
        try:
            kind = decode_mended(kind_of, payload)
            if kind == _END:
                fault = fault or end_fault(payload)
                delta = decode_mended(_end, payload).delta
                usage = None if delta is None else read_usage(delta.usage)
                complete = fault is None
            elif not kind and fault is None:
                fault = untyped_fault(payload)
        except DECODE_ERRORS:  # the first, where it is cut
            continue
    return TailFacts(usage=usage, complete=complete, finished=complete, fault=fault)


def withhold(events: bytes) -> bytes:
    """The events as they are: Asbru never asks this API for anything extra."""
    return events
