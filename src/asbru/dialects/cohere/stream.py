"""A stream of Cohere's chat, read into canonical events.

    message-start                                the reply begins
    content-start, content-delta, content-end    a text, or thinking; the part stays open for citations that are late
    tool-plan-delta                              a text before calls, as one part
    tool-call-start, -delta, -end                a call
    citation-start, citation-end                 a citation of a text that is open
    message-end                                  why it ends, usage; or an error (`ERROR`)

Older servers send `[DONE]` after that. What is unknown (`debug`) is foreign.

Source: https://docs.cohere.com/reference/chat-stream
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from asbru.core.chat import Part, Raw, TextPart, ThinkingPart
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
from asbru.dialects.cohere.errors import end_fault
from asbru.dialects.cohere.messages import CITATIONS
from asbru.dialects.cohere.response import read_stop
from asbru.dialects.cohere.tools import read_call
from asbru.dialects.cohere.types import NAME, REFUSE_REPLY
from asbru.dialects.cohere.usage import read_usage, read_usage_extra
from asbru.dialects.fields import DECODE_ERRORS, NULL, Fields, open_object
from asbru.dialects.openai_errors import facts_of_body, listed_fault, read_fault
from asbru.dialects.surrogates import mend_surrogates
from asbru.wire.errors import FramingError
from asbru.wire.sse import SseEvent, SseReader

_DONE: Final = b"[DONE]"
_PLAN: Final = -1
"""Where the plan stands among parts that the provider numbers."""


class _Kind(msgspec.Struct):
    type: Any = None


class _Text(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None


class _Content(msgspec.Struct):
    content: _Text | None = None
    tool_plan: str | None = None


class _Delta(msgspec.Struct):
    message: _Content | None = None


class _ContentDelta(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    logprobs: Raw = NULL


class _Function(msgspec.Struct):
    arguments: str | None = None


class _Call(msgspec.Struct):
    function: _Function | None = None


class _Calls(msgspec.Struct):
    tool_calls: _Call | None = None


class _CallMessage(msgspec.Struct):
    message: _Calls | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    delta: _CallMessage | None = None


class _Indexed(msgspec.Struct):
    index: int = 0


class _Placed(msgspec.Struct):
    content_index: int | None = None


_kind = msgspec.json.Decoder(_Kind).decode
_content_delta = msgspec.json.Decoder(_ContentDelta).decode
_call_delta = msgspec.json.Decoder(_CallDelta).decode
_indexed = msgspec.json.Decoder(_Indexed).decode
_placed = msgspec.json.Decoder(_Placed).decode


def kind_of(data: bytes) -> str:
    """The type of an event; "" for none. Raises `DECODE_ERRORS`."""
    kind = _kind(data).type
    return kind if isinstance(kind, str) else ""


def untyped_fault(data: bytes) -> StreamFault:
    """What stands in place of an event: an error, or nothing that can be read."""
    listed = listed_fault(data)
    if listed is not None:
        return listed
    if facts_of_body(data) is None:
        return StreamFault(message="an event without a type", type="protocol_error")
    return read_fault(data)


class CohereStreamReader:
    """See the module."""

    __slots__ = ("_calls", "_contents", "_has_calls", "_next", "_open", "_sse", "_started", "done")

    def __init__(self) -> None:
        self._sse = SseReader()
        self._started = False
        self._next = 0
        self._contents: dict[int, tuple[int, Part]] = {}
        """Texts and thinking that are open: by the provider's number, the part's and its kind."""
        self._calls: dict[int, int] = {}
        self._has_calls = False
        self._open: set[int] = set()
        """Of the texts, those that have not ended yet by the provider's word."""
        self.done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        events: list[StreamEvent] = []
        if self.done:
            return events
        try:
            for wire in self._sse.feed(chunk):
                self._take(wire, events)
                if self.done:
                    break
        except FramingError as error:
            events.append(self._garbage(str(error)))
        return events

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end: a last event that only lacks its blank line still counts, half an event does not."""
        del clean  # only message-end ends a stream of this API
        if self.done or not self._sse.close():
            return []
        events = self.feed(b"\n\n")
        torn = any(isinstance(event, StreamFault) and event.type == "protocol_error" for event in events)
        return [] if torn else events

    def _garbage(self, message: str) -> StreamFault:
        self.done = True
        return StreamFault(message=message, type="protocol_error")

    def _take(self, wire: SseEvent, out: list[StreamEvent]) -> None:
        if wire.data == _DONE:
            return
        try:
            self._event(wire.event, wire.data, out)
        except UpstreamError as error:
            out.append(self._garbage(error.message))
        except DECODE_ERRORS as error:
            mended = mend_surrogates(wire.data)
            if mended is wire.data:
                out.append(self._garbage(f"unreadable event: {error}"))
            else:
                self._take(SseEvent(wire.event, mended), out)

    def _event(self, name: str, data: bytes, out: list[StreamEvent]) -> None:
        kind = kind_of(data)
        handle = self._on.get(kind)
        if handle is not None:
            if not self._started and kind not in ("message-start", "message-end"):
                raise REFUSE_REPLY("", f"expected message-start first, got {kind}")
            handle(self, data, out)
        elif not kind:
            self.done = True
            out.append(untyped_fault(data))
        else:
            out.append(ForeignEvent(dialect=NAME, event=name, data=data))

    def _message_start(self, data: bytes, out: list[StreamEvent]) -> None:
        if self._started:
            raise REFUSE_REPLY("", "expected one message-start, got a second")
        event = open_object(data, "message-start", REFUSE_REPLY)
        self._started = True
        for name in ("type", "delta"):
            event.raw(name)
        reply_id, model = event.text("id") or "", event.text("model") or ""
        out.append(ReplyStart(id=reply_id, model=model, dialect=NAME, extra=event.rest_set()))

    def _content_start(self, data: bytes, out: list[StreamEvent]) -> None:
        index = _indexed(data).index
        if index in self._open:
            raise REFUSE_REPLY("", f"expected a new content, got content {index} twice")
        self._end_contents(out)
        content = _message_of(data, "content-start").child("content") or Fields({}, "content", REFUSE_REPLY)
        thinks = content.text("type") == "thinking"
        text = content.text("thinking" if thinks else "text")
        self._begin(index, ThinkingPart(text="", dialect=NAME) if thinks else TextPart(text=""), out)
        self._open.add(index)
        if text:
            out.append(PartDelta(index=self._contents[index][0], text=text))

    def _content_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        event = _content_delta(data)
        if event.index not in self._open:
            raise REFUSE_REPLY("", f"expected a delta of an open content, got one of {event.index}")
        at, part = self._contents[event.index]
        content = event.delta and event.delta.message and event.delta.message.content
        text = content and (content.thinking if isinstance(part, ThinkingPart) else content.text)
        if text:
            out.append(PartDelta(index=at, text=text))
        if event.logprobs != NULL:
            out.append(PartDelta(index=at, foreign=event.logprobs))

    def _content_end(self, data: bytes, out: list[StreamEvent]) -> None:
        del out  # citations may follow
        self._open.discard(_indexed(data).index)

    def _plan_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        event = _content_delta(data)
        text = event.delta and event.delta.message and event.delta.message.tool_plan
        if not text:
            return
        if _PLAN not in self._contents:
            self._end_contents(out)
            self._begin(_PLAN, TextPart(text=""), out)
        out.append(PartDelta(index=self._contents[_PLAN][0], text=text))

    def _call_start(self, data: bytes, out: list[StreamEvent]) -> None:
        index = _indexed(data).index
        if index in self._calls:
            raise REFUSE_REPLY("", f"expected a new call, got call {index} twice")
        self._end_contents(out)
        part = read_call(_message_of(data, "tool-call-start").need_child("tool_calls"))
        self._has_calls = True
        self._calls[index] = self._next
        out.append(PartStart(index=self._next, part=msgspec.structs.replace(part, arguments="")))
        if part.arguments:
            out.append(PartDelta(index=self._next, text=part.arguments))
        self._next += 1

    def _call_delta(self, data: bytes, out: list[StreamEvent]) -> None:
        event = _call_delta(data)
        at = self._calls.get(event.index)
        if at is None:
            raise REFUSE_REPLY("", f"expected a delta of an open call, got one of {event.index}")
        call = event.delta and event.delta.message and event.delta.message.tool_calls
        arguments = call and call.function and call.function.arguments
        if arguments:
            out.append(PartDelta(index=at, text=arguments))

    def _call_end(self, data: bytes, out: list[StreamEvent]) -> None:
        at = self._calls.pop(_indexed(data).index, None)
        if at is not None:
            out.append(PartStop(index=at))

    def _citation_start(self, data: bytes, out: list[StreamEvent]) -> None:
        citation = _message_of(data, "citation-start").raw(CITATIONS)
        if citation is None:
            return
        texts = {number: at for number, (at, part) in self._contents.items() if isinstance(part, TextPart)}
        index = _placed(citation).content_index
        at = texts.get(-2 if index is None else index, next(reversed(texts.values()), None))
        if at is None:
            out.append(ForeignEvent(dialect=NAME, event="citation-start", data=data))
        else:
            out.append(PartDelta(index=at, citation=citation))

    def _citation_end(self, data: bytes, out: list[StreamEvent]) -> None:
        """It tells nothing."""

    def _message_end(self, data: bytes, out: list[StreamEvent]) -> None:
        self.done = True
        fault = end_fault(data)
        if fault is not None or not self._started:
            out.append(fault or StreamFault(message="expected message-start first", type="protocol_error"))
            return
        event = open_object(data, "message-end", REFUSE_REPLY)
        for name in ("type", "id"):
            event.raw(name)
        delta = event.child("delta") or Fields({}, "delta", REFUSE_REPLY)
        word, usage = delta.text("finish_reason"), delta.raw("usage")
        self._end_contents(out)
        out += [PartStop(index=at) for at in self._calls.values()]
        self._calls.clear()
        extra = {**delta.rest_set(), **event.rest_set(), **read_usage_extra(usage)}
        out.append(ChoiceStop(stop=read_stop(word, self._has_calls), raw_stop=word, extra=extra))
        found = read_usage(usage)
        if found is not None:
            out.append(UsageReport(usage=found))
        out.append(ReplyEnd())

    def _begin(self, number: int, part: Part, out: list[StreamEvent]) -> None:
        self._contents[number] = (self._next, part)
        out.append(PartStart(index=self._next, part=part))
        self._next += 1

    def _end_contents(self, out: list[StreamEvent]) -> None:
        """Texts that have ended, or are ended by what begins."""
        out += [PartStop(index=at) for at, _ in self._contents.values()]
        self._contents.clear()
        self._open.clear()

    # Functions, not bound methods: those would be held by the object that they hold, and keep it alive.
    _on: ClassVar[dict[str, Callable[[CohereStreamReader, bytes, list[StreamEvent]], None]]] = {
        "content-delta": _content_delta,
        "content-start": _content_start,
        "content-end": _content_end,
        "tool-plan-delta": _plan_delta,
        "tool-call-start": _call_start,
        "tool-call-delta": _call_delta,
        "tool-call-end": _call_end,
        "citation-start": _citation_start,
        "citation-end": _citation_end,
        "message-start": _message_start,
        "message-end": _message_end,
    }


def _message_of(data: bytes, kind: str) -> Fields:
    """The message in an event's delta."""
    delta = open_object(data, kind, REFUSE_REPLY).child("delta") or Fields({}, "delta", REFUSE_REPLY)
    return delta.child("message") or Fields({}, "message", REFUSE_REPLY)
