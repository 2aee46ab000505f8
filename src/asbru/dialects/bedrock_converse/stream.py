"""A stream of the Converse API (AWS event stream), read into canonical events.

    state   event               becomes                                              then
    new     messageStart        ReplyStart                                           open
    open    contentBlockStart   PartStart (a call; any other kind is foreign)
    open    contentBlockDelta   PartStart where its block has none yet, PartDelta
    open    contentBlockStop    PartStop (a call without arguments gets "{}" first)
    open    messageStop         PartStop for what is still open                      stopped
    stopped metadata            ChoiceStop, UsageReport, ReplyEnd                    done
            (some servers send it before messageStop: then that is the end)
    any     exception, error    StreamFault                                          done
    any     unknown event       ForeignEvent
    other                       StreamFault "protocol_error"                         done

The frame's sums are checked before anything in it is believed. `p` is padding of random length. After done everything
is ignored. A stream that stops without `metadata` is complete only if its body ended cleanly. `ChoiceStop` waits for
`metadata`, whose members ride in it. Writing: `stream_writer.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from asbru.core.chat import (
    Extra,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.errors import UpstreamError
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects.aws_errors import read_fault
from asbru.dialects.bedrock_converse.carrier import uncarry_redacted
from asbru.dialects.bedrock_converse.response import read_extra
from asbru.dialects.bedrock_converse.types import NAME, REFUSE_REPLY, STOP_READ, decode_members
from asbru.dialects.bedrock_converse.usage import read_tier, read_usage
from asbru.dialects.fields import DECODE_ERRORS, Fields, open_object
from asbru.dialects.surrogates import mend_surrogates
from asbru.wire.errors import FramingError
from asbru.wire.eventstream import Message, MessageReader, why_broken

PADDING: Final = "p"
BLOCKS_MAX: Final = 10_000
"""Blocks that may be open at the same time."""


class _ToolInput(msgspec.Struct):
    input: str = ""


class _Thought(msgspec.Struct):
    text: str | None = None
    signature: str | None = None
    redactedContent: str | None = None  # noqa: N815 -- the wire's own name


class _Delta(msgspec.Struct):
    text: str | None = None
    toolUse: _ToolInput | None = None  # noqa: N815 -- the wire's own name
    reasoningContent: _Thought | None = None  # noqa: N815 -- the wire's own name
    citation: Raw = Raw(b"")


class _BlockDelta(msgspec.Struct):
    delta: _Delta
    contentBlockIndex: int = 0  # noqa: N815 -- the wire's own name


class _RawDelta(msgspec.Struct):
    delta: Raw


class _BlockStop(msgspec.Struct):
    contentBlockIndex: int = 0  # noqa: N815 -- the wire's own name


_block_delta = msgspec.json.Decoder(_BlockDelta).decode
_raw_delta = msgspec.json.Decoder(_RawDelta).decode
_block_stop = msgspec.json.Decoder(_BlockStop).decode


class _Open:
    """A block that has begun: its part's index and what it is; whether a call's arguments have come."""

    __slots__ = ("argued", "index", "part")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.argued = False


class ConverseStreamReader:
    """Bytes to events; see the table."""

    __slots__ = ("_blocks", "_frames", "_next", "_started", "_stop", "_told", "done")

    def __init__(self) -> None:
        self._frames = MessageReader()
        self._blocks: dict[int, _Open] = {}
        self._next = 0
        self._started = False
        self._stop: ChoiceStop | None = None
        self._told: tuple[Usage | None, Extra] | None = None  # by metadata
        self.done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        events: list[StreamEvent] = []
        if self.done:
            return events
        try:
            for message in self._frames.feed(chunk):
                self._take(message, events)
                if self.done:
                    break
        except FramingError as error:
            events.append(self._garbage(str(error)))
        except UpstreamError as error:
            events.append(self._garbage(error.message))
        except DECODE_ERRORS as error:
            events.append(self._garbage(f"unreadable event: {error}"))
        return events

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end: a stream that has stopped and ended by itself is whole, also without `metadata`."""
        held = self._frames.close()
        if held and not self.done and (why := why_broken(held)):
            return [self._garbage(why)]
        if self.done or self._stop is None or not clean or held:
            return []
        self.done = True
        return [self._stop, ReplyEnd()]

    def _garbage(self, message: str) -> StreamFault:
        self.done = True
        return StreamFault(message=message, type="protocol_error")

    def _take(self, message: Message, out: list[StreamEvent]) -> None:
        fault = read_fault(message)
        if fault is not None:
            self.done = True
            out.append(fault)
            return
        kind = str(message.header(":event-type") or "")
        handle = self._on.get(kind)
        if handle is None:
            out.append(ForeignEvent(dialect=NAME, event=kind, data=message.payload))
            return
        try:
            handle(self, message.payload, out)
        except DECODE_ERRORS:
            mended = mend_surrogates(message.payload)
            if mended is message.payload:
                raise
            handle(self, mended, out)

    def _message_start(self, data: bytes, out: list[StreamEvent]) -> None:
        decode_members(data)
        if self._started:
            raise REFUSE_REPLY("", "expected one messageStart, got a second")
        self._start(out)

    def _start(self, out: list[StreamEvent]) -> None:
        if not self._started:
            self._started = True
            out.append(ReplyStart(id="", model="", dialect=NAME))

    def _block_start(self, data: bytes, out: list[StreamEvent]) -> None:
        event = open_object(data, "contentBlockStart", REFUSE_REPLY)
        at = event.integer("contentBlockIndex") or 0
        self._check(at)
        raw = event.peek("start")
        start = event.child("start")
        kind = "" if start is None else next(iter(start.rest_set()), "")
        if raw is None or start is None or not kind:
            return  # of some texts the start is told, and is empty: the first delta says what it is
        self._begin(at, _read_start(raw, start, kind), out)

    def _check(self, at: int) -> None:
        if self._stop is not None:
            raise REFUSE_REPLY("", "expected no content after messageStop")
        if at in self._blocks:
            raise REFUSE_REPLY("", f"expected a new block, got block {at} twice")

    def _begin(self, at: int, part: Part, out: list[StreamEvent]) -> _Open:
        self._check(at)
        if len(self._blocks) >= BLOCKS_MAX:
            raise REFUSE_REPLY("", f"expected at most {BLOCKS_MAX} open blocks")
        self._start(out)
        block = self._blocks[at] = _Open(self._next, part)
        self._next += 1
        out.append(PartStart(index=block.index, part=part))
        return block

    def _block_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        wire = _block_delta(data)
        delta = wire.delta
        block = self._blocks.get(wire.contentBlockIndex)
        if block is None:
            block = self._begin(wire.contentBlockIndex, _part_of(delta, data), out)
        out += _deltas(block, delta, data)

    def _block_stop(self, data: bytes, out: list[StreamEvent]) -> None:
        block = self._blocks.pop(_block_stop(data).contentBlockIndex, None)
        if block is not None:
            out += _closed(block)

    def _message_stop(self, data: bytes, out: list[StreamEvent]) -> None:
        event = open_object(data, "messageStop", REFUSE_REPLY)
        if self._stop is not None:
            raise REFUSE_REPLY("", "expected one messageStop, got a second")
        word = event.text("stopReason")
        event.raw(PADDING)
        self._start(out)
        for block in self._blocks.values():
            out += _closed(block)
        self._blocks.clear()
        stop = "other" if word is None else STOP_READ.get(word, "other")
        self._stop = ChoiceStop(stop=stop, raw_stop=word, extra=event.rest_set())
        self._end(out)

    def _metadata(self, data: bytes, out: list[StreamEvent]) -> None:
        event = open_object(data, "metadata", REFUSE_REPLY)
        event.raw(PADDING)
        usage = event.raw("usage")
        self._told = read_usage(usage, read_tier(event.peek("serviceTier"))), read_extra(event, usage)
        self._end(out)

    def _end(self, out: list[StreamEvent]) -> None:
        """The end, once both of its events have come, in whichever order."""
        if self._stop is None or self._told is None:
            return
        usage, extra = self._told
        self._start(out)
        out.append(msgspec.structs.replace(self._stop, extra={**self._stop.extra, **extra}))
        if usage is not None:
            out.append(UsageReport(usage=usage))
        self.done = True
        out.append(ReplyEnd())

    # Functions, not bound methods: those would be held by the object that they hold, and keep it alive.
    _on: ClassVar[dict[str, Callable[[ConverseStreamReader, bytes, list[StreamEvent]], None]]] = {
        "contentBlockDelta": _block_delta,
        "contentBlockStart": _block_start,
        "contentBlockStop": _block_stop,
        "messageStart": _message_start,
        "messageStop": _message_stop,
        "metadata": _metadata,
    }


