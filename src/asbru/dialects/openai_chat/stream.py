"""Chat chunks read into canonical events: one machine per choice, one for the whole stream.

| seen                            | events                                                                   |
|--|--|
| first chunk with choices/usage  | ReplyStart, with what earlier chunks held (Azure's filter results)       |
| text, reasoning, refusal        | PartStart when the kind changes (the last one stops), PartDelta          |
| a tool call's fragment          | PartStart for a new call; calls stay open, so fragments may interleave   |
| usage, in any chunk             | UsageReport (the last one counts)                                        |
| finish_reason                   | kept: deltas and usage may still follow                                  |
| `[DONE]`, or a clean end after  | PartStop for all, ChoiceStop for each choice, ReplyEnd                   |
| every choice's finish_reason    |                                                                          |
| an error object, garbage, a     | StreamFault, after the chunk's usage; then nothing more                  |
| choice that failed              |                                                                          |

Not here: the call machine (`calls.py`), reasoning's spellings (`reasoning.py`).
"""

from __future__ import annotations

from itertools import count
from typing import Final

import msgspec

from asbru.core.chat import (
    Extra,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
)
from asbru.core.errors import AsbruError
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
from asbru.dialects.fields import NULL, Fields
from asbru.dialects.openai_chat.calls import Calls
from asbru.dialects.openai_chat.errors import choice_fault
from asbru.dialects.openai_chat.plain import DeltaWire, read_plain_chunk
from asbru.dialects.openai_chat.reasoning import plain_thought, read_chunk_reasoning
from asbru.dialects.openai_chat.response import call_id, read_created
from asbru.dialects.openai_chat.stops import read_stop
from asbru.dialects.openai_chat.types import CHOICES_MAX, NAME, REFUSE_REPLY
from asbru.dialects.openai_chat.usage import read_usage
from asbru.dialects.openai_errors import listed_fault, read_fault
from asbru.dialects.surrogates import decode_mended
from asbru.wire.errors import FramingError
from asbru.wire.sse import COMMENT, SseEvent, SseReader, read_block

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_DONE: Final = b"[DONE]"
HELD_MEMBERS_MAX: Final = 256
"""Members of chunks without choices that are kept for the start of the reply."""
_QUIET: Final = frozenset(("object", "usage", "obfuscation", "p", "choices", "x_groq"))
"""Members of a chunk that are framing or padding, not facts about the answer."""
_EMPTY_TEXT: Final = TextPart(text="")
_NOISE: Final = frozenset(("role", "channel"))
_EMPTY: Final = (b"null", b'""', b"[]", b"{}")


def protocol_fault(message: str) -> StreamFault:
    """The provider's stream is not what it should be."""
    return StreamFault(message=message, type="protocol_error", code="upstream_protocol")


