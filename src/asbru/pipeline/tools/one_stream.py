"""The one stream that a caller gets of all turns of an agent loop.

of each turn         the parts go on as they come, with indexes that go on counting; calls that Asbru makes do not
of the first         the beginning
of the last          the end, with the sum of the usage and the member that tells of the loop
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from asbru.core.chat import ToolCallPart
from asbru.core.reply import (
    ChatReply,
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.dialects import assemble
from asbru.pipeline.deliver import with_member_in_event
from asbru.pipeline.tools.executed import ERROR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asbru.core.chat import Part
    from asbru.core.errors import AsbruError
    from asbru.dialects import StreamWriter
    from asbru.pipeline.call import Call
    from asbru.pipeline.tools.executed import Executed

_replace: Final = msgspec.structs.replace


class OneStream:
    """See the module. `is_made(part)`: whether Asbru makes the call."""

    def __init__(self, call: Call, executed: Executed, is_made: Callable[[Part], bool]) -> None:
        self._call = call
        self._executed = executed
        self._is_made = is_made
        self._writer: StreamWriter | None = None
        self._events: list[StreamEvent] = []
        self._places: dict[int, int] = {}
        self._next = 0
        self._tail: list[StreamEvent] = []

    def writer(self, made: StreamWriter) -> StreamWriter:
        """What writes it: what was `made` for the first turn."""
        if self._writer is None:
            self._writer = made
        return self._writer

    def pass_events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """What of a turn's events the caller gets at once: all but its end, and the calls that Asbru makes."""
        self._events += events
        return [going for event in events for going in self._passed(event)]

    def begin_turn(self) -> None:
        """Another turn follows."""
        self._events, self._tail, self._places = [], [], {}

    def reply(self) -> ChatReply:
        """What the turn has come to."""
        return assemble.assemble(self._events).reply

    def end(self, stopped: str) -> None:
        """The end of the stream, as the last turn told it."""
        usage = self._executed.usage
        tail = [
            _replace(event, usage=usage) if isinstance(event, UsageReport) and usage is not None else event
            for event in self._tail
        ]
        assert self._writer is not None, "a stream was written"
        data = self._writer.write(tail)
        if self._is_text and (self._executed or stopped):
            data = with_member_in_event(data, self._executed.member(stopped))
        self._call.response.write(data)

    def fail(self, error: AsbruError) -> None:
        """The end of the stream after tools were called: with the error, and what they came to. A stream that is not
        text has it in the error's words alone."""
        assert self._writer is not None, "a stream was written"
        member = self._executed.member(ERROR)
        words = error.message if self._is_text else f"{error.message} ({self._executed.in_words()})"
        data = self._writer.write([StreamFault(message=words, type=error.type, code=error.code, status=error.status)])
        self._call.response.write(with_member_in_event(data, member) if self._is_text else data)
        self._call.response.end()

    @property
    def _is_text(self) -> bool:
        return self._call.dialect.framing.media_type.startswith(b"text/")

    def _passed(self, event: StreamEvent) -> Sequence[StreamEvent]:
        match event:
            case ReplyStart():
                return [event] if self._executed.turns == 0 else ()
            case PartStart(part=ToolCallPart() as part) if self._is_made(part):
                return ()
            case PartStart():
                self._places[event.index] = place = self._next
                self._next += 1
                return [_replace(event, index=place)]
            case PartDelta() | PartStop():
                place = self._places.get(event.index, -1)
                return [_replace(event, index=place)] if place >= 0 else ()
            case ChoiceStop() | ReplyEnd() | UsageReport():
                self._tail.append(event)
                return ()
            case StreamFault() if self._executed:
                return ()  # `fail` tells it
            case _:
                return [event]
