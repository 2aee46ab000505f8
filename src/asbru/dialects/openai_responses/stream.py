"""A stream of the Responses API, read into canonical events.

    event                                        becomes
    response.created, queued, in_progress        ReplyStart, once
    response.output_item.added                   PartStart of reasoning, a call, a foreign item
    response.content_part.added                  PartStart of a text or a refusal
    response.*.delta                             PartDelta
    response.content_part.done, output_item.done PartDelta for what no delta told, PartStop; of an item that was not
                                                 added also PartStart
    response.completed, incomplete               PartStop for what is open, ChoiceStop, UsageReport, ReplyEnd; before
                                                 them the whole output, if no event told of an item
    response.failed, error                       StreamFault
    any other                                    ForeignEvent

Writing: `stream_writer.py`. After the end everything is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from asbru.core.chat import Part, Raw, ThinkingPart, ToolCallPart
from asbru.core.errors import AsbruError
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    Ping,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.dialects.fields import DECODE_ERRORS, Fields
from asbru.dialects.openai_errors import listed_fault
from asbru.dialects.openai_responses.errors import failed_fault, read_fault
from asbru.dialects.openai_responses.items import read_said
from asbru.dialects.openai_responses.open_items import OpenItem, OpenPart
from asbru.dialects.openai_responses.response import read_logprobs, read_start, read_stop, without_echo
from asbru.dialects.openai_responses.types import NAME, REFUSE_REPLY, decode_members, encode
from asbru.dialects.openai_responses.usage import has_fees, read_usage
from asbru.dialects.surrogates import decode_mended
from asbru.wire.errors import FramingError
from asbru.wire.sse import COMMENT, SseEvent, SseReader

_PINGS: Final = ("keepalive", "ping")
_DONE: Final = b"[DONE]"


class _Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind).decode


class ResponsesStreamReader:
    """Bytes to events; see the table."""

    __slots__ = ("_calls", "_fees", "_items", "_next", "_sse", "_started", "done")

    def __init__(self) -> None:
        self._sse = SseReader(comments=True)
        self._items: dict[int, OpenItem] = {}
        self._next = 0
        self._calls = False
        self._fees = False
        self._started = False
        self.done = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        out: list[StreamEvent] = []
        if self.done:
            return out
        try:
            for wire in self._sse.feed(chunk):
                self._take(wire, out)
                if self.done:
                    break
        except (FramingError, AsbruError) as error:
            out.append(self._garbage(str(error) or "an unreadable event"))
        except DECODE_ERRORS as error:
            out.append(self._garbage(f"unreadable event: {error}"))
        return out

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end: a last event that only lacks its blank line still counts, half an event does not."""
        del clean  # only the response's own last event ends a stream of this API
        if self.done or not self._sse.close():
            return []
        events = self.feed(b"\n\n")
        torn = any(isinstance(event, StreamFault) and event.type == "protocol_error" for event in events)
        return [] if torn else events

    def _garbage(self, message: str) -> StreamFault:
        self.done = True
        return StreamFault(message=message, type="protocol_error")

    def _take(self, wire: SseEvent, out: list[StreamEvent]) -> None:
        if wire is COMMENT:
            out.append(Ping())
            return
        if wire.data == _DONE:  # some servers end so; the response has ended before, or is cut
            return
        try:
            kind = decode_mended(_kind, wire.data).type or wire.event
        except DECODE_ERRORS:
            fault = listed_fault(wire.data)
            if fault is None:
                raise
            self._fault(fault, out)
            return
        handle = self._on.get(kind)
        if handle is None:
            self._rare(kind, wire, out)
            return
        if not self._started and kind not in _STARTS:
            raise REFUSE_REPLY("", f"expected response.created first, got {kind}")
        handle(self, Fields(decode_mended(decode_members, wire.data), kind, REFUSE_REPLY), out)

    def _rare(self, kind: str, wire: SseEvent, out: list[StreamEvent]) -> None:
        if kind in _PINGS:
            out.append(Ping())
        elif kind == "error" or (not kind and wire.data.find(b'"error"') >= 0):
            self._fault(read_fault(wire.data), out)
        elif kind == "response.failed":
            self._failed(wire.data, out)
        elif not kind:
            raise REFUSE_REPLY("", "expected an event with a type, got one without")
        else:
            out.append(ForeignEvent(dialect=NAME, event=wire.event, data=wire.data))

    def _fault(self, fault: StreamFault, out: list[StreamEvent]) -> None:
        self.done = True
        out.append(fault)

    def _failed(self, data: bytes, out: list[StreamEvent]) -> None:
        response = Fields(decode_members(data), "response.failed", REFUSE_REPLY).need_child("response").rest()
        usage = read_usage(response.get("usage"))
        if usage is not None and self._started:
            out.append(UsageReport(usage=usage))
        self._fault(failed_fault(response), out)

    def _start(self, event: Fields, out: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        response = event.need_child("response")
        start = read_start(response)
        for name in ("status", "incomplete_details", "output", "usage"):
            response.raw(name)
        out.append(
            ReplyStart(
                id=start.id,
                model=start.model,
                created_s=start.created_s,
                service_tier=start.service_tier,
                dialect=NAME,
                extra=without_echo(response),
            )
        )

    def _claim(self) -> int:
        self._next += 1
        return self._next - 1

    def _item_added(self, event: Fields, out: list[StreamEvent]) -> None:
        at, raw = _place(event), event.raw("item")
        if raw is None:
            raise event.wrong("item", "expected an object, got nothing")
        if at in self._items:
            raise event.wrong("output_index", f"expected a new item, got item {at} twice")
        self._begin_item(at, event.as_object(raw, "item"), raw, out)

    def _begin_item(self, at: int, fields: Fields, raw: Raw, out: list[StreamEvent]) -> None:
        kind = fields.text("type") or "message"
        if kind == "message":
            before = self._items.get(at - 1)
            self._items[at] = OpenItem.message(fields, after_message=before is not None and before.is_message)
            return
        self._fees = self._fees or has_fees(bytes(raw))
        part = read_said(fields, kind, raw)
        self._calls = self._calls or isinstance(part, ToolCallPart)
        opened = OpenPart(self._claim(), part)
        self._items[at] = OpenItem.single(opened)
        out.append(PartStart(index=opened.index, part=opened.empty))

    def _part_added(self, event: Fields, out: list[StreamEvent]) -> None:
        item, at = self._item(event), event.integer("content_index") or 0
        raw = event.raw("part")
        if raw is None or not item.is_message:
            return  # of reasoning: it is one part
        self._open_content(item, at, item.first(event.as_object(raw, "part"), raw), out)

    def _open_content(self, item: OpenItem, at: int, part: Part, out: list[StreamEvent]) -> OpenPart:
        opened = item.parts[at] = OpenPart(self._claim(), part)
        out.append(PartStart(index=opened.index, part=opened.empty))
        return opened

    def _item(self, event: Fields, at: int | None = None) -> OpenItem:
        at = _place(event) if at is None else at
        item = self._items.get(at)
        if item is None:
            raise event.wrong("output_index", f"expected an item that was added, got {at}")
        return item

    def _said(self, event: Fields, empty: bytes, out: list[StreamEvent]) -> OpenPart:
        """The open content that a delta extends; some servers do not announce it."""
        item, at = self._item(event), event.integer("content_index") or 0
        part = item.parts.get(at)
        if part is None:
            raw = Raw(empty)
            empty_part = item.first(Fields(decode_members(raw), "part", REFUSE_REPLY), raw)
            part = self._open_content(item, at, empty_part, out)
        return part

    def _text_delta(self, event: Fields, out: list[StreamEvent]) -> None:
        part = self._said(event, b'{"type":"output_text","text":""}', out)
        logprobs = read_logprobs(event.raw("logprobs"))
        part.extend(event.text("delta"), out)
        if logprobs:
            out.append(PartDelta(index=part.index, logprobs=Raw(encode({"content": logprobs}))))

    def _refusal_delta(self, event: Fields, out: list[StreamEvent]) -> None:
        self._said(event, b'{"type":"refusal","refusal":""}', out).extend(event.text("delta"), out)

    def _annotation(self, event: Fields, out: list[StreamEvent]) -> None:
        part = self._said(event, b'{"type":"output_text","text":""}', out)
        citation = event.raw("annotation")
        if citation is not None:
            part.cite(citation, out)

    def _call_delta(self, event: Fields, out: list[StreamEvent]) -> None:
        part = self._item(event).only
        if part is not None and isinstance(part.part, ToolCallPart):
            part.extend(event.text("delta"), out)

    def _thought_delta(self, event: Fields, out: list[StreamEvent]) -> None:
        part = self._item(event).only
        if part is not None and isinstance(part.part, ThinkingPart):
            place = event.integer("summary_index")
            part.think(place if place is not None else event.integer("content_index") or 0, event.text("delta"), out)

    def _part_done(self, event: Fields, out: list[StreamEvent]) -> None:
        item, at = self._item(event), event.integer("content_index") or 0
        raw = event.raw("part")
        if raw is None or not item.is_message:
            return
        part = item.parts.get(at)
        whole = item.first(event.as_object(raw, "part"), raw)
        (part or self._open_content(item, at, whole, out)).finish(whole, out)

    def _item_done(self, event: Fields, out: list[StreamEvent]) -> None:
        at, raw = _place(event), event.raw("item")
        if raw is None:
            self._item(event, at).stop(out)
            return
        if at not in self._items:  # some servers tell of an item only when it is done
            self._begin_item(at, event.as_object(raw, "item"), raw, out)
        self._end_item(self._items[at], event.as_object(raw, "item"), raw, out)

    def _end_item(self, item: OpenItem, fields: Fields, raw: Raw, out: list[StreamEvent]) -> None:
        kind = fields.text("type") or "message"
        if item.only is not None:
            item.only.finish(read_said(fields, kind, raw), out)
            return
        for at, content in enumerate(fields.items("content") or ()):
            if at not in item.parts:
                part = item.first(fields.as_object(content, "content"), content)
                self._open_content(item, at, part, out).finish(part, out)
        item.stop(out)

    def _ended(self, event: Fields, out: list[StreamEvent]) -> None:
        response = event.need_child("response")
        output = response.items("output") or ()
        for at, raw in enumerate(() if self._items else output):  # some servers tell of the items only here
            self._begin_item(at, response.as_object(raw, f"output[{at}]"), raw, out)
            self._end_item(self._items[at], response.as_object(raw, f"output[{at}]"), raw, out)
        self.done = True
        for _, item in sorted(self._items.items()):
            item.stop(out)
        stop, word = read_stop(response, ())
        if stop == "stop" and self._calls:
            stop = "tool_calls"
        out.append(ChoiceStop(stop=stop or "other", raw_stop=word))
        usage = read_usage(response.raw("usage"), response.text("service_tier"), fees=self._fees)
        if usage is not None:
            out.append(UsageReport(usage=usage))
        out.append(ReplyEnd())

    def _nothing(self, event: Fields, out: list[StreamEvent]) -> None:
        """Events that say again what others say."""

    _on: ClassVar[dict[str, Callable[[ResponsesStreamReader, Fields, list[StreamEvent]], None]]] = {
        "response.created": _start,
        "response.queued": _start,
        "response.in_progress": _start,
        "response.output_item.added": _item_added,
        "response.output_item.done": _item_done,
        "response.content_part.added": _part_added,
        "response.content_part.done": _part_done,
        "response.output_text.delta": _text_delta,
        "response.output_text.annotation.added": _annotation,
        "response.refusal.delta": _refusal_delta,
        "response.function_call_arguments.delta": _call_delta,
        "response.custom_tool_call_input.delta": _call_delta,
        "response.reasoning_summary_text.delta": _thought_delta,
        "response.reasoning_text.delta": _thought_delta,
        "response.output_text.done": _nothing,
        "response.refusal.done": _nothing,
        "response.function_call_arguments.done": _nothing,
        "response.custom_tool_call_input.done": _nothing,
        "response.reasoning_summary_part.added": _nothing,
        "response.reasoning_summary_part.done": _nothing,
        "response.reasoning_summary_text.done": _nothing,
        "response.reasoning_text.done": _nothing,
        "response.completed": _ended,
        "response.incomplete": _ended,
    }


_STARTS: Final = ("response.created", "response.queued", "response.in_progress")


def _place(event: Fields) -> int:
    at = event.integer("output_index")
    if at is None:
        raise event.wrong("output_index", "expected an integer, got nothing")
    return at
