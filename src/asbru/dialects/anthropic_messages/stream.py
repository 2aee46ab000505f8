"""A stream of the Messages API, read into canonical events.

    state   event                  becomes                                          then
    new     message_start          ReplyStart                                       open
    open    content_block_start    PartStart (+ PartDelta for what it already held)
    open    content_block_delta    PartDelta; ForeignEvent never: unknown deltas keep to their part
    open    content_block_stop     PartStop (a call without arguments gets "{}" first)
    open    message_delta          ChoiceStop once, UsageReport (joined with message_start's)
    open    message_stop           PartStop for what is still open, ReplyEnd        done
    any     ping, error            Ping, StreamFault (done)
    any     unknown type           ForeignEvent
    other                          StreamFault "protocol_error"                     done

After done everything is ignored; without message_stop there is no ReplyEnd. Writing: `stream_writer.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from asbru.core.chat import ForeignPart, Part, TextPart, ThinkingPart, ToolCallPart
from asbru.core.errors import UpstreamError
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    Ping,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages.blocks import join_foreign, read_block
from asbru.dialects.anthropic_messages.errors import listed_fault, read_fault, untyped_fault
from asbru.dialects.anthropic_messages.response import read_tier
from asbru.dialects.anthropic_messages.types import (
    NAME,
    REFUSE_REPLY,
    STOP_READ,
    DeltaWire,
    decode_block_delta,
    decode_block_delta_raw,
    decode_block_start,
    decode_block_stop,
    decode_kind,
)
from asbru.dialects.anthropic_messages.usage import (
    merge_usage,
    read_later_usage,
    read_usage,
    read_usage_extra,
    usage_extra_raw,
)
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_object
from asbru.dialects.surrogates import mend_surrogates
from asbru.wire.errors import FramingError
from asbru.wire.sse import SseEvent, SseReader

FOREIGN_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of the deltas of foreign blocks is held until they stop, in a stream."""


class _Open:
    """A block that has begun: its part index and kind, a call's arguments given at its start, a foreign block's
    deltas so far."""

    __slots__ = ("arguments", "foreign", "index", "part")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.arguments = "{}"  # what a call's arguments are if no delta says more
        self.foreign: list[PartDelta] = []


def _kind_of(data: bytes) -> str:
    """The type of an event's object; of a list with an error, that of an error without a type."""
    return "" if listed_fault(data) is not None else decode_kind(data).type