def _read_start(raw: Raw, start: Fields, kind: str) -> Part:
    """The part that a block's start tells of: a call of the caller's own tool, or what only this dialect knows."""
    if kind == "toolUse":
        call = start.need_child("toolUse")
        if call.text("type") in (None, "tool_use"):
            name, call_id = call.need_text("name"), call.need_text("toolUseId")
            return ToolCallPart(id=call_id, name=name, arguments="", extra=call.rest_set())
    return ForeignPart(dialect=NAME, kind=kind, raw=raw)


def _part_of(delta: _Delta, data: bytes) -> Part:
    """The empty part of a block that begins with its first delta."""
    if delta.text is not None or bytes(delta.citation):
        return TextPart(text="")
    thought = delta.reasoningContent
    if thought is not None:
        if thought.redactedContent is not None:
            return uncarry_redacted(thought.redactedContent)
        return ThinkingPart(text="", dialect=NAME)
    if delta.toolUse is not None:
        raise REFUSE_REPLY("", "expected the start of a tool call, got its input")
    raw = _raw_delta(data).delta
    return ForeignPart(dialect=NAME, kind=next(iter(decode_members(raw)), ""), raw=Raw(b"{}"))


def _deltas(block: _Open, delta: _Delta, data: bytes) -> list[StreamEvent]:
    part, thought = block.part, delta.reasoningContent
    if delta.text is not None and isinstance(part, TextPart):
        return [PartDelta(index=block.index, text=delta.text)]
    if delta.toolUse is not None and isinstance(part, ToolCallPart):
        if not delta.toolUse.input:
            return []
        block.argued = True
        return [PartDelta(index=block.index, text=delta.toolUse.input)]
    if thought is not None and isinstance(part, ThinkingPart):
        found: list[StreamEvent] = []
        if thought.text is not None:
            found.append(PartDelta(index=block.index, text=thought.text))
        if thought.signature is not None:
            found.append(PartDelta(index=block.index, signature=thought.signature))
        return found
    if bytes(delta.citation) and isinstance(part, TextPart):
        return [PartDelta(index=block.index, citation=delta.citation)]
    if thought is not None and isinstance(part, RedactedThinkingPart):
        return []  # it stands in the part already
    return [PartDelta(index=block.index, foreign=_raw_delta(data).delta)]


def _closed(block: _Open) -> list[StreamEvent]:
    stop = PartStop(index=block.index)
    if isinstance(block.part, ToolCallPart) and not block.argued:
        return [PartDelta(index=block.index, text="{}"), stop]
    return [stop]
