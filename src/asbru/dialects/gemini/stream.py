"""A stream of this API, read into canonical events. Each event is a `GenerateContentResponse` with the next pieces.

    in an event                        becomes
    the first event                    ReplyStart
    a text, or a thought               PartStart, unless one of its kind is open; PartDelta
    a call, a medium, any other part   PartStart, PartDelta for the arguments, PartStop
    a call that `willContinue`         PartStart, PartDelta for each piece of its arguments (`partial_args`); PartStop
                                       after the piece that does not continue, or before any other part
    a signature                        a thought without text before the part that it stands on
    finishReason, blockReason          kept: some servers send one with every event, and text after it
    the end of the body                PartStop for what is open, ChoiceStop
    usageMetadata                      UsageReport, where it says something new
    error                              StreamFault

There is no terminator: the end of the body is the end, if every candidate has ended. Where the connection is lost, the
stream is whole only if the last event both ended a candidate and told the usage, as Google's do.
Writing: `stream_writer.py`.
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra, Part, Raw, TextPart, ThinkingPart, ToolCallPart
from asbru.core.errors import AsbruError
from asbru.core.reply import (
    ChoiceStop,
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
from asbru.dialects.fields import DECODE_ERRORS, NULL, Fields, open_object
from asbru.dialects.gemini.calls import Calls
from asbru.dialects.gemini.errors import read_fault
from asbru.dialects.gemini.partial_args import PartialArguments
from asbru.dialects.gemini.parts import read_part
from asbru.dialects.gemini.response import read_block, read_stop
from asbru.dialects.gemini.streamed_calls import CALL, check_begun, continues, take_piece
from asbru.dialects.gemini.types import NAME, REFUSE_REPLY, in_camel, listed, stop_word
from asbru.dialects.gemini.usage import has_fees, read_usage
from asbru.wire.errors import FramingError
from asbru.wire.sse import COMMENT, SseEvent, SseReader


class _Candidate:
    """One choice: what is open in it, and what is known of it besides."""

    __slots__ = ("arguments", "called", "calls", "extra", "index", "next", "open", "refused", "word")

    def __init__(self, index: int, reply_id: str) -> None:
        self.index = index
        self.arguments: PartialArguments | None = None  # of the call that is open
        self.calls = Calls(reply_id)
        self.called = False
        self.extra: Extra = {}
        self.next = 0
        self.open: TextPart | ThinkingPart | None = None
        self.word: str | None = None  # why it ends
        self.refused = False  # before it began

    def read(self, part: Fields, raw: Raw, out: list[StreamEvent]) -> None:
        """A part as it came."""
        piece = take_piece(part)
        if piece is None or CALL in part:
            self.stop_call(out)
            for one in read_part(part, raw, self.calls):
                self.take(one, out, begins=piece is not None)
        if piece is None:
            return
        if self.arguments is None:
            check_begun(piece)
            return
        text = self.arguments.take(piece)
        if text:
            out.append(PartDelta(index=self.next - 1, choice=self.index, text=text))
        if not continues(piece):
            self.stop_call(out)

    def take(self, part: Part, out: list[StreamEvent], *, begins: bool = False) -> None:
        """A whole part, or a piece of text or thinking. `begins`: a call's arguments come in pieces."""
        if isinstance(part, (TextPart, ThinkingPart)):
            self._say(part, out)
            return
        self.stop_open(out)
        if isinstance(part, ToolCallPart):
            self.called = True
            self._start(msgspec.structs.replace(part, arguments=""), out)
            if begins:
                self.arguments = PartialArguments()
                return
            if part.arguments:
                out.append(PartDelta(index=self.next - 1, choice=self.index, text=part.arguments))
        else:
            self._start(part, out)
        out.append(PartStop(index=self.next - 1, choice=self.index))

    def _say(self, part: TextPart | ThinkingPart, out: list[StreamEvent]) -> None:
        """A piece of text or of a thought. One that is signed is complete."""
        signature = part.signature if isinstance(part, ThinkingPart) else None
        goes_on = not part.extra and self._goes_on(part, signature)
        if not goes_on:
            if not part.text and signature is None and not part.extra and isinstance(part, TextPart) and self.next:
                return  # the empty text of a last event
            self.stop_open(out)
            begun = msgspec.structs.replace(part, text="")
            if isinstance(begun, ThinkingPart):
                begun = msgspec.structs.replace(begun, signature=None)
            self._start(begun, out)
            self.open = begun
        if part.text:
            out.append(PartDelta(index=self.next - 1, choice=self.index, text=part.text))
        if signature is not None:
            out.append(PartDelta(index=self.next - 1, choice=self.index, signature=signature))
            self.stop_open(out)

    def _goes_on(self, part: TextPart | ThinkingPart, signature: str | None) -> bool:
        """Whether it belongs to what is open. Thinking of another dialect is announced, and signed at its end."""
        opened = self.open
        if isinstance(opened, ThinkingPart) and isinstance(part, ThinkingPart):
            return part.dialect == opened.dialect != NAME or (part.dialect == NAME and signature is None)
        return type(opened) is type(part)

    def _start(self, part: Part, out: list[StreamEvent]) -> None:
        out.append(PartStart(index=self.next, choice=self.index, part=part))
        self.next += 1

    def stop(self) -> ChoiceStop:
        """Why it ends."""
        word = self.word or ""
        reason = "refusal" if self.refused else read_stop(word, called=self.called)
        return ChoiceStop(stop=reason, choice=self.index, raw_stop=word, extra=self.extra)

    def stop_call(self, out: list[StreamEvent], *, whole: bool = True) -> None:
        """The end of a call whose arguments come in pieces. One that is not `whole` was cut: its arguments must not
        look as if they were all."""
        if self.arguments is not None:
            if whole:
                out.append(PartDelta(index=self.next - 1, choice=self.index, text=self.arguments.end()))
            out.append(PartStop(index=self.next - 1, choice=self.index))
            self.arguments = None

    def stop_open(self, out: list[StreamEvent]) -> None:
        if self.open is not None:
            out.append(PartStop(index=self.next - 1, choice=self.index))
            self.open = None