class MessagesStreamReader:
    """Bytes to events; see the table."""

    __slots__ = ("_blocks", "_foreign_bytes", "_next", "_sse", "_started", "_stopped", "_usage", "done")

    def __init__(self) -> None:
        self._sse = SseReader()
        self._blocks: dict[int, _Open] = {}
        self._next = 0
        self._foreign_bytes = 0
        self._usage: Usage | None = None
        self._started = False
        self._stopped = False
        self.done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        events: list[StreamEvent] = []
        if self.done:
            return events
        try:
            for wire in self._sse.feed(chunk):
                try:
                    self._take(wire, events)
                except DECODE_ERRORS:
                    mended = mend_surrogates(wire.data)
                    if mended is wire.data:
                        raise
                    self._take(SseEvent(wire.event, mended), events)
                if self.done:
                    break
        except FramingError as error:
            events.append(self._garbage(str(error)))
        except UpstreamError as error:
            events.append(self._garbage(error.message))
        except DECODE_ERRORS as error:
            events.append(self._garbage(f"unreadable event: {error}"))
        return events

    def _take(self, wire: SseEvent, out: list[StreamEvent]) -> None:
        if wire.event == "content_block_delta" and self._started:  # most events are of this kind
            self._block_delta(wire.data, out)
        else:
            self._event(wire, out)

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end: a last event that only lacks its blank line still counts, half an event does not."""
        del clean  # only message_stop ends a stream of this API
        if self.done or not self._sse.close():
            return []
        events = self.feed(b"\n\n")
        torn = any(isinstance(event, StreamFault) and event.type == "protocol_error" for event in events)
        return [] if torn else events

    def _garbage(self, message: str) -> StreamFault:
        self.done = True
        return StreamFault(message=message, type="protocol_error")

    def _event(self, wire: SseEvent, out: list[StreamEvent]) -> None:
        # The event's name repeats the type; it is believed only where it is one of the API's own.
        kind = wire.event if wire.event in self._on else _kind_of(wire.data)
        handle = self._on.get(kind)
        if handle is not None:
            if not self._started and kind != "message_start":
                raise REFUSE_REPLY("", f"expected message_start first, got {kind}")
            handle(self, wire.data, out)
        elif kind == "ping":
            out.append(Ping())
        elif kind == "error":
            self.done = True
            out.append(read_fault(wire.data))
        elif not kind and (fault := listed_fault(wire.data) or untyped_fault(wire.data)) is not None:
            self.done = True
            out.append(fault)
        elif not kind:
            raise REFUSE_REPLY("", "expected an event with a type, got one without")
        else:
            out.append(ForeignEvent(dialect=NAME, event=wire.event, data=wire.data))

    def _message_start(self, data: bytes, out: list[StreamEvent]) -> None:
        if self._started:
            raise REFUSE_REPLY("", "expected one message_start, got a second")
        message = open_object(data, "message_start", REFUSE_REPLY).need_child("message")
        for name in ("type", "role", "content", "stop_reason", "stop_sequence"):
            message.raw(name)
        usage = message.raw("usage")
        self._usage = read_usage(usage)
        self._started = True
        tier, extra = read_tier(read_usage_extra(usage))
        start = ReplyStart(
            id=message.text("id") or "",
            model=message.text("model") or "",
            usage=self._usage,
            service_tier=tier,
            dialect=NAME,
            extra={**message.rest_set(), **usage_extra_raw(extra)},
        )
        out.append(start)

    def _block_start(self, data: bytes, out: list[StreamEvent]) -> None:
        wire = decode_block_start(data)
        if wire.index in self._blocks:
            raise REFUSE_REPLY("", f"expected a new block, got block {wire.index} twice")
        part = read_block(
            wire.content_block, open_object(wire.content_block, f"content_block[{wire.index}]", REFUSE_REPLY)
        )
        block = _Open(self._next, part)
        self._blocks[wire.index] = block
        self._next += 1
        empty, deltas = _emptied(part, block)
        out.append(PartStart(index=block.index, part=empty))
        out += deltas

    def _block_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        wire = decode_block_delta(data)
        block = self._blocks.get(wire.index)
        if block is None:
            raise REFUSE_REPLY("", f"expected a delta of an open block, got one of {wire.index}")
        delta = wire.delta
        part = block.part
        if delta.text is not None and isinstance(part, TextPart):
            out.append(PartDelta(index=block.index, text=delta.text))
        elif isinstance(part, ForeignPart):
            self._foreign_delta(block, delta, data, out)
        elif delta.partial_json is not None and isinstance(part, ToolCallPart):
            if delta.partial_json:
                block.arguments = ""
                out.append(PartDelta(index=block.index, text=delta.partial_json))
        else:
            found = _rare_delta(block.index, part, delta)
            out.append(found or PartDelta(index=block.index, foreign=decode_block_delta_raw(data).delta))

    def _foreign_delta(self, block: _Open, delta: DeltaWire, data: bytes, out: list[StreamEvent]) -> None:
        if delta.partial_json == "":
            return
        self._foreign_bytes += len(data)
        if self._foreign_bytes > FOREIGN_BYTES_MAX:
            raise REFUSE_REPLY("", f"expected blocks that are unknown to hold at most {FOREIGN_BYTES_MAX} bytes")
        if delta.partial_json is not None:
            more = PartDelta(index=block.index, text=delta.partial_json)
        else:
            more = PartDelta(index=block.index, foreign=decode_block_delta_raw(data).delta)
        block.foreign.append(more)
        out.append(more)

    def _block_stop(self, data: bytes, out: list[StreamEvent]) -> None:
        block = self._blocks.pop(decode_block_stop(data).index, None)
        if block is not None:
            out += _closed(block)

    def _message_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        event = open_object(data, "message_delta", REFUSE_REPLY)
        event.raw("type")
        delta = event.child("delta") or Fields({}, "delta", REFUSE_REPLY)
        usage = event.raw("usage")
        raw_stop = delta.text("stop_reason")
        sequence = delta.text("stop_sequence")
        if raw_stop is not None and not self._stopped:
            out += self._close_blocks()
            self._stopped = True
            _, extra = read_tier(read_usage_extra(usage))
            stop = ChoiceStop(
                stop=STOP_READ.get(raw_stop, "other"),
                raw_stop=raw_stop,
                stop_sequence=sequence,
                extra={**delta.rest_set(), **event.rest_set(), **usage_extra_raw(extra)},
            )
            out.append(stop)
        found = read_later_usage(usage)
        if found is not None:
            self._usage = merge_usage(self._usage, found)
        if self._usage is not None:
            out.append(UsageReport(usage=self._usage))

    def _message_stop(self, data: bytes, out: list[StreamEvent]) -> None:
        decode_kind(data)
        self.done = True
        out += self._close_blocks()
        if not self._stopped:
            out.append(ChoiceStop(stop="other"))
            if self._usage is not None:
                out.append(UsageReport(usage=self._usage))
        out.append(ReplyEnd())

    def _close_blocks(self) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for block in self._blocks.values():
            events += _closed(block)
        self._blocks.clear()
        return events

    # Functions, not bound methods: those would be held by the object that they hold, and keep it alive.
    _on: ClassVar[dict[str, Callable[[MessagesStreamReader, bytes, list[StreamEvent]], None]]] = {
        "content_block_delta": _block_delta,
        "content_block_start": _block_start,
        "content_block_stop": _block_stop,
        "message_start": _message_start,
        "message_delta": _message_delta,
        "message_stop": _message_stop,
    }


def _emptied(part: Part, block: _Open) -> tuple[Part, list[StreamEvent]]:
    """The empty form of a part as it starts, and deltas for what the start already held."""
    deltas: list[StreamEvent] = []
    if isinstance(part, ToolCallPart):
        block.arguments = part.arguments or "{}"
        return msgspec.structs.replace(part, arguments=""), deltas
    if isinstance(part, (TextPart, ThinkingPart)) and part.text:
        deltas.append(PartDelta(index=block.index, text=part.text))
        part = msgspec.structs.replace(part, text="")
    if isinstance(part, ThinkingPart):
        if part.signature:
            deltas.append(PartDelta(index=block.index, signature=part.signature))
        part = msgspec.structs.replace(part, signature=None)
    return part, deltas


def _rare_delta(index: int, part: Part, delta: DeltaWire) -> PartDelta | None:
    if isinstance(part, ThinkingPart):
        if delta.thinking is not None:
            return PartDelta(index=index, text=delta.thinking)
        if delta.signature is not None:
            return PartDelta(index=index, signature=delta.signature)
    if isinstance(part, TextPart) and bytes(delta.citation):
        return PartDelta(index=index, citation=delta.citation)
    return None


def _closed(block: _Open) -> list[StreamEvent]:
    part = block.part
    if block.foreign and isinstance(part, ForeignPart):
        return [PartStop(index=block.index, part=join_foreign(part, block.foreign))]
    stop = PartStop(index=block.index)
    if isinstance(block.part, ToolCallPart) and block.arguments:
        return [PartDelta(index=block.index, text=block.arguments), stop]
    return [stop]
