"""Canonical events written as chat chunks, `[DONE]` at the end and never after a fault.

The role opens each choice; every tool call has its own index, counted per choice. Thinking streams as
`reasoning_content`; thinking that must come back unchanged also as `reasoning_details` fragments of one
`index`, its signature last, as OpenRouter streams them. The usage chunk is written only for callers who
asked. What chunks cannot say is noted once per kind.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from asbru.core.chat import (
    AudioPart,
    ChatRequest,
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
from asbru.dialects.openai_chat.errors import write_fault
from asbru.dialects.openai_chat.reasoning import is_plain, write_detail
from asbru.dialects.openai_chat.stops import write_stop
from asbru.dialects.openai_chat.tools import write_tool_call
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import write_usage
from asbru.dialects.receipt import Receipt

_ENCODE = msgspec.json.Encoder().encode
_DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
_FOREIGN_DELTA = msgspec.json.Decoder(dict[str, Raw])


class _OpenPart:
    """A part that is being written. `index` is that of a tool call or of a reasoning detail on the wire.

    `before` and `after` are what stands around its text in a chunk, where that is the same in all of them; else b"".
    """

    __slots__ = ("after", "before", "index", "part")

    def __init__(self, part: Part, index: int) -> None:
        self.part = part
        self.index = index
        self.before = b""
        self.after = b""


class ChatStreamWriter:
    """Writes one stream for the caller of `request`."""

    __slots__ = ("_calls", "_details", "_front", "_open", "_receipt", "_usage", "_wants_usage")

    def __init__(self, request: ChatRequest) -> None:
        self._wants_usage = request.include_usage
        self._receipt = Receipt(NAME)
        self._front = b'{"id":"","object":"chat.completion.chunk","created":0,"model":""'
        self._usage: Usage | None = None
        self._open: dict[tuple[int, int], _OpenPart] = {}
        self._calls: dict[int, int] = {}  # calls so far, by choice; a choice is in it once its role was sent
        self._details = 0

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be carried so far."""
        return self._receipt.notes

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """The chunks for `events`."""
        if len(events) == 1:
            return self._write(events[0])
        return b"".join([self._write(event) for event in events])

    def _write_rest(self, event: ForeignEvent | Ping) -> bytes:
        return KEEP_ALIVE if isinstance(event, Ping) else self._foreign(event)

    def _write(self, event: StreamEvent) -> bytes:
        if isinstance(event, PartDelta):
            return self._delta(event)
        match event:
            case PartStart():
                return self._begin(event)
            case PartStop():
                self._open.pop((event.choice, event.index), None)
            case ReplyStart():
                self._start(event)
            case UsageReport():
                self._usage = event.usage
            case ChoiceStop():
                return self._stop_choice(event)
            case ForeignEvent() | Ping():
                return self._write_rest(event)
            case ReplyEnd():
                return self._end()
            case StreamFault():
                return write_fault(event)
        return b""

    def _start(self, event: ReplyStart) -> None:
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        front: dict[str, object] = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": event.created_s or 0,
            "model": event.model,
        }
        if event.service_tier is not None:
            front["service_tier"] = event.service_tier
        front = {**self._receipt.riding("", event.extra), **front}
        self._front = _ENCODE(front)[:-1]

    def _chunk(self, choice: int, delta: object, finish: bytes = b"null", more: bytes = b"") -> bytes:
        return b'data: %b,"choices":[{"index":%d,"delta":%b,"finish_reason":%b%b}]}\n\n' % (
            self._front,
            choice,
            _ENCODE(delta),
            finish,
            more,
        )

    def _role(self, choice: int) -> bytes:
        """The first chunk of a choice, once."""
        if choice in self._calls:
            return b""
        self._calls[choice] = 0
        return self._chunk(choice, {"role": "assistant", "content": ""})

    def _begin(self, event: PartStart) -> bytes:
        choice, part = event.choice, event.part
        role = self._role(choice)
        call = self._calls[choice]
        opened = self._open[choice, event.index] = _OpenPart(part, call)
        opened.before, opened.after = self._frame(part, choice, call)
        match part:
            case ToolCallPart():
                self._calls[choice] = call + 1
                extra = self._receipt.riding("stream.part", part.extra) if part.extra else {}
                item = {"index": call, **write_tool_call(part), **extra}
                return role + self._chunk(choice, {"tool_calls": [item]})
            case TextPart() | ThinkingPart() | RefusalPart():
                if isinstance(part, ThinkingPart):
                    opened.index = self._next_detail()
                    if part.signature is not None:
                        return role + self._think(opened, choice, part)
                return role + (self._delta(_words(event, part.text)) if part.text else b"")
            case RedactedThinkingPart():
                item = write_detail(part, self._next_detail())
                return role + self._chunk(choice, {"reasoning_details": [item]})
            case AudioPart():
                known = {"id": part.id, "data": part.data, "transcript": part.transcript}
                audio = {name: value for name, value in known.items() if value is not None}
                return role + self._chunk(choice, {"audio": audio})
            case _:
                self._receipt.dropped("stream.part", "chat has no such part in an answer")
                return role

    def _frame(self, part: Part, choice: int, call: int) -> tuple[bytes, bytes]:
        """What stands before and after the JSON text of a part in each of its chunks."""
        match part:
            case TextPart():
                before, after = b'"content":', b""
            case RefusalPart():
                before, after = b'"refusal":', b""
            case ToolCallPart(custom=True):
                before, after = b'"tool_calls":[{"index":%d,"custom":{"input":' % call, b"}}]"
            case ToolCallPart():
                before, after = b'"tool_calls":[{"index":%d,"function":{"arguments":' % call, b"}}]"
            case _:
                return b"", b""
        start = b'data: %b,"choices":[{"index":%d,"delta":{' % (self._front, choice)
        return start + before, after + b'},"finish_reason":null}]}\n\n'

    def _delta(self, event: PartDelta) -> bytes:
        opened = self._open.get((event.choice, event.index))
        if opened is None:
            return b""
        if event.text is not None:
            if opened.before:
                return opened.before + _ENCODE(event.text) + opened.after
            return self._think(opened, event.choice, _thought(event.text, None))
        if event.signature is not None:
            return self._think(opened, event.choice, _thought("", event.signature))
        if event.logprobs is not None:
            return self._chunk(event.choice, {}, more=b',"logprobs":' + bytes(event.logprobs))
        if event.citation is not None:
            self._receipt.dropped("stream.citations", "chat has no such citations")
        elif event.foreign is not None:
            self._receipt.dropped("stream.delta", f"known to {self._receipt.source} only")
        return b""

    def _next_detail(self) -> int:
        self._details += 1
        return self._details - 1

    def _think(self, opened: _OpenPart, choice: int, fragment: ThinkingPart) -> bytes:
        """A fragment of thinking: for showing, and where it is not plain, for sending back."""
        part = opened.part
        if not isinstance(part, ThinkingPart):
            return b""
        delta: dict[str, object] = {}
        if fragment.text:
            delta["reasoning" if "member" in part.extra else "reasoning_content"] = fragment.text
        whole = msgspec.structs.replace(part, text=fragment.text, signature=fragment.signature)
        if not is_plain(whole):
            delta["reasoning_details"] = [write_detail(whole, opened.index)]
        return self._chunk(choice, delta)

    def _stop_choice(self, event: ChoiceStop) -> bytes:
        finish = _ENCODE(write_stop(event.stop, event.raw_stop, self._receipt.source))
        more = b""
        extra = self._receipt.riding(f"choices[{event.choice}]", event.extra)
        if extra:
            more = b"," + _ENCODE(extra)[1:-1]
        elif event.raw_stop is not None and not self._receipt.native:
            more = b',"native_finish_reason":' + _ENCODE(event.raw_stop)
        if event.stop_sequence is not None:
            self._receipt.dropped("stop_sequence", "chat does not tell which stop matched")
        return self._role(event.choice) + self._chunk(event.choice, {}, finish, more)

    def _foreign(self, event: ForeignEvent) -> bytes:
        if event.dialect != NAME or event.event != "delta":
            self._receipt.dropped(f"stream.{event.event or 'event'}", f"known to {event.dialect} only")
            return b""
        members = _FOREIGN_DELTA.decode(event.data)
        choice = msgspec.json.decode(members["index"], type=int)
        return self._role(choice) + self._chunk(choice, members["delta"])

    def _end(self) -> bytes:
        if not self._wants_usage or self._usage is None:
            return _DONE
        usage = _ENCODE(write_usage(self._usage, self._receipt))
        return b'data: %b,"choices":[],"usage":%b}\n\n' % (self._front, usage) + _DONE


def _words(start: PartStart, text: str) -> PartDelta:
    return PartDelta(index=start.index, choice=start.choice, text=text)


def _thought(text: str, signature: str | None) -> ThinkingPart:
    return ThinkingPart(text=text, signature=signature)
