"""Conversations that another provider began: what to do where the target refuses what was said earlier.

    400: thinking that it has not signed     once more, without the thinking of earlier turns
    400: thinking that is missing            once more, with what the target accepts in its place (`Traits`); where it
                                             accepts nothing, without asking for thinking

Only the provider can tell whose a signature is, so that it is asked first. `Errors.foreign_thinking` and
`missing_thinking` have each dialect's way of saying no. Whatever is left out is noted.

What a model has refused is remembered while the snapshot is served: the next call of the conversation leaves out the
same thinking, and no other, at once. So what was sent before is sent again byte for byte, and thinking that the model
has signed since stays, whose signature covers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import IntFlag

import msgspec

from asbru.core.chat import (
    ChatRequest,
    Message,
    RedactedThinkingPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import Note
from asbru.pipeline.call import Attempt, Call

_REFUSED = 400


class History(IntFlag):
    """How a request that goes once more is written: anew, with stand-ins; without earlier thinking; without a wish for
    thinking; without the earlier thinking that the model is known to refuse. 0: as any other."""

    REWRITTEN = 1
    UNTHOUGHT = 2
    UNASKED = 4
    PRUNED = 8


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


def remember(call: Call, made: Attempt) -> None:
    """A try was answered that was written as none before it: what it lacked is what the model had refused."""
    route, model, history = made.target.provider, made.served_model, made.history
    request = call.read_canonical()
    if history & History.UNTHOUGHT:
        for digest in _thoughts(request):
            route.remember_refusal(model, digest, History.PRUNED)
    sent = _pruned(request, history, route.refused_history, model)
    for flag in (History.REWRITTEN, History.UNASKED):
        if history & flag:
            for digest in _thoughtless(sent, flag):
                route.remember_refusal(model, digest, flag)


def known_history(call: Call, made: Attempt) -> int:
    """How the first try is written, by what the model has refused of this conversation before."""
    refused, model = made.target.provider.refused_history, made.served_model
    if call.operation.codec is None:
        return 0
    try:
        request = call.read_canonical()
    except AsbruError:
        return 0  # which its provider may read all the same
    history = 0
    if any((model, digest) in refused for digest in _thoughts(request)):
        history = History.PRUNED
        request = _pruned(request, history, refused, model)
    for flag in (History.REWRITTEN, History.UNASKED):
        if any(refused.get((model, digest), 0) & flag for digest in _thoughtless(request, flag)):
            history |= flag
    return history


def _thoughts(request: ChatRequest) -> Iterator[int]:
    """What each earlier thinking is known by."""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ThinkingPart | RedactedThinkingPart):
                yield _digest(part)


def _digest(part: ThinkingPart | RedactedThinkingPart) -> int:
    return hash((part.signature, part.text) if isinstance(part, ThinkingPart) else part.data)


def _thoughtless(request: ChatRequest, flag: History) -> Iterator[int]:
    """What the model's earlier turns without thinking are known by; for `UNASKED`, of the present turn alone, while it
    goes on with the results of its tools."""
    unasked = flag is History.UNASKED
    for message in reversed(request.messages):
        if unasked and message.role == "user" and not all(isinstance(part, ToolResultPart) for part in message.parts):
            return
        if message.role != "assistant" or any(isinstance(part, ThinkingPart) for part in message.parts):
            continue
        calls = tuple(part.id for part in message.parts if isinstance(part, ToolCallPart))
        if calls or not unasked:
            yield hash((calls, *(part.text for part in message.parts if isinstance(part, TextPart))))


def write_history(
    request: ChatRequest, history: int, refused: Mapping[tuple[str, int], int], model: str
) -> tuple[ChatRequest, tuple[Note, ...]]:
    """The request as it goes once more, or at once by what was `refused` before, and what it lost."""
    notes: list[Note] = []
    if history & (History.UNTHOUGHT | History.PRUNED):
        request = _pruned(request, history, refused, model)
        notes.append(Note("dropped", "messages.thinking", "the provider refused the thinking of earlier turns"))
    if history & History.UNASKED and request.reasoning is not None:
        request = msgspec.structs.replace(request, reasoning=None)
        notes.append(Note("dropped", "reasoning", "the turn's own thinking is not at hand"))
    return request, tuple(notes)


def _pruned(request: ChatRequest, history: int, refused: Mapping[tuple[str, int], int], model: str) -> ChatRequest:
    """The request without the thinking that goes: all of it, or what the model is known to refuse."""
    if history & History.UNTHOUGHT:
        goes: Callable[[int], bool] = lambda digest: True  # noqa: E731 -- one of two
    elif history & History.PRUNED:
        goes = lambda digest: (model, digest) in refused  # noqa: E731 -- the other
    else:
        return request
    kept = (_without_thinking(message, goes) for message in request.messages)
    return msgspec.structs.replace(request, messages=tuple(one for one in kept if one is not None))


def _without_thinking(message: Message, goes: Callable[[int], bool]) -> Message | None:
    parts = tuple(
        part
        for part in message.parts
        if not isinstance(part, ThinkingPart | RedactedThinkingPart) or not goes(_digest(part))
    )
    if len(parts) == len(message.parts):
        return message
    return msgspec.structs.replace(message, parts=parts) if parts else None