class ChoiceReader:
    """The parts of one choice. `finish` is the provider's word once it came."""

    __slots__ = ("_calls", "_claim", "_key", "_open", "extra", "fault", "finish", "index")

    def __init__(self, index: int, reply_id: str) -> None:
        self.index = index
        self.finish: str | None = None
        self.fault: StreamFault | None = None  # the provider broke this choice off
        self.extra: Extra = {}
        self._claim = count().__next__  # the next part's index
        self._open = -1  # the text, thinking or refusal part that is open
        self._key: object = None  # what it is, so that a change of kind is seen
        self._calls = Calls(index, call_id(reply_id, index), self._claim)

    def go_on(self, delta: DeltaWire, out: list[StreamEvent]) -> bool:
        """A delta that is plain. False, and nothing done, where it needs the long way after all."""
        fragment = delta.tool_calls[0] if delta.tool_calls else None
        more = None
        if fragment is not None and fragment.function.arguments:
            more = self._calls.extend(fragment.index, fragment.function.arguments)
            if more is None:
                return False
        if delta.reasoning_content or delta.reasoning:
            thought = plain_thought(delta.reasoning_content, delta.reasoning)
            if thought is not None:
                self._think(thought, out)
        if delta.content:
            if self._key != "text" or self._open < 0:
                self._ensure("text", _EMPTY_TEXT, out)
            out.append(PartDelta(index=self._open, choice=self.index, text=delta.content))
        if more is not None:
            self._shut(out)
            out.append(more)
        return True

    def read(self, choice: Fields, out: list[StreamEvent]) -> None:
        """One chunk's choice."""
        delta = choice.child("delta")
        if delta is not None:
            self._read_delta(delta, out)
        logprobs = choice.raw("logprobs")
        if logprobs is not None and self._open >= 0:
            out.append(PartDelta(index=self._open, choice=self.index, logprobs=logprobs))
        choice.raw("index")
        word = choice.text("finish_reason")
        self.fault = choice_fault(choice.peek("error") or NULL, word)
        if word is not None:
            self.finish = word
            self.extra = choice.rest_set()
            self.extra.pop("message", None)  # Writer repeats the delta under this name

    def _read_delta(self, delta: Fields, out: list[StreamEvent]) -> None:
        for thought in read_chunk_reasoning(delta):
            self._think(thought, out)
        content = delta.peek("content")
        if content is not None:
            self._read_content(delta, content, out)
        refusal = delta.text("refusal")
        if refusal:
            self._extend("refusal", RefusalPart(text=""), refusal, out)
        if "tool_calls" in delta or "function_call" in delta:
            events = self._calls.read(delta)
            if events:
                self._shut(out)
                out += events
        self._read_rest(delta, out)

    def _read_content(self, delta: Fields, content: Raw, out: list[StreamEvent]) -> None:
        if memoryview(content)[0] == 0x5B:  # Mistral: a list of parts
            for item in delta.children("content") or ():
                kind = item.text("type")
                if kind == "thinking":
                    for inner in item.children("thinking") or ():
                        self._think(ThinkingPart(text=inner.text("text") or "", dialect=NAME), out)
                elif kind == "text":
                    self._extend("text", _EMPTY_TEXT, item.text("text") or "", out)
                else:
                    self._foreign({"content": Raw(msgspec.json.encode([item.rest()]))}, out)
            return
        self._extend("text", _EMPTY_TEXT, delta.text("content") or "", out)

    def _think(self, thought: ThinkingPart | RedactedThinkingPart, out: list[StreamEvent]) -> None:
        if isinstance(thought, RedactedThinkingPart):
            self._shut(out)
            index = self._claim()
            out.append(PartStart(index=index, part=thought, choice=self.index))
            out.append(PartStop(index=index, choice=self.index))
            return
        kind = ("thinking", thought.dialect, bytes(thought.extra.get("index", NULL)))
        empty = msgspec.structs.replace(thought, text="", signature=None)
        if thought.text:
            self._extend(kind, empty, thought.text, out)
        if thought.signature is not None:
            self._ensure(kind, empty, out)
            out.append(PartDelta(index=self._open, choice=self.index, signature=thought.signature))

    def _extend(
        self, key: object, empty: TextPart | ThinkingPart | RefusalPart, text: str, out: list[StreamEvent]
    ) -> None:
        if text:
            self._ensure(key, empty, out)
            out.append(PartDelta(index=self._open, choice=self.index, text=text))

    def _ensure(self, key: object, empty: TextPart | ThinkingPart | RefusalPart, out: list[StreamEvent]) -> None:
        if self._open >= 0 and self._key == key:
            return
        self._shut(out)
        self._open = self._claim()
        self._key = key
        out.append(PartStart(index=self._open, part=empty, choice=self.index))

    def _shut(self, out: list[StreamEvent]) -> None:
        if self._open >= 0:
            out.append(PartStop(index=self._open, choice=self.index))
            self._open = -1

    def _read_rest(self, delta: Fields, out: list[StreamEvent]) -> None:
        """What is unknown in a delta (audio, annotations, images) rides along whole."""
        left = {name: raw for name, raw in delta.rest().items() if name not in _NOISE and bytes(raw) not in _EMPTY}
        if left:
            self._foreign(left, out)

    def _foreign(self, delta: Extra, out: list[StreamEvent]) -> None:
        data = msgspec.json.encode({"index": self.index, "delta": delta})
        out.append(ForeignEvent(dialect=NAME, event="delta", data=data))

    def close(self, out: list[StreamEvent]) -> ChoiceStop:
        """Stops what is open and says why the choice stopped."""
        self._shut(out)
        out += self._calls.close()
        return ChoiceStop(
            stop=read_stop(self.finish, self._calls.seen),
            choice=self.index,
            raw_stop=self.finish,
            extra=self.extra,
        )


