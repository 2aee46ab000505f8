"""Canonical events, written as a stream of this API: each event is a `GenerateContentResponse` with the next pieces.

    event                  becomes
    ReplyStart             kept: every event says who replies
    PartStart              kept; the event of a part that came whole; of a thought of another dialect whose it is
    PartDelta              an event with the next text; arguments are kept until their call is whole
    PartStop               the event of a call; of a thought its signature
    ChoiceStop             kept for the last event
    UsageReport            kept for the last event
    ReplyEnd               the last event: why each candidate ended, and the usage
    StreamFault            an error

Comments are not written: clients of this API read every line as an event's. After the end nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from asbru.core.chat import ChatRequest, Extra, RefusalPart, TextPart, ThinkingPart, ToolCallPart
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
from asbru.dialects.gemini.errors import write_fault
from asbru.dialects.gemini.part_writer import SIGNATURE, PartList, Written
from asbru.dialects.gemini.response import FEEDBACK, is_blocked, write_start, write_stop
from asbru.dialects.gemini.types import MARK, NAME, carry, encode
from asbru.dialects.gemini.usage import write_usage
from asbru.dialects.receipt import Receipt
from asbru.wire.sse import CR, LF

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
"""Line breaks in JSON stand between its tokens alone, where a space says the same."""


class _Open:
    """A part that is being written: its start, and what of it waits for its end."""

    __slots__ = ("part", "signature", "texts")

    def __init__(self, part: TextPart | ThinkingPart | ToolCallPart) -> None:
        self.part = part
        self.texts: list[str] = []
        self.signature: str | None = None


class GeminiStreamWriter:
    """Events to bytes; see the table."""

    __slots__ = ("_done", "_first", "_lists", "_open", "_out", "_receipt", "_start", "_stops", "_usage")

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._receipt = Receipt(NAME)
        self._out: list[bytes] = []
        self._start: dict[str, Any] = {}
        self._first: Extra = {}
        self._open: dict[tuple[int, int], _Open] = {}
        self._lists: dict[int, PartList] = {}
        self._stops: dict[int, ChoiceStop] = {}
        self._usage: Usage | None = None
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
                self._stops[event.choice] = event
            case UsageReport():
                self._usage = event.usage
            case Ping():
                pass
            case ForeignEvent():
                self._receipt.dropped(event.event or "event", f"known to {event.dialect} only")
            case ReplyEnd():
                self._end()
            case StreamFault():
                self._done = True
                self._out.append(write_fault(event))

    def _part(self, event: PartDelta | PartStart | PartStop) -> None:
        if isinstance(event, PartDelta):
            self._delta(event)
        elif isinstance(event, PartStart):
            self._begin(event)
        else:
            self._end_part(event)

    def _reply_start(self, event: ReplyStart) -> None:
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        self._start = write_start(event, self._receipt)
        self._first = self._receipt.riding("", event.extra) if event.extra else {}

    def _list(self, choice: int) -> PartList:
        """What puts a signature on the part that follows it."""
        found = self._lists.get(choice)
        if found is None:
            found = self._lists[choice] = PartList(f"choices[{choice}]", self._receipt, answer=True)
        return found

    def _begin(self, event: PartStart) -> None:
        part = event.part
        if isinstance(part, RefusalPart):
            self._receipt.changed(self._path(event), "a refusal became text")
            part = TextPart(text=part.text)
        if isinstance(part, (TextPart, ThinkingPart, ToolCallPart)):
            opened = self._open[event.choice, event.index] = _Open(part)
            if isinstance(part, ToolCallPart):
                opened.texts.append(part.arguments)
            elif isinstance(part, ThinkingPart):
                opened.signature = part.signature
                if part.dialect != NAME:  # announced, so that readers know whose it is
                    self._put(event.choice, {"text": "", "thought": True, SIGNATURE: carry("", part.dialect)})
                self._say(opened, event.choice, part.text)
            elif part.text or part.extra or self._receipt.native:
                opened.part = msgspec.structs.replace(part, text="")
                self._whole(part, event.choice, self._path(event))
            return
        self._whole(part, event.choice, self._path(event))

    def _whole(self, part: Any, choice: int, path: str) -> None:
        """A part that came whole."""
        parts = self._list(choice)
        parts.add(part, path)
        self._flush(choice)

    def _flush(self, choice: int) -> None:
        """Write what the list of a choice holds, each part in an event of its own."""
        parts = self._list(choice).parts
        for written in parts:
            self._put(choice, written)
        parts.clear()

    def _path(self, event: PartStart | PartStop | PartDelta) -> str:
        return f"choices[{event.choice}].parts[{event.index}]"

    def _delta(self, event: PartDelta) -> None:
        opened = self._open.get((event.choice, event.index))
        path = f"choices[{event.choice}]"
        if event.logprobs is not None:
            self._receipt.dropped(f"{path}.logprobs", "no equivalent")
        if event.citation is not None:
            self._receipt.dropped(f"{path}.citations", "of another dialect")
        if event.foreign is not None:
            self._receipt.dropped(self._path(event), "known to its own dialect only")
        if opened is None:
            return
        if event.signature is not None:
            opened.signature = event.signature
        if event.text is None:
            return
        if isinstance(opened.part, ToolCallPart):
            opened.texts.append(event.text)
        else:
            self._say(opened, event.choice, event.text)

    def _say(self, opened: _Open, choice: int, text: str) -> None:
        if not text:
            return
        opened.texts.append("")  # something was said
        if isinstance(opened.part, ThinkingPart):
            self._put(choice, {"text": text, "thought": True})
        else:
            self._list(choice).add(TextPart(text=text), "")
            self._flush(choice)

    def _end_part(self, event: PartStop) -> None:
        opened = self._open.pop((event.choice, event.index), None)
        if opened is None:
            return
        part, path = opened.part, self._path(event)
        if isinstance(part, ToolCallPart):
            self._whole(msgspec.structs.replace(part, arguments="".join(opened.texts)), event.choice, path)
        elif isinstance(part, ThinkingPart):
            self._end_thought(opened, part, event.choice, path)

    def _end_thought(self, opened: _Open, part: ThinkingPart, choice: int, path: str) -> None:
        """The signature of a thought, with what its start knew besides."""
        if part.dialect != NAME:
            if part.extra:
                self._receipt.riding_thought(path, part.extra)
            if opened.signature:
                signature = carry(opened.signature, part.dialect)
                self._put(choice, {"text": "", "thought": True, SIGNATURE: signature})
        elif not opened.texts and opened.signature is not None and MARK not in part.extra:
            self._list(choice).add(msgspec.structs.replace(part, text="", signature=opened.signature), path)
            self._flush(choice)
        elif opened.signature is not None or part.extra:
            whole = {"text": "", "thought": True, **{n: raw for n, raw in part.extra.items() if n != MARK}}
            self._put(choice, whole if opened.signature is None else {**whole, SIGNATURE: opened.signature})

    def _put(self, choice: int, part: Written) -> None:
        content = {"parts": [part], "role": "model"}
        self._event({"candidates": [{"content": content, "index": choice}]})

    def _event(self, members: dict[str, Any]) -> None:
        event = members | self._start
        for name, raw in self._first.items():
            event.setdefault(name, raw)
        self._first = {}
        data = encode(event)
        if LF in data or CR in data:  # arguments that the provider has written over several lines
            data = data.translate(_ONE_LINE)
        self._out.append(b"data: %b\n\n" % data)

    def _end(self) -> None:
        self._done = True
        for choice, parts in self._lists.items():
            parts.close()
            self._flush(choice)
        blocked = FEEDBACK in self._first and is_blocked(self._first)
        stops = [] if blocked else [self._candidate(stop) for _, stop in sorted(self._stops.items())]
        last: dict[str, Any] = {"candidates": stops} if stops else {}
        # Empty where nobody knows it: with the reasons it tells that nothing follows.
        last["usageMetadata"] = {} if self._usage is None else write_usage(self._usage, self._receipt)
        self._event(last)

    def _candidate(self, stop: ChoiceStop) -> dict[str, Any]:
        path = f"choices[{stop.choice}]"
        written: dict[str, Any] = {"content": {"parts": [{"text": ""}], "role": "model"}, "index": stop.choice}
        written |= write_stop(stop.stop, stop.raw_stop, stop.stop_sequence, path=path, receipt=self._receipt)
        if stop.extra:
            written |= self._receipt.riding(path, stop.extra)
        return written
