"""Canonical events, written as a stream of the Messages API.

The API has one block open at a time; canonical parts may overlap (parallel tool calls). The part that opened first is
written as it comes, the others wait in a queue:

    part state   start            delta              stop
    live         block start      block delta        block stop; the next waiting part is written and goes live,
                                                     or, if it has stopped meanwhile, is closed as well, and so on
    waiting      -                held               held

What waits is bounded by `HELD_BYTES_MAX`; beyond it the stream ends with an error. `message_delta` is written at the
end, when the usage is known; `message_start` shows 0 tokens where they are not known yet, because SDKs add to them.
Only choice 0 is carried. After `ReplyEnd` or `StreamFault` nothing is written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import (
    ChatRequest,
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
from asbru.dialects.anthropic_messages.block_writer import Block, write_foreign, write_text, write_tool_use
from asbru.dialects.anthropic_messages.errors import error_type, write_fault_event
from asbru.dialects.anthropic_messages.response import (
    carry,
    forwarded,
    unique_id,
    write_full_usage,
    write_reply_id,
    write_stop_word,
)
from asbru.dialects.anthropic_messages.types import NAME, encode
from asbru.dialects.receipt import Receipt
from asbru.dialects.too_long import claude_words
from asbru.wire.sse import CR, LF, write_event

HELD_BYTES_MAX: Final = 16 * 1024 * 1024
"""How much of the parts that wait is held, in bytes of text."""

_AFTER: Final = b"}}\n\n"
_EVENT_LEVEL: Final = frozenset(("context_management",))
"""Unknown members of a stop that stand beside `delta` in `message_delta`, not in it."""


class _Part:
    """A part on its way: what it is, what is held of it, and its block index once it is live.

    `before` is what stands before its text in a delta's event (`_AFTER` is what follows it), b"" where the text does
    not go out as it came.
    """

    __slots__ = ("before", "block", "held", "index", "part", "signed", "stopped", "text")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.block = -1
        self.before = b""
        self.held: list[PartDelta] = []
        self.signed = False
        self.stopped = False
        self.text: list[str] = []  # a custom tool's free text: an object only when it is whole


class MessagesStreamWriter:
    """Events to bytes; see the table."""

    __slots__ = (
        "_blocks",
        "_done",
        "_held_bytes",
        "_ids",
        "_live",
        "_out",
        "_receipt",
        "_seen",
        "_start",
        "_stop",
        "_usage",
        "_waiting",
    )

    def __init__(self, request: ChatRequest) -> None:
        del request
        self._receipt = Receipt(NAME)
        self._out: list[bytes] = []
        self._start: ReplyStart | None = None
        self._stop: ChoiceStop | None = None
        self._usage: Usage | None = None
        self._live: _Part | None = None
        self._waiting: deque[_Part] = deque()
        self._held_bytes = 0
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
            case PartDelta():
                self._part_delta(event)
            case PartStart() | PartStop():
                self._part_border(event)
            case ReplyStart():
                self._reply_start(event)
            case ChoiceStop():
                self._stop = event if event.choice == 0 else self._stop
            case UsageReport():
                self._usage = event.usage
            case Ping():
                self._put("ping", {"type": "ping"})
            case ForeignEvent():
                self._foreign(event)
            case ReplyEnd():
                self._end()
            case StreamFault():
                self._fault(event)

    def _put(self, kind: str, members: dict[str, Any]) -> None:
        self._out.append(write_event(_one_line(encode(members)), kind))

    def _reply_start(self, event: ReplyStart) -> None:
        if self._start is not None:
            return
        self._start = event
        self._receipt.reads(event.dialect)
        self._usage = event.usage
        extra = self._receipt.riding("", event.extra)
        usage = write_full_usage(event.usage, event.service_tier, (extra,), self._receipt)
        for name in ("input_tokens", "output_tokens"):
            usage[name] = usage[name] or 0
        message: dict[str, Any] = {
            "id": write_reply_id(event.id, self._receipt),
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        message.update({name: raw for name, raw in extra.items() if name not in message and name != "usage"})
        message["usage"] = usage
        self._put("message_start", {"type": "message_start", "message": message})

    def _ensure_started(self) -> None:
        if self._start is None:
            self._reply_start(ReplyStart(id="", model=""))

    def _part_border(self, event: PartStart | PartStop) -> None:
        if event.choice != 0:
            self._receipt.dropped(f"choices[{event.choice}]", "one answer only")
        elif isinstance(event, PartStop):
            self._part_stop(event.index)
        else:
            self._ensure_started()
            part = _Part(event.index, event.part)
            if self._live is None:
                self._open(part)
            else:
                self._waiting.append(part)

    def _part_delta(self, event: PartDelta) -> None:
        if event.choice != 0:
            return
        live = self._live
        if live is not None and live.index == event.index:
            self._delta(live, event)
            return
        for part in self._waiting:
            if part.index == event.index:
                part.held.append(event)
                self._held_bytes += len(event.text or "") + 64
                if self._held_bytes > HELD_BYTES_MAX:
                    message = f"parts that overlap hold more than {HELD_BYTES_MAX} bytes"
                    self._fault(StreamFault(message=message))
                return

    def _part_stop(self, index: int) -> None:
        live = self._live
        if live is None or live.index != index:
            for part in self._waiting:
                part.stopped = part.stopped or part.index == index
            return
        self._close(live)
        while self._waiting and self._live is None:
            part = self._waiting.popleft()
            self._open(part)
            for delta in part.held:
                self._held_bytes -= len(delta.text or "") + 64
                self._delta(part, delta)
            part.held.clear()
            if part.stopped:
                self._close(part)

    def _open(self, part: _Part) -> None:
        """Make a part live. One that has no block here is live all the same, and silent."""
        self._live = part
        block = self._block(part)
        if block is None:
            return
        part.block = self._blocks
        part.before = _before(part)
        self._blocks += 1
        members = {"type": "content_block_start", "index": part.block, "content_block": block}
        self._put("content_block_start", members)

    def _block(self, part: _Part) -> Block | None:
        path = f"choices[0].parts[{part.index}]"
        found = part.part
        calls, refused = self._seen
        match found:
            case TextPart():
                return write_text(found, path, self._receipt)
            case ThinkingPart():
                return {"type": "thinking", "thinking": found.text, "signature": ""}
            case RedactedThinkingPart():
                return {"type": "redacted_thinking", "data": carry(found.data, found.dialect)}
            case ToolCallPart():
                self._seen = (True, refused)
                bare = msgspec.structs.replace(found, arguments="", custom=False)
                block = write_tool_use(bare, path, self._receipt, answer=True)
                block["id"] = unique_id(block["id"] if found.id else "", self._ids, self._receipt)
                return block
            case RefusalPart():
                self._seen = (calls, True)
                self._receipt.changed(path, "a refusal became text")
                return {"type": "text", "text": ""}
            case ForeignPart():
                return write_foreign(found, path, self._receipt)
            case _:
                self._receipt.dropped(path, "no equivalent in a stream")
                return None

    def _delta(self, part: _Part, event: PartDelta) -> None:
        if part.before and event.text is not None:
            self._out.append(part.before + encode(event.text) + _AFTER)
            return
        if event.logprobs is not None:
            self._receipt.dropped("logprobs", "no equivalent")
        if part.block < 0:
            return
        if event.text is not None:
            part.text.append(event.text)
            return
        part.signed = part.signed or event.signature is not None
        delta = self._delta_members(part.part, event)
        if delta is not None:
            self._put_delta(part, delta)

    def _put_delta(self, part: _Part, delta: dict[str, Any] | Raw) -> None:
        self._put("content_block_delta", {"type": "content_block_delta", "index": part.block, "delta": delta})

    def _delta_members(self, part: Part, event: PartDelta) -> dict[str, Any] | Raw | None:
        if event.signature is not None and isinstance(part, ThinkingPart):
            return _signed(carry(event.signature, part.dialect))
        if event.citation is not None or event.foreign is not None:
            return self._native_delta(event)
        return None

    def _native_delta(self, event: PartDelta) -> dict[str, Any] | Raw | None:
        if not self._receipt.native:
            self._receipt.dropped("citations" if event.citation is not None else "delta", "of another dialect")
            return None
        if event.citation is not None:
            return {"type": "citations_delta", "citation": event.citation}
        return event.foreign

    def _close(self, part: _Part) -> None:
        self._live = None
        if part.block < 0:
            return
        if part.text:
            path = f"choices[0].parts[{part.index}].arguments"
            self._receipt.changed(path, "free text became an object")
            text = encode({"input": "".join(part.text)}).decode()
            self._put_delta(part, {"type": "input_json_delta", "partial_json": text})
        if isinstance(part.part, ThinkingPart) and not part.signed:
            mark = forwarded(part.part)
            if mark:
                self._put_delta(part, _signed(mark))
        self._put("content_block_stop", {"type": "content_block_stop", "index": part.block})

    def _foreign(self, event: ForeignEvent) -> None:
        if event.dialect == NAME:
            self._out.append(write_event(_one_line(event.data), event.event))
        else:
            self._receipt.dropped(f"event {event.event or 'unnamed'}", "of another dialect")

    def _end(self) -> None:
        self._ensure_started()
        while self._live is not None:
            self._part_stop(self._live.index)
        stop = self._stop or ChoiceStop(stop="stop")
        extra = self._receipt.riding("choices[0]", stop.extra)
        word = write_stop_word(stop.stop, stop.raw_stop, self._seen, self._receipt)
        delta: dict[str, Any] = {"stop_reason": word, "stop_sequence": stop.stop_sequence}
        event: dict[str, Any] = {"type": "message_delta", "delta": delta}
        for name, raw in extra.items():
            if name in _EVENT_LEVEL:
                event[name] = raw
            elif name != "usage":
                delta.setdefault(name, raw)
        event["usage"] = write_full_usage(self._usage, None, (extra,), self._receipt)
        self._put("message_delta", event)
        self._put("message_stop", {"type": "message_stop"})
        self._done = True

    def _fault(self, fault: StreamFault) -> None:
        self._out.append(write_fault_event(error_type(fault.type, fault.status), claude_words(fault)))
        self._done = True


def _signed(signature: str) -> dict[str, Any]:
    return {"type": "signature_delta", "signature": signature}


def _before(part: _Part) -> bytes:
    """See `_Part`. The free text of a custom tool is collected, and written when it is whole."""
    match part.part:
        case ToolCallPart(custom=True):
            return b""
        case ToolCallPart() | ForeignPart():
            kind, member = b"input_json_delta", b"partial_json"
        case ThinkingPart():
            kind, member = b"thinking_delta", b"thinking"
        case _:
            kind, member = b"text_delta", b"text"
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"%b","%b":' % (part.block, kind, member)
    )


def _one_line(data: bytes) -> bytes:
    """JSON without line breaks: what rides along raw may have been written with some."""
    if LF in data or CR in data:
        return msgspec.json.format(data, indent=-1)
    return data