class GeminiStreamReader:
    """Bytes to events; see the table."""

    __slots__ = ("_candidates", "_fees", "_reply_id", "_sse", "_started", "_sure", "_usage", "done")

    def __init__(self) -> None:
        self._sse = SseReader(comments=True)
        self._candidates: dict[int, _Candidate] = {}
        self._fees = False
        self._reply_id = ""
        self._started = False
        self._sure = False  # the last event ended a candidate and told the usage
        self._usage: Usage | None = None
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
        """The end of the body. A last event that only lacks its blank line still counts, half an event does not."""
        if self.done:
            return []
        events: list[StreamEvent] = []
        if self._sse.close():
            before = self._sure
            events = self.feed(b"\n\n")
            if any(isinstance(event, StreamFault) and event.type == "protocol_error" for event in events):
                return []
            clean = clean or (self._sure and not before)
        if self.done:
            return events
        candidates = [one for _, one in sorted(self._candidates.items())]
        ended = bool(candidates) and all(one.word is not None for one in candidates)
        if ended and (clean or self._sure):
            self.done = True
            for candidate in candidates:
                candidate.stop_call(events, whole=candidate.word == "STOP")
                candidate.stop_open(events)
            events += [candidate.stop() for candidate in candidates]
            events.append(ReplyEnd())
        return events

    def _garbage(self, message: str) -> StreamFault:
        self.done = True
        return StreamFault(message=message, type="protocol_error")

    def _take(self, wire: SseEvent, out: list[StreamEvent]) -> None:
        if wire is COMMENT:
            out.append(Ping())
            return
        fault = read_fault(wire.data)
        if fault is not None:
            self.done = True
            out.append(fault)
            return
        event = open_object(wire.data, "", REFUSE_REPLY)
        self._fees = self._fees or has_fees(wire.data)
        told = event.raw("usageMetadata")
        usage = read_usage(told, fees=self._fees)
        candidates = [event.as_object(raw, "candidates") for raw in event.items("candidates") or ()]
        blocked = read_block(event)
        self._start(event, out)
        ended = [self._candidate(candidate, at, out) for at, candidate in enumerate(candidates)]
        if blocked is not None and not self._candidates:
            first = self._of(0)
            first.word, first.refused = blocked, True
            ended.append(True)
        if usage is not None and usage != self._usage:
            self._usage = usage
            out.append(UsageReport(usage=usage))
        self._sure = told is not None and any(ended)

    def _start(self, event: Fields, out: list[StreamEvent]) -> None:
        reply_id, model = event.text("responseId") or "", event.text("modelVersion") or ""
        if self._started:
            return
        self._started = True
        self._reply_id = reply_id
        out.append(ReplyStart(id=reply_id, model=model, dialect=NAME, extra=event.rest_set()))

    def _of(self, index: int) -> _Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = _Candidate(index, self._reply_id)
        return found

    def _candidate(self, candidate: Fields, at: int, out: list[StreamEvent]) -> bool:
        """One candidate of an event; whether it ends."""
        index, word = candidate.integer("index"), stop_word(candidate.raw("finishReason"))
        found = self._of(at if index is None else index)
        content = candidate.child("content")
        if content is not None:
            content = in_camel(content)
            for raw in listed(content, "parts"):
                if raw == NULL:
                    continue
                found.read(in_camel(content.as_object(raw, "parts")), raw, out)
        found.extra = {**found.extra, **candidate.rest_set()}
        if word is not None:
            found.word = word
        return word is not None
