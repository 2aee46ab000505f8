"""Canonical events, written as a stream of the Converse API (AWS event stream).

    event         becomes
    ReplyStart    messageStart
    PartStart     contentBlockStart of a call, with its id and name; of any other part nothing: its first delta tells
    PartDelta     contentBlockDelta of its kind
    PartStop      contentBlockStop
    ReplyEnd      messageStop with the stop reason, then metadata with the usage
    StreamFault   an exception

Frames name their block, so parts may be open at the same time. Only choice 0 is carried. After the end nothing is
written. A ping is nothing: the framing knows none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asbru.core.chat import (
    ChatRequest,
    Extra,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.notes import Note
from asbru.core.reply import (
    ChatReply,
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
from asbru.dialects.aws_errors import error_type, write_fault
from asbru.dialects.bedrock_converse.carrier import carry, carry_redacted
from asbru.dialects.bedrock_converse.response import note_stop_sequence, unique_id, write_end, write_stop
from asbru.dialects.bedrock_converse.types import NAME, encode
from asbru.dialects.receipt import Receipt
from asbru.dialects.too_long import bedrock_words
from asbru.wire.eventstream import Header, write_message

_STOPS_WITH = "additionalModelResponseFields"
"""What a stream tells with its stop reason, and a whole reply beside it."""
_TYPE = Header(":content-type", "application/json")
_EVENT = Header(":message-type", "event")


def write_event(kind: str, data: bytes) -> bytes:
    """The frame of an event."""
    return write_message((Header(":event-type", kind), _TYPE, _EVENT), data)


class _Part:
    """A part on its way: what it is, its block, whether anything of it was written, and the free text of a custom
    tool, which is an object only when it is whole."""

    __slots__ = ("block", "part", "shown", "signed", "text")

    def __init__(self, part: Part, block: int) -> None:
        self.part = part
        self.block = block
        self.shown = False
        self.signed = False
        self.text: list[str] = []


class ConverseStreamWriter:
    """Events to bytes; see the table."""

    __slots__ = ("_blocks", "_done", "_ids", "_out", "_parts", "_receipt", "_seen", "_start", "_stop", "_usage")

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._receipt = Receipt(NAME)
        self._out: list[bytes] = []
        self._start: ReplyStart | None = None
        self._stop: ChoiceStop | None = None
        self._usage: Usage | None = None
        self._parts: dict[int, _Part] = {}
        self._blocks = 0
        self._ids: set[str] = set()
        self._seen = (False, False)
        self._done = False

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be carried so far."""
        return self._receipt.notes

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """The bytes for `events`."""
        for event in events:
            if self._done:
                break
            self._write(event)
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _write(self, event: StreamEvent) -> None:
        match event:
            case PartDelta() | PartStart() | PartStop():
                self._part(event)
            case ReplyStart():
                self._reply_start(event)
            case ChoiceStop():
                self._stop = event if event.choice == 0 else self._stop
            case UsageReport():
                self._usage = event.usage
            case Ping():
                pass
            case ForeignEvent():
                self._foreign(event)
            case ReplyEnd():
                self._end()
            case StreamFault():
                self._out.append(write_fault(error_type(event.type, event.status), bedrock_words(event)))
                self._done = True

    def _put(self, kind: str, members: dict[str, Any]) -> None:
        self._out.append(write_event(kind, encode(members)))

    def _reply_start(self, event: ReplyStart) -> None:
        if self._start is not None:
            return
        self._start = event
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        self._put("messageStart", {"role": "assistant"})

    def _ensure_started(self) -> None:
        if self._start is None:
            self._reply_start(ReplyStart(id="", model=""))

    def _part(self, event: PartDelta | PartStart | PartStop) -> None:
        if event.choice != 0:
            self._receipt.dropped(f"choices[{event.choice}]", "one answer only")
        elif isinstance(event, PartStart):
            self._ensure_started()
            self._begin(event.index, event.part)
        else:
            part = self._parts.get(event.index)
            if part is None:
                return
            if isinstance(event, PartDelta):
                self._delta(part, event)
            else:
                del self._parts[event.index]
                self._close(part)

    def _begin(self, index: int, found: Part) -> None:
        path = f"choices[0].parts[{index}]"
        calls, refused = self._seen
        part = _Part(found, self._blocks)
        match found:
            case TextPart() | ThinkingPart():
                pass
            case ToolCallPart():
                self._seen = (True, refused)
                self._begin_call(part, found, path)
            case RefusalPart():
                self._seen = (calls, True)
                self._receipt.changed(path, "a refusal became text")
            case RedactedThinkingPart():
                part.shown = True
                self._put_delta(part, {"reasoningContent": {"redactedContent": carry_redacted(found)}})
            case ForeignPart() if found.dialect == NAME:
                if found.raw != Raw(b"{}"):
                    part.shown = True
                    self._put("contentBlockStart", {"contentBlockIndex": part.block, "start": found.raw})
            case _:
                self._receipt.dropped(path, "no equivalent in a stream")
                return
        self._parts[index] = part
        self._blocks += 1
        text = getattr(found, "text", "")
        if text and not isinstance(found, ForeignPart):
            self._delta(part, PartDelta(index=index, text=text))
        if isinstance(found, ThinkingPart) and found.signature:
            self._delta(part, PartDelta(index=index, signature=found.signature))

    def _begin_call(self, part: _Part, call: ToolCallPart, path: str) -> None:
        part.shown = True
        call_id = unique_id(call.id, self._ids, self._receipt)
        start = {"toolUseId": call_id, "name": call.name, **self._receipt.riding(path, call.extra)}
        self._put("contentBlockStart", {"contentBlockIndex": part.block, "start": {"toolUse": start}})

    def _put_delta(self, part: _Part, delta: dict[str, Any] | Raw) -> None:
        part.shown = True
        self._put("contentBlockDelta", {"contentBlockIndex": part.block, "delta": delta})

    def _delta(self, part: _Part, event: PartDelta) -> None:
        found = part.part
        if event.text is not None:
            self._text(part, event.text)
        elif event.signature is not None and isinstance(found, ThinkingPart):
            part.signed = True
            self._put_delta(part, {"reasoningContent": {"signature": carry(event.signature, found.dialect)}})
        elif event.logprobs is not None:
            self._receipt.dropped("logprobs", "no equivalent")
        elif event.citation is not None or event.foreign is not None:
            self._native_delta(part, event)

    def _text(self, part: _Part, text: str) -> None:
        match part.part:
            case ToolCallPart(custom=True):
                part.text.append(text)
            case ToolCallPart():
                self._put_delta(part, {"toolUse": {"input": text}})
            case ThinkingPart():
                self._put_delta(part, {"reasoningContent": {"text": text}})
            case ForeignPart():
                self._receipt.dropped("delta", "of another dialect")
            case _:
                self._put_delta(part, {"text": text})

    def _native_delta(self, part: _Part, event: PartDelta) -> None:
        if not self._receipt.native:
            self._receipt.dropped("citations" if event.citation is not None else "delta", "of another dialect")
        elif event.citation is not None:
            self._put_delta(part, {"citation": event.citation})
        elif event.foreign is not None:
            self._put_delta(part, event.foreign)

    def _close(self, part: _Part) -> None:
        found = part.part
        if part.text:
            self._receipt.changed("tool_calls.arguments", "free text became an object")
            text = encode({"input": "".join(part.text)}).decode()
            self._put_delta(part, {"toolUse": {"input": text}})
        if isinstance(found, ThinkingPart) and not part.signed and found.dialect not in (None, NAME):
            self._put_delta(part, {"reasoningContent": {"signature": carry("", found.dialect)}})
        if not part.shown:
            if isinstance(found, ThinkingPart):
                self._put_delta(part, {"reasoningContent": {"text": ""}})
            else:
                self._put_delta(part, {"text": ""})
        self._put("contentBlockStop", {"contentBlockIndex": part.block})

    def _foreign(self, event: ForeignEvent) -> None:
        if event.dialect == NAME and self._receipt.native:
            self._out.append(write_event(event.event, event.data))
        else:
            self._receipt.dropped(f"event {event.event or 'unnamed'}", "of another dialect")

    def _end(self) -> None:
        self._ensure_started()
        start = self._start
        assert start is not None
        for part in self._parts.values():
            self._close(part)
        stop = self._stop or ChoiceStop(stop="stop")
        note_stop_sequence(stop.stop_sequence, self._receipt)
        word = write_stop(stop.stop, stop.raw_stop, self._seen, self._receipt)
        if start.service_tier is not None:
            self._receipt.changed("service_tier", "told at the end")
        reply = ChatReply(
            id="",
            model="",
            choices=(),
            usage=self._usage,
            service_tier=start.service_tier,
            dialect=start.dialect,
            extra=start.extra,
        )
        end = write_end(reply, stop.extra, self._receipt)
        more: Extra = {_STOPS_WITH: end.pop(_STOPS_WITH)} if _STOPS_WITH in end else {}
        self._put("messageStop", {"stopReason": word, **more})
        self._put("metadata", end)
        self._done = True
