"""Canonical events, written as a stream of the Responses API.

    event                  becomes
    ReplyStart             response.created, response.in_progress
    PartStart              response.output_item.added, and response.content_part.added in a message
    PartDelta              the delta of its kind
    PartStop               the done events of its kind; the message stays open for more texts
    ChoiceStop             kept: the response's own last event says why it stopped
    ReplyEnd               response.completed or response.incomplete, with the whole response
    StreamFault            response.failed

Parts may be open at the same time: each event names its item. The response in the last event holds all items, so the
texts of an answer are kept until its end. Only choice 0 is carried. After the end nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asbru.core.chat import ChatRequest
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
from asbru.dialects.openai_responses.errors import failed_members, write_failed
from asbru.dialects.openai_responses.item_events import Items
from asbru.dialects.openai_responses.response import write_end, write_reply_id, write_start
from asbru.dialects.openai_responses.types import NAME, encode
from asbru.dialects.openai_responses.usage import write_usage
from asbru.dialects.receipt import Receipt
from asbru.dialects.too_long import openai_code
from asbru.wire.sse import write_event


class ResponsesStreamWriter:
    """Events to bytes; see the table."""

    __slots__ = ("_done", "_items", "_out", "_receipt", "_sequence", "_start", "_stop", "_usage")

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._receipt = Receipt(NAME)
        self._out: list[bytes] = []
        self._sequence = 0
        self._start: ReplyStart | None = None
        self._stop: ChoiceStop | None = None
        self._usage: Usage | None = None
        self._items = Items(self._receipt, self._put, "")
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
                self._choice_stop(event)
            case UsageReport():
                self._usage = event.usage
            case Ping():
                self._out.append(b": keep-alive\n\n")
            case ForeignEvent():
                self._foreign(event)
            case ReplyEnd():
                self._end()
            case StreamFault():
                self._fault(event)

    def _part(self, event: PartDelta | PartStart | PartStop) -> None:
        if event.choice != 0:
            self._receipt.dropped(f"choices[{event.choice}]", "one answer only")
        elif isinstance(event, PartDelta):
            self._items.extend(event)
        elif isinstance(event, PartStop):
            self._items.stop(event)
        else:
            self._ensure_started()
            self._items.begin(event.index, event.part)

    def _put(self, kind: str, members: dict[str, Any]) -> None:
        event = {"type": kind, "sequence_number": self._sequence, **members}
        self._sequence += 1
        self._out.append(write_event(encode(event), kind))

    def _reply_start(self, event: ReplyStart) -> None:
        if self._start is not None:
            return
        self._start = event
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        self._items.response_id = write_reply_id(event.id, self._receipt)
        body = self._members(event)
        self._put("response.created", {"response": body})
        self._put("response.in_progress", {"response": body})

    def _members(self, start: ReplyStart) -> dict[str, Any]:
        body = write_start(start, self._receipt)
        for name, raw in self._receipt.riding("", start.extra).items():
            body.setdefault(name, raw)
        return body

    def _ensure_started(self) -> None:
        if self._start is None:
            self._reply_start(ReplyStart(id="", model=""))

    def _choice_stop(self, event: ChoiceStop) -> None:
        if event.choice != 0:
            return
        self._stop = event
        if event.extra:
            self._receipt.riding("choices[0]", event.extra)

    def _foreign(self, event: ForeignEvent) -> None:
        if self._receipt.native and event.dialect == NAME:
            self._out.append(write_event(event.data, event.event))
        else:
            self._receipt.dropped(event.event or "event", f"known to {event.dialect} only")

    def _end(self) -> None:
        self._ensure_started()
        assert self._start is not None
        self._done = True
        output = self._items.close()
        stop = self._stop
        body = self._members(self._start)
        body |= write_end(
            None if stop is None else stop.stop,
            None if stop is None else stop.raw_stop,
            None if stop is None else stop.stop_sequence,
            self._receipt,
        )
        body["output"] = output
        body["usage"] = None if self._usage is None else write_usage(self._usage, self._receipt)
        kind = "response.incomplete" if body["status"] == "incomplete" else "response.completed"
        self._put(kind, {"response": body})

    def _fault(self, fault: StreamFault) -> None:
        self._done = True
        start = self._start
        response_id = "" if start is None else write_reply_id(start.id, self._receipt)
        body = failed_members(
            fault.message,
            openai_code(fault) or fault.type,
            response_id=response_id,
            model="" if start is None else start.model,
        )
        self._out.append(write_failed(body, self._sequence))
