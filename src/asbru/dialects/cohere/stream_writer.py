"""Canonical events, written as a stream of Cohere's chat; `message-end` ends it. Only choice 0 is carried.

Texts are content, whether calls follow or not: only the end would tell. What there is no event for is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asbru.core.chat import (
    ChatRequest,
    ForeignPart,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.notes import Note
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
from asbru.dialects.cohere.errors import write_fault
from asbru.dialects.cohere.messages import CITATIONS
from asbru.dialects.cohere.response import note_choice, usage_member, write_stop
from asbru.dialects.cohere.types import NAME, USAGE, encode
from asbru.dialects.receipt import Receipt
from asbru.wire.sse import write_event

KEEP_ALIVE = b": keep-alive\n\n"


class _Open:
    """A part that is being written. `index`: its own on the wire."""

    __slots__ = ("custom", "index", "kind", "texts")

    def __init__(self, kind: str, index: int, *, custom: bool = False) -> None:
        self.kind = kind
        self.index = index
        self.custom = custom
        self.texts: list[str] = []
        """Free text for a custom tool, which is an object once it is whole."""


class CohereStreamWriter:
    """See the module."""

    __slots__ = ("_calls", "_citations", "_contents", "_done", "_open", "_out", "_receipt", "_stop", "_usage")

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._receipt = Receipt(NAME)
        self._out: list[bytes] = []
        self._open: dict[int, _Open] = {}
        self._contents = self._calls = self._citations = 0
        self._usage: Usage | None = None
        self._stop: ChoiceStop | None = None
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
                self._start(event)
            case ChoiceStop():
                self._stop_choice(event)
            case UsageReport():
                self._usage = event.usage
            case Ping():
                self._out.append(KEEP_ALIVE)
            case ForeignEvent():
                self._foreign(event)
            case ReplyEnd():
                self._end()
            case StreamFault():
                self._done = True
                self._out.append(write_fault(event.message))

    def _put(self, kind: str, **members: Any) -> None:
        self._out.append(write_event(encode({"type": kind, **members}), kind))

    def _start(self, event: ReplyStart) -> None:
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        if event.service_tier is not None:
            self._receipt.dropped("service_tier", "no equivalent")
        message: dict[str, Any] = {
            "role": "assistant",
            "content": [],
            "tool_plan": "",
            "tool_calls": [],
            CITATIONS: [],
        }
        model = {"model": event.model} if event.model else {}
        extra = self._receipt.riding("", event.extra)
        self._put("message-start", id=event.id, **model, delta={"message": message}, **extra)

    def _part(self, event: PartDelta | PartStart | PartStop) -> None:
        if event.choice != 0:
            self._receipt.dropped(f"choices[{event.choice}]", "one answer only")
        elif isinstance(event, PartStart):
            self._begin(event.index, event.part)
        elif event.index not in self._open:
            pass  # of a part that there is no event for
        elif isinstance(event, PartDelta):
            self._extend(self._open[event.index], event)
        else:
            self._finish(self._open.pop(event.index))

    def _begin(self, index: int, part: Part) -> None:
        path = f"choices[0].parts[{index}]"
        if isinstance(part, ThinkingPart):
            self._receipt.riding_thought(path, part.extra)
        elif isinstance(part, TextPart | ToolCallPart):
            self._receipt.riding(path, part.extra)
        match part:
            case TextPart() | RefusalPart():
                if isinstance(part, RefusalPart):
                    self._receipt.changed(path, "a refusal became text")
                self._begin_content(index, "text", part.text)
            case ThinkingPart():
                self._begin_content(index, "thinking", part.text)
                if part.signature:
                    self._receipt.dropped(path, "its signature")
            case ToolCallPart():
                self._begin_call(index, part, path)
            case ForeignPart(text=str(text)):
                self._receipt.changed(path, f"{part.kind} is written as text")
                self._begin_content(index, "text", text)
            case _:
                self._receipt.dropped(path, "Cohere has no such part")

    def _begin_content(self, index: int, kind: str, text: str) -> None:
        opened = self._open[index] = _Open(kind, self._contents)
        self._contents += 1
        content = {"type": kind, kind: ""}
        self._put("content-start", index=opened.index, delta={"message": {"content": content}})
        if text:
            self._put("content-delta", index=opened.index, delta={"message": {"content": {kind: text}}})

    def _begin_call(self, index: int, part: ToolCallPart, path: str) -> None:
        opened = self._open[index] = _Open("call", self._calls, custom=part.custom)
        self._calls += 1
        if part.custom:
            self._receipt.changed(path, "free text became an object")
            opened.texts.append(part.arguments)
        function = {"name": part.name, "arguments": "" if part.custom else part.arguments}
        call = {"id": part.id, "type": "function", "function": function}
        if part.extra:
            call |= self._receipt.riding(path, part.extra)
        self._put("tool-call-start", index=opened.index, delta={"message": {"tool_calls": call}})

    def _extend(self, opened: _Open, event: PartDelta) -> None:
        if event.text is not None:
            if opened.kind != "call":
                content = {opened.kind: event.text}
                self._put("content-delta", index=opened.index, delta={"message": {"content": content}})
            elif opened.custom:
                opened.texts.append(event.text)
            else:
                self._arguments(opened.index, event.text)
        elif event.citation is not None:
            self._cite(event)
        elif event.signature is not None:
            self._receipt.dropped(f"choices[0].parts[{event.index}]", "its signature")
        elif event.logprobs is not None:
            note_choice(event.logprobs, None, self._receipt)
        elif event.foreign is not None:
            self._extend_foreign(opened, event)

    def _extend_foreign(self, opened: _Open, event: PartDelta) -> None:
        if self._receipt.native:
            self._put("content-delta", index=opened.index, delta={}, logprobs=event.foreign)
        else:
            self._receipt.dropped(f"choices[0].parts[{event.index}]", "a delta known to one dialect only")

    def _cite(self, event: PartDelta) -> None:
        if not self._receipt.native:
            self._receipt.dropped(f"choices[0].parts[{event.index}].{CITATIONS}", "of another dialect")
            return
        self._put("citation-start", index=self._citations, delta={"message": {CITATIONS: event.citation}})
        self._put("citation-end", index=self._citations)
        self._citations += 1

    def _arguments(self, index: int, text: str) -> None:
        call = {"function": {"arguments": text}}
        self._put("tool-call-delta", index=index, delta={"message": {"tool_calls": call}})

    def _finish(self, opened: _Open) -> None:
        if opened.kind != "call":
            self._put("content-end", index=opened.index)
            return
        if opened.custom:
            self._arguments(opened.index, encode({"input": "".join(opened.texts)}).decode())
        self._put("tool-call-end", index=opened.index)

    def _stop_choice(self, event: ChoiceStop) -> None:
        if event.choice == 0:
            self._stop = event
            note_choice(None, event.stop_sequence, self._receipt)

    def _foreign(self, event: ForeignEvent) -> None:
        if event.dialect == NAME:
            self._out.append(write_event(event.data, event.event))
        else:
            self._receipt.dropped(event.event or "event", f"known to {event.dialect} only")

    def _end(self) -> None:
        self._done = True
        stop = self._stop
        word = write_stop(None if stop is None else stop.stop, None if stop is None else stop.raw_stop, self._receipt)
        extra = {} if stop is None else self._receipt.riding("choices[0]", stop.extra)
        rest = {name: raw for name, raw in extra.items() if name != USAGE}
        delta = {"finish_reason": word, **usage_member(self._usage, extra, self._receipt), **rest}
        self._put("message-end", delta=delta)
