"""A stream of canonical events put together into the whole reply it stands for, and a reply taken apart into events.

For whoever must see an answer whole although it is streamed: a check on content, a cache, a record of bodies. It
follows the grammar in `core.reply` and nothing else, so it serves every dialect. Pieces are kept as they come and
joined once: it holds what it was fed, and nothing beside. Not here: reading bytes (the dialects' stream readers), and
a bound, which is the caller's to keep by what it feeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import msgspec

from asbru.core.chat import (
    Choice,
    ForeignPart,
    Part,
    Raw,
    RefusalPart,
    StopReason,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import (
    ChatReply,
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
from asbru.dialects.fields import DECODE_ERRORS

_NOTHING_CAME_OUT = MappingProxyType({"output": 0, "reasoning": 0, "audio_output": 0, "image_output": 0})
_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """A reply as far as its stream went.

    `complete`: the provider said that it is whole. `fault`: what it reported instead. `foreign`: what only its own
    dialect understands and did not put together; it is not in `reply`.
    """

    reply: ChatReply
    complete: bool
    fault: StreamFault | None
    foreign: tuple[ForeignEvent | PartDelta, ...]


def assemble(events: Iterable[StreamEvent]) -> Assembled:
    """All of a stream at once."""
    assembler = Assembler()
    assembler.feed(events)
    return assembler.result()


def take_apart(reply: ChatReply) -> list[StreamEvent]:
    """The stream that a reply could have come in: each part in as few events as the grammar allows."""
    usage = reply.usage
    events: list[StreamEvent] = [
        ReplyStart(
            id=reply.id,
            model=reply.model,
            created_s=reply.created_s,
            usage=None if usage is None else msgspec.structs.replace(usage, **_NOTHING_CAME_OUT),
            service_tier=reply.service_tier,
            dialect=reply.dialect,
            extra=reply.extra,
        )
    ]
    for choice in reply.choices:
        logprobs = choice.logprobs
        for index, part in enumerate(choice.parts):
            events += _part_events(index, choice.index, part, logprobs)
            logprobs = None
    for choice in reply.choices:
        events.append(
            ChoiceStop(
                stop=choice.stop or "other",
                choice=choice.index,
                raw_stop=choice.raw_stop,
                stop_sequence=choice.stop_sequence,
                extra=choice.extra,
            )
        )
    if usage is not None:
        events.append(UsageReport(usage=usage))
    events.append(ReplyEnd())
    return events


def _part_events(index: int, choice: int, part: Part, logprobs: Raw | None) -> list[StreamEvent]:
    """A part: its empty form, then what it says."""
    empty, said = _emptied(part)
    if logprobs is not None:
        said.append({"logprobs": logprobs})
    return [
        PartStart(index=index, choice=choice, part=empty),
        *(PartDelta(index=index, choice=choice, **one) for one in said),
        PartStop(index=index, choice=choice, part=part if isinstance(part, ForeignPart) else None),
    ]


def _emptied(part: Part) -> tuple[Part, list[dict[str, Any]]]:
    """The empty form of a part, and what its deltas hold."""
    replace = msgspec.structs.replace
    match part:
        case TextPart():
            citations = () if part.citations is None else _array(part.citations)
            said = [{"text": part.text}] if part.text else []
            empty = replace(part, text="", citations=None, citations_dialect=None)
            return empty, [*said, *({"citation": one} for one in citations)]
        case ThinkingPart():
            said = [{"text": part.text}] if part.text else []
            signed = [] if part.signature is None else [{"signature": part.signature}]
            return replace(part, text="", signature=None), said + signed
        case ToolCallPart():
            return replace(part, arguments=""), [{"text": part.arguments}] if part.arguments else []
        case RefusalPart():
            return RefusalPart(text=""), [{"text": part.text}]
        case _:
            return part, []


class Assembler:
    """Takes a stream as it comes; `result` may be asked at any time."""

    __slots__ = ("_choices", "_complete", "_fault", "_foreign", "_start", "_usage")

    def __init__(self) -> None:
        self._start = ReplyStart(id="", model="")
        self._usage = self._start.usage
        self._choices: dict[int, _Choice] = {}
        self._foreign: list[ForeignEvent] = []
        self._complete = False
        self._fault: StreamFault | None = None

    def feed(self, events: Iterable[StreamEvent]) -> None:
        """More of the stream."""
        for event in events:
            self._take(event)

    def _take(self, event: StreamEvent) -> None:
        match event:
            case PartDelta() | PartStart() | PartStop() | ChoiceStop():
                self._choice(event.choice).take(event)
            case ReplyStart():
                self._start = event
                self._usage = event.usage
            case UsageReport():
                self._usage = event.usage
            case ForeignEvent():
                self._foreign.append(event)
            case ReplyEnd():
                self._complete = True
            case StreamFault():
                self._fault = event
            case _:
                pass

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def result(self) -> Assembled:
        """What the stream has said so far. A choice that has not stopped has no stop reason."""
        start = self._start
        foreign: list[ForeignEvent | PartDelta] = [*self._foreign]
        for _, choice in sorted(self._choices.items()):
            foreign += choice.foreign()
        reply = ChatReply(
            id=start.id,
            model=start.model,
            choices=tuple(choice.whole(index, start.dialect) for index, choice in sorted(self._choices.items())),
            usage=self._usage,
            created_s=start.created_s,
            service_tier=start.service_tier,
            dialect=start.dialect,
            extra=start.extra,
        )
        return Assembled(reply=reply, complete=self._complete, fault=self._fault, foreign=tuple(foreign))


class _Choice:
    """The parts of one choice, and how it stopped."""

    __slots__ = ("_logprobs", "_parts", "_stop")

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._logprobs: list[Raw] = []
        self._stop: ChoiceStop | None = None

    def take(self, event: PartDelta | PartStart | PartStop | ChoiceStop) -> None:
        if isinstance(event, PartStart):
            self._parts[event.index] = _Part(event.part)
        elif isinstance(event, ChoiceStop):
            self._stop = event
        elif isinstance(event, PartDelta) and event.logprobs is not None:
            self._logprobs.append(event.logprobs)  # a choice has them, whichever part its stream tied them to
        else:
            part = self._parts.get(event.index)
            if part is not None:
                part.take(event)

    def foreign(self) -> list[PartDelta]:
        return [delta for _, part in sorted(self._parts.items()) for delta in part.foreign]

    def whole(self, index: int, dialect: str) -> Choice:
        stop = self._stop
        reason: StopReason | None = None if stop is None else stop.stop
        return Choice(
            index=index,
            parts=tuple(part.whole(dialect) for _, part in sorted(self._parts.items())),
            stop=reason,
            raw_stop=None if stop is None else stop.raw_stop,
            stop_sequence=None if stop is None else stop.stop_sequence,
            logprobs=_join_logprobs(self._logprobs),
            extra={} if stop is None else stop.extra,
        )


class _Part:
    """One part: its start, and the pieces that extend it. `foreign`: those that nobody here can add to it."""

    __slots__ = ("_citations", "_part", "_signature", "_texts", "foreign")

    def __init__(self, part: Part) -> None:
        self._part = part
        self._texts: list[str] = []
        self._citations: list[Raw] = []
        self._signature: str | None = None
        self.foreign: list[PartDelta] = []

    def take(self, event: PartDelta | PartStop) -> None:
        if isinstance(event, PartStop):
            if event.part is not None:
                self._part = event.part
                self.foreign.clear()
        elif event.foreign is not None or isinstance(self._part, ForeignPart):
            self.foreign.append(event)
        elif event.text is not None:
            self._texts.append(event.text)
        elif event.signature is not None:
            self._signature = event.signature
        elif event.citation is not None:
            self._citations.append(event.citation)

    def whole(self, dialect: str) -> Part:
        part = self._part
        match part:
            case TextPart():
                part = msgspec.structs.replace(part, text=part.text + "".join(self._texts))
                return self._cited(part, dialect) if self._citations else part
            case ThinkingPart():
                signature = part.signature if self._signature is None else self._signature
                text = part.text + "".join(self._texts)
                return msgspec.structs.replace(part, text=text, signature=signature)
            case ToolCallPart():
                return msgspec.structs.replace(part, arguments=part.arguments + "".join(self._texts))
            case RefusalPart():
                return RefusalPart(text=part.text + "".join(self._texts))
            case _:
                return part

    def _cited(self, part: TextPart, dialect: str) -> TextPart:
        first = [] if part.citations is None else _array(part.citations)
        citations = Raw(_encode([*first, *self._citations]))
        return msgspec.structs.replace(part, citations=citations, citations_dialect=dialect)


def _array(raw: Raw) -> list[Raw]:
    """The items of an array; whatever else a provider put there is one."""
    try:
        return _items(raw)
    except DECODE_ERRORS:
        return [raw]


def _join_logprobs(pieces: list[Raw]) -> Raw | None:
    """The pieces are objects whose arrays go on from piece to piece; of anything else the last value counts."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    joined: dict[str, Raw] = {}
    arrays: dict[str, list[Raw]] = {}
    try:
        for piece in pieces:
            for name, raw in _members(piece).items():
                joined[name] = raw
                if memoryview(raw)[0] == 0x5B:
                    arrays.setdefault(name, []).extend(_items(raw))
    except DECODE_ERRORS:
        return pieces[-1]
    return Raw(_encode({**joined, **arrays}))
