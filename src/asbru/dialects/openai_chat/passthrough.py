"""What pass-through reads of a stream without translating it: its beginning, its end, and one chunk to
withhold.

Whole events come in as bytes and leave as the same bytes. Everything is decided by a substring search
first, and only the few events that may matter are decoded. Works for chat and for completions streams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.contract import TailFacts
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.errors import choice_fault
from asbru.dialects.openai_chat.types import PeekChunk
from asbru.dialects.openai_chat.usage import read_usage, tail_usage
from asbru.dialects.openai_errors import listed_fault, read_fault
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import CR, read_block

_PEEK = msgspec.json.Decoder(PeekChunk)
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_OTHER_INDEX = re.compile(rb'"index"\s*:\s*[1-9]')
_BORDER = re.compile(rb"\r\n\r\n|\n\r\n|\n\n|\r\r")
_DONE = b"[DONE]"
_EMPTY = (b"null", b'""', b"[]", b"{}")
_SILENT = frozenset(("role", "channel"))
_FAULT_GARBAGE = StreamFault(
    message="expected a JSON object in the provider's stream, got malformed JSON",
    type="protocol_error",
    code="upstream_protocol",
)


def _peek(data: bytes) -> PeekChunk | None:
    try:
        return decode_mended(_PEEK.decode, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _blocks(data: bytes) -> list[bytes]:
    if CR in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.split(b"\n\n")


def prelude(data: bytes) -> StreamFault | bool:
    """Looks at the first whole events: the fault they report, True once content was seen, else False."""
    if data[:1] in (b"{", b"["):  # a JSON answer where a stream was asked for
        chunk = _peek(data)
        if chunk is None:
            return listed_fault(data) or False
        return read_fault(data) if _is_set(chunk.error) else False
    for block in _blocks(data):
        event = read_block(block)
        if event is None or event.data == _DONE:
            continue
        chunk = _peek(event.data)
        if chunk is None:
            return listed_fault(event.data) or _FAULT_GARBAGE
        if _is_set(chunk.error) or event.event == "error":
            return read_fault(event.data)
        fault = _choice_fault(chunk)
        if fault is not None:
            return fault
        if _shows_content(chunk):
            return True
    return False


def _is_set(raw: Raw) -> bool:
    return raw != NULL


def _choice_fault(chunk: PeekChunk) -> StreamFault | None:
    """The failure that a choice of the chunk tells."""
    faults = (choice_fault(choice.error, choice.finish_reason) for choice in chunk.choices or ())
    return next((fault for fault in faults if fault is not None), None)


def _shows_content(chunk: PeekChunk) -> bool:
    for choice in chunk.choices or ():
        if choice.finish_reason or choice.text:
            return True
        for name, raw in (choice.delta or {}).items():
            if name not in _SILENT and bytes(raw) not in _EMPTY:
                return True
    return False


def tail(data: bytes, choices: int = 1) -> TailFacts:
    """Reads the end of a stream; `data` may begin in the middle of an event.

    Complete is a stream with `[DONE]`; finished is one whose choices all have their finish reason, `choices` of
    them at least, or whose last event is the usage that follows those. The last usage counts.
    """
    usage: Usage | None = None
    fault: StreamFault | None = None
    complete = False
    ends = _Ends(choices, data)
    whole = data.endswith((b"\n", b"\r"))
    tells_usage, tells_fault = data.find(b'"usage"') >= 0, _tells_fault(data)
    at = -1
    for block in reversed(_blocks(data)):
        if not block.strip(b"\n"):
            continue
        if (complete or ends.settled) and (usage is not None or not tells_usage) and not tells_fault:
            break  # nothing earlier can tell more
        at += 1
        event = read_block(block)
        payload = block if event is None else event.data
        if event is not None and payload == _DONE:
            complete = True
            continue
        look_on = not complete and not ends.settled
        chunk = _peek(payload) if usage is None or look_on else None
        if usage is None and payload.find(b'"usage"') >= 0:
            usage = _chunk_usage(chunk) or tail_usage(payload)
        if fault is None and tells_fault and _tells_fault(payload):
            fault = _fault_of(payload)
        if chunk is None and at == 0 and not block.startswith(b":"):
            ends.torn = True
        if look_on and chunk is not None and (whole or at > 0):
            ends.take(chunk, last=at == 0)
    complete = complete and fault is None
    return TailFacts(
        usage=usage, complete=complete, finished=complete or (ends.reached and fault is None), fault=fault
    )


class _Ends:
    """Which choices ended, gathered from the last chunk of `data` to the first. With one choice the last word on it
    will do."""

    __slots__ = ("_asked", "_data", "_finished", "_many", "_seen", "_summed", "torn")

    def __init__(self, asked: int, data: bytes) -> None:
        self._asked = asked
        self._data = data
        self._many = asked > 1 or None  # or as the data shows, looked for when it matters
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self.torn = False  # the last event is not whole
        self._summed = False  # the usage of a finished answer is there

    @property
    def settled(self) -> bool:
        """Nothing earlier can change the verdict."""
        if self._summed or not self._finished:
            return self._summed
        if self._many is None:
            self._many = _OTHER_INDEX.search(self._data) is not None
        return not self._many

    @property
    def reached(self) -> bool:
        """Every choice has ended."""
        if self._summed or self.torn:
            return not self.torn
        return len(self._finished) >= max(self._asked, 1) and self._seen <= self._finished

    def take(self, chunk: PeekChunk, *, last: bool) -> None:
        """One chunk; `last` tells that no event came after it."""
        if last and _is_usage_only(chunk):
            self._summed = True
        for at, choice in enumerate(chunk.choices or ()):
            index = at if choice.index is None else choice.index
            self._seen.add(index)
            if choice.finish_reason:
                self._finished.add(index)


def finishes(data: bytes) -> bool:
    """Whether whole events hold a finish reason (or words that look like one)."""
    return _FINISH.search(data) is not None


def _chunk_usage(chunk: PeekChunk | None) -> Usage | None:
    if chunk is None:
        return None
    groq = None if chunk.x_groq is None else chunk.x_groq.usage
    return read_usage(chunk.usage, chunk.service_tier) or read_usage(groq, chunk.service_tier)


def _fault_of(payload: bytes) -> StreamFault | None:
    chunk = _peek(payload)
    if chunk is None:
        return listed_fault(payload)
    return read_fault(payload) if _is_set(chunk.error) else _choice_fault(chunk)


def _tells_fault(data: bytes) -> bool:
    """Whether a word is there by which failures are told: an error's member, or a finish reason."""
    return data.find(b'error"') >= 0 or data.find(b'_resource"') >= 0


def _is_usage_only(chunk: PeekChunk) -> bool:
    return chunk.choices == [] and memoryview(chunk.usage)[0] == 0x7B


def withhold(events: bytes) -> bytes:
    """`events` without the chunks that hold usage and no choices; the identical object when there are none.

    Azure's `prompt_filter_results` chunk has no choices either, but no usage: it stays.
    """
    if events.count(b"\n\n") == 1 and events.find(b'"choices":[{') >= 0:
        return events  # nearly every piece is one event with a choice in it, spelled so
    if _NO_CHOICES.search(events) is None:
        return events
    kept = [event for event in _cut(events) if not _is_withheld(event)]
    left = b"".join(kept)
    return events if len(left) == len(events) else left


def _cut(events: bytes) -> Iterator[bytes]:
    """The events one by one, each with the blank line that ends it."""
    start = 0
    for border in _BORDER.finditer(events):
        yield events[start : border.end()]
        start = border.end()
    if start < len(events):
        yield events[start:]


def _is_withheld(event: bytes) -> bool:
    if _NO_CHOICES.search(event) is None:
        return False
    block = read_block(_blocks(event)[0])
    chunk = None if block is None else _peek(block.data)
    return chunk is not None and _is_usage_only(chunk)
