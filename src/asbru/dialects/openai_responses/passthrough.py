"""What pass-through needs of a stream: its beginning, and its end, without reading what is between.

The last event of a stream holds the whole response, with its usage near the end; it may be cut at its beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_errors import listed_fault
from asbru.dialects.openai_responses.errors import error_inside, failed_fault, read_fault
from asbru.dialects.openai_responses.types import decode_members
from asbru.dialects.openai_responses.usage import has_fees, read_usage
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

_QUIET: Final = frozenset((
    "response.created", "response.queued", "response.in_progress", "response.content_part.added",
    "response.content_part.done", "response.output_text.done", "response.refusal.done",
    "response.function_call_arguments.done", "response.custom_tool_call_input.done",
    "response.reasoning_summary_part.added", "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done", "response.reasoning_text.done", "keepalive", "ping",
))  # fmt: skip
"""Events that show nothing of the answer, or say again what others have said."""
_ENDS: Final = ("response.completed", "response.incomplete")
_EMPTY_ITEMS: Final = (None, "message", "reasoning")
_USAGE: Final = b'"usage":'
_GARBAGE: Final = StreamFault(message="an event that is not JSON", type="protocol_error")
_from = json.JSONDecoder().raw_decode


class _Item(msgspec.Struct):
    type: str | None = None


class _Response(msgspec.Struct):
    usage: Raw = NULL
    service_tier: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    item: _Item | None = None


class _End(msgspec.Struct):
    response: _Response | None = None


_event = msgspec.json.Decoder(_Event).decode
_end = msgspec.json.Decoder(_End).decode


def _datas(data: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Of each event its name, its data and the block it stands in; a block without data is as good as its own."""
    if CR in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in data.split(b"\n\n"):
        event = read_block(block)
        if event is not None:
            yield event.event, event.data, block
        elif block and not block.startswith(b":"):
            yield "", block, block


def prelude(data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    if data[:1] in (b"{", b"["):  # a JSON answer where a stream was asked for
        error = error_inside(data)
        if error is None:
            return listed_fault(data) or False
        return StreamFault(
            message=error.message, type=error.type or "api_error", code=error.code, status=error.status
        )
    for name, payload, _ in _datas(data):
        if payload == b"[DONE]":
            continue
        try:
            event = decode_mended(_event, payload)
        except DECODE_ERRORS:
            return listed_fault(payload) or _GARBAGE
        kind = event.type or name
        fault = _fault(kind, payload)
        if fault is not None:
            return fault
        if kind == "response.output_item.added" and (event.item is None or event.item.type in _EMPTY_ITEMS):
            continue
        if kind not in _QUIET:
            return True
    return False


def _fault(kind: str, payload: bytes) -> StreamFault | None:
    if kind == "response.failed":
        try:
            response = decode_members(decode_members(payload)["response"])
        except (KeyError, *DECODE_ERRORS):
            response = {}
        return failed_fault(response)
    if kind == "error" or (not kind and payload.find(b'"error"') >= 0):
        return read_fault(payload)
    return None


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole events of a stream; the first may be cut at its beginning. It has one choice."""
    del choices
    usage: Usage | None = None
    complete = False
    fault: StreamFault | None = None
    fees = has_fees(data)
    for at, (name, payload, block) in enumerate(_datas(data)):
        kind = name or _kind(payload)
        if kind in _ENDS:
            complete, usage = _read_end(payload, fees=fees)
        elif kind == "response.failed":
            _, usage = _read_end(payload, fees=fees)
        elif not kind and at == 0 and payload is block:
            usage = _cut_usage(payload)
            complete = usage is not None
        if fault is None:
            fault = _fault(kind or "", payload)
    complete = complete and fault is None
    return TailFacts(usage=usage, complete=complete, finished=complete, fault=fault)


def _kind(payload: bytes) -> str:
    try:
        return decode_mended(_event, payload).type
    except DECODE_ERRORS:
        return ""


def _read_end(payload: bytes, *, fees: bool) -> tuple[bool, Usage | None]:
    """Whether a last event is whole, and the usage that it tells."""
    try:
        response = decode_mended(_end, payload).response
    except DECODE_ERRORS:
        return False, None
    return True, None if response is None else read_usage(response.usage, response.service_tier, fees=fees)


def _cut_usage(block: bytes) -> Usage | None:
    """Usage of a last event whose beginning is cut off. Only such an event tells any; in a text its quotes are
    escaped. The service tier and the tools that cost a fee stand before it: what it cost is unknown."""
    at = block.rfind(_USAGE)
    if at < 0 or block[at - 1 : at] == b"\\":
        return None
    try:
        members, _ = _from(block[at + len(_USAGE) :].decode("utf-8", "replace").lstrip())
    except (ValueError, RecursionError):
        return None
    return read_usage(msgspec.json.encode(members), fees=True)


def withhold(events: bytes) -> bytes:
    """The events as they are: Asbru never asks this API for anything extra."""
    return events
