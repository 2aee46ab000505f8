"""What a translated answer needs beside what the provider said: the caller's own tools, a time, an id, a model.

Some dialects tell no time of creation or no model, and some providers send no id; callers of others rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from asbru.core.chat import Part, StandIn, ToolCallPart
from asbru.core.reply import ChatReply, PartStart, ReplyStart, StreamEvent
from asbru.pipeline.stand_ins import OwnCalls, own_call
from asbru.pipeline.tool_names import restored

_NO_STAND_INS: Mapping[str, StandIn] = {}


class Completing:
    """`names`: of tools, as they were written to the provider, and the caller's own. `created_s`, `reply_id`, `model`:
    what stands where the provider told none. `stand_ins`: functions that were offered in place of the caller's
    tools."""

    __slots__ = ("_created_s", "_model", "_names", "_own_calls", "_reply_id", "_stand_ins", "_started")

    def __init__(
        self,
        names: Mapping[str, str],
        created_s: int,
        reply_id: str,
        model: str = "",
        *,
        stand_ins: Mapping[str, StandIn] = _NO_STAND_INS,
    ) -> None:
        self._names = names
        self._stand_ins = stand_ins
        self._own_calls = OwnCalls(stand_ins)
        self._created_s = created_s
        self._reply_id = reply_id
        self._model = model
        self._started = False

    def reply(self, reply: ChatReply) -> ChatReply:
        """A whole answer, completed."""
        choices = reply.choices
        if self._names or self._stand_ins:
            choices = tuple(
                msgspec.structs.replace(choice, parts=tuple(self._own(part) for part in choice.parts))
                for choice in choices
            )
        return msgspec.structs.replace(
            reply,
            id=reply.id or self._reply_id,
            model=reply.model or self._model,
            created_s=reply.created_s or self._created_s,
            choices=choices,
        )

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """Events of a stream, in order, completed."""
        if self._started and not self._names and not self._stand_ins:
            return events
        named = [self._event(event) for event in events]
        if not self._stand_ins:
            return named
        return [own for event in named for own in self._own_calls.take(event)]

    def _own(self, part: Part) -> Part:
        part = restored(part, self._names)
        if isinstance(part, ToolCallPart) and part.name in self._stand_ins:
            return own_call(part, self._stand_ins[part.name])
        return part

    def _event(self, event: StreamEvent) -> StreamEvent:
        if isinstance(event, ReplyStart):
            self._started = True
            return msgspec.structs.replace(
                event,
                id=event.id or self._reply_id,
                model=event.model or self._model,
                created_s=event.created_s or self._created_s,
            )
        if isinstance(event, PartStart) and self._names:
            return msgspec.structs.replace(event, part=restored(event.part, self._names))
        return event
