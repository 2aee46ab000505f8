"""Conversations that another provider began: what to do where the target refuses what was said earlier.

    400: thinking that it has not signed     once more, without the thinking of earlier turns
    400: thinking that is missing            once more, with what the target accepts in its place (`Traits`); where it
                                             accepts nothing, without asking for thinking

Only the provider can tell whose a signature is, so that it is asked first. `Errors.foreign_thinking` and
`missing_thinking` have each dialect's way of saying no. Whatever is left out is noted.
"""

from __future__ import annotations

from enum import IntFlag

import msgspec

from asbru.core.chat import ChatRequest, Message, RedactedThinkingPart, ThinkingPart
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.pipeline.call import Attempt, Call

_REFUSED = 400


class History(IntFlag):
    """How a request that goes once more is written: anew, with stand-ins; without earlier thinking; without a wish for
    thinking. 0: as any other."""

    REWRITTEN = 1
    UNTHOUGHT = 2
    UNASKED = 4


def next_history(call: Call, made: Attempt, error: AsbruError) -> int | None:
    """How the next try is written; None where that would change nothing."""
    if not isinstance(error, UpstreamError) or error.kind != "status" or error.status != _REFUSED:
        return None
    if call.operation.codec is None:
        return None
    errors, said = made.endpoint.dialect.errors, f"{error.code} {error.message}".lower()
    if any(words in said for words in errors.foreign_thinking):
        step = History.UNTHOUGHT
    elif any(words in said for words in errors.missing_thinking):
        traits = made.traits
        step = History.REWRITTEN if traits.call_signature or traits.reasoning_stand_in else History.UNASKED
    else:
        return None
    following = made.history | step
    return following if following != made.history else None


def write_history(request: ChatRequest, history: int) -> tuple[ChatRequest, tuple[Note, ...]]:
    """The request as it goes once more, and what it lost."""
    notes: list[Note] = []
    if history & History.UNTHOUGHT:
        kept = tuple(one for message in request.messages if (one := _without_thinking(message)) is not None)
        request = msgspec.structs.replace(request, messages=kept)
        notes.append(Note("dropped", "messages.thinking", "the provider refused the thinking of earlier turns"))
    if history & History.UNASKED and request.reasoning is not None:
        request = msgspec.structs.replace(request, reasoning=None)
        notes.append(Note("dropped", "reasoning", "the turn's own thinking is not at hand"))
    return request, tuple(notes)


def _without_thinking(message: Message) -> Message | None:
    parts = tuple(part for part in message.parts if not isinstance(part, ThinkingPart | RedactedThinkingPart))
    if len(parts) == len(message.parts):
        return message
    return msgspec.structs.replace(message, parts=parts) if parts else None