class ChatStreamReader:
    """See the table above. Any cut of the same bytes gives the same events."""

    __slots__ = ("_choices", "_ended", "_held", "_id", "_sse", "_started")

    def __init__(self) -> None:
        self._sse = SseReader(comments=True)
        self._choices: dict[int, ChoiceReader] = {}
        self._held: Extra = {}
        self._id = ""
        self._started = False
        self._ended = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes."""
        if self._ended:
            return []
        out: list[StreamEvent] = []
        try:
            events = self._sse.feed(chunk)
        except FramingError as error:
            return [self._fault(protocol_fault(f"the provider's stream: {error}"))]
        for event in events:
            if event is COMMENT:
                out.append(Ping())
                continue
            self._read_event(event, out)
            if self._ended:
                break
        return out

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end of the bytes. A last event without its blank line counts if it is whole; finish reasons stand for
        `[DONE]` only at a clean end."""
        if self._ended:
            return []
        out: list[StreamEvent] = []
        rest = self._sse.close().replace(b"\r\n", b"\n")
        left = read_block(rest)
        if left is not None and (left.data == _DONE or _decode(left.data) is not None):
            self._read_event(left, out)
        elif rest and not rest.startswith(b":"):
            return out  # cut within an event
        if clean and not self._ended and self._choices and all(one.finish for one in self._choices.values()):
            self._finish(out)
        return out

    def _read_event(self, event: SseEvent, out: list[StreamEvent]) -> None:
        if event.data == _DONE:
            self._finish(out)
            return
        if self._started and not event.event and self._go_on(event.data, out):
            return
        members = _decode(event.data)
        if members is None:
            shown = event.data[:80].decode("utf-8", "replace")
            garbage = protocol_fault(f"expected a JSON object in the stream, got: {shown}")
            out.append(self._fault(listed_fault(event.data) or garbage))
        elif members.get("error", NULL) != NULL or event.event == "error":
            usage = read_usage(members.get("usage", NULL))
            if usage is not None and self._started:  # OpenRouter bills up to the error
                out.append(UsageReport(usage=usage))
            out.append(self._fault(read_fault(event.data)))
        else:
            try:
                self._read_chunk(Fields(members, "chunk", REFUSE_REPLY), out)
            except AsbruError as error:
                out.append(self._fault(protocol_fault(error.message)))

    def _go_on(self, data: bytes, out: list[StreamEvent]) -> bool:
        """A chunk as most are: one choice, which goes on. False, and nothing done, for any other."""
        wire = read_plain_chunk(data)
        reader = None if wire is None else self._choices.get(wire.index or 0)
        return wire is not None and reader is not None and reader.go_on(wire.delta, out)

    def _fault(self, fault: StreamFault) -> StreamFault:
        self._ended = True
        return fault

    def _read_chunk(self, chunk: Fields, out: list[StreamEvent]) -> None:
        choices = chunk.children("choices") or []
        tier = chunk.text("service_tier") or None
        usage = read_usage(chunk.raw("usage"), tier)
        groq = chunk.child("x_groq") if usage is None else None
        if groq is not None:
            usage = read_usage(groq.raw("usage"), tier)
        if not self._started:
            self._start(chunk, tier, bool(choices) or usage is not None, out)
        for at, choice in enumerate(choices):
            index = choice.integer("index")
            index = at if index is None else index
            reader = self._choices.get(index)
            if reader is None:
                if len(self._choices) >= CHOICES_MAX:
                    out.append(self._fault(protocol_fault(f"a stream with more than {CHOICES_MAX} choices")))
                    return
                reader = self._choices[index] = ChoiceReader(index, self._id)
            reader.read(choice, out)
        if usage is not None:
            out.append(UsageReport(usage=usage))
        fault = next((one.fault for one in self._choices.values() if one.fault is not None), None)
        if fault is not None:
            out.append(self._fault(fault))

    def _start(self, chunk: Fields, tier: str | None, now: bool, out: list[StreamEvent]) -> None:
        reply_id, model = chunk.text("id") or "", chunk.text("model") or ""
        created = read_created(chunk)
        self._held |= {name: raw for name, raw in chunk.rest_set().items() if name not in _QUIET}
        if not now:
            if len(self._held) > HELD_MEMBERS_MAX:
                out.append(self._fault(protocol_fault("a stream whose first chunks hold no choices, but much else")))
            return
        self._started = True
        self._id = reply_id
        out.append(
            ReplyStart(
                id=reply_id,
                model=model,
                created_s=created,
                service_tier=tier,
                dialect=NAME,
                extra=self._held,
            )
        )

    def _finish(self, out: list[StreamEvent]) -> None:
        self._ended = True
        if not self._started:
            out.append(protocol_fault("the provider's stream ended before its first event"))
            return
        stops = [choice.close(out) for _, choice in sorted(self._choices.items())]
        out += stops
        out.append(ReplyEnd())


def _decode(data: bytes) -> dict[str, Raw] | None:
    try:
        return decode_mended(_OBJECT.decode, data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
