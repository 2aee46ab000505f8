"""What pass-through needs of a stream: its beginning, its end, and whether a candidate ends, without reading it whole.

Not here: the head of a request and its rewrite (`head.py`), and the usage of a whole reply (`usage.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.gemini.errors import read_fault
from asbru.dialects.gemini.usage import has_fees, read_usage
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

_GARBAGE: Final = StreamFault(message="an event that is not JSON", type="protocol_error")
_FINISH: Final = re.compile(rb'"finishReason":\s*"')
_ERROR: Final = b'"error"'


class _Content(msgspec.Struct):
    parts: Raw = NULL


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | int | None = None
    index: int | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: Raw = NULL


_event = msgspec.json.Decoder(_Event).decode
_parts = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_EMPTY: Final = (Raw(b'""'), NULL)


def _datas(data: bytes) -> Iterator[bytes]:
    """The data of each event; a block without any, cut at its beginning, is as good as its own."""
    if CR in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in data.split(b"\n\n"):
        event = read_block(block)
        if event is not None:
            yield event.data
        elif block.strip(b"\n") and not block.startswith(b":"):
            yield block


def prelude(data: bytes) -> StreamFault | bool:
    """A fault before any content, True once content was seen, False while there is neither."""
    if data[:1] in (b"{", b"["):  # a JSON body where a stream was asked for
        return read_fault(data) or False
    for payload in _datas(data):
        fault = read_fault(payload)
        if fault is not None:
            return fault
        try:
            event = decode_mended(_event, payload)
        except DECODE_ERRORS:
            return _GARBAGE
        if _blocked(event) or any(_shows(candidate) for candidate in event.candidates or ()):
            return True
    return False


def _blocked(event: _Event) -> bool:
    return event.prompt_feedback is not None and event.prompt_feedback.block_reason is not None


def _shows(candidate: _Candidate) -> bool:
    if candidate.finish_reason is not None:
        return True
    content = candidate.content
    if content is None or content.parts == NULL:
        return False
    try:
        parts = _parts(content.parts)
    except DECODE_ERRORS:
        return True
    return any(_says(part) for part in parts)


def _says(part: dict[str, Raw]) -> bool:
    """Whether there is more to a part than an empty text."""
    return any(
        name not in ("text", "thought") or (name == "text" and raw not in _EMPTY) for name, raw in part.items()
    )


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Facts from the last whole events of a stream; the first may be cut at its beginning. The last usage counts."""
    usage: Usage | None = None
    fault: StreamFault | None = None
    ended: set[int] = set()
    seen: set[int] = set()
    sure = False
    fees = has_fees(data)
    for payload in _datas(data):
        if fault is None and payload.find(_ERROR) >= 0:
            fault = read_fault(payload)
        try:
            event = decode_mended(_event, payload)
        except DECODE_ERRORS:
            sure = False
            continue
        sure = False
        for at, candidate in enumerate(event.candidates or ()):
            index = at if candidate.index is None else candidate.index
            seen.add(index)
            if candidate.finish_reason is not None:
                ended.add(index)
                sure = True
        if _blocked(event):
            ended.add(0)
            sure = True
        usage = read_usage(event.usage_metadata, fees=fees) or usage
        sure = sure and event.usage_metadata != NULL
    finished = fault is None and len(ended) >= max(choices, 1) and seen <= ended
    return TailFacts(usage=usage, complete=finished and sure, finished=finished, fault=fault)


def finishes(data: bytes) -> bool:
    """Whether whole events hold a finish reason (or words that look like one)."""
    return _FINISH.search(data) is not None


def withhold(events: bytes) -> bytes:
    """The events as they are: this API tells the usage unasked."""
    return events
