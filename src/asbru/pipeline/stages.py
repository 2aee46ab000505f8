"""Stages: what looks at the content of a call, or changes it. Guardrails and recorders of bodies are stages.

A `StageMaker` decides for each call whether it has something to do there, and makes a `Stage` for it. Where there are
no makers, or none has anything to do, the path goes its usual way and pays for nothing.

    stage.replies   the response
    "ignored"       goes as it would without the stage
    "watched"       goes as it would without the stage; a copy is read for it, events after the caller has them
    "changed"       is read, given to the stage and written anew, in every dialect, whole or streamed

Stages see canonical form: requests, replies and stream events. Of operations without one (`Operation.codec` is None)
they see the texts of the request, and of the reply (`Operation.spoken`) as parts of its one choice; a reply that holds
a model's words and cannot be read is refused to a call whose stages must see it, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError, BadRequest
from asbru.core.reply import ChatReply, StreamEvent
from asbru.pipeline.stepper import within
from asbru.wire.multipart import Form, FormError, read_form

if TYPE_CHECKING:
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms

STAGE_DEADLINE_S = 60.0
"""How long a stage may take with a request or a whole reply. In a stream it is the provider's `idle_s`, each time."""

Replies: TypeAlias = Literal["ignored", "watched", "changed"]
ToolPlace: TypeAlias = Literal["tool_arguments", "tool_results"]


class Stage:
    """The base: does nothing. What may wait awaits nothing but `Future`s (`stepper.in_task`), each under a deadline of
    the stage's own, or of ours; a stage that raises an `AsbruError` ends the call with it.

    `sees_tools`: it sees calls of tools, by `tool_texts`; calls of tools are refused to a stage that does not.
    `pulls`: its `pull` is called in place of `events`, so that it may wait.
    `version`: of all that decides how it acts; calls share replies of the cache only if it is the same.
    """

    replies: Replies = "ignored"
    sees_tools = False
    pulls = False
    version = ""

    async def request(self, request: ChatRequest) -> ChatRequest:
        """What is sent in place of `request`; the same object when nothing changes."""
        return request

    async def texts(self, texts: Sequence[str]) -> Sequence[str]:
        """The same for an operation without canonical form: as many texts as there were."""
        return texts

    async def tool_texts(self, place: ToolPlace, texts: Sequence[str]) -> Sequence[str]:
        """The same for what a call of a tool sends, and what comes of it; a call of a tool may have several of both."""
        del place
        return texts

    def refuses_data(self, place: ToolPlace) -> bool:
        """Whether a call of a tool ends where there is data that cannot be read."""
        del place
        return False

    async def reply(self, reply: ChatReply) -> ChatReply:
        """What the caller gets in place of a whole `reply`. A watching stage returns what it was given."""
        return reply

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """What the caller gets in place of `events`. May hold some back, and give them later; the last chance is the
        `PartStop` of their part. The grammar of `core.reply` must still hold. A watching stage's result is ignored."""
        return events

    def again(self) -> None:
        """Another reply follows in the same call, from its beginning."""

    async def pull(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """`events`, for a stage that waits. Meanwhile the provider is read no further than a bound."""
        return self.events(events)


StageMaker: TypeAlias = "Callable[[Call], Stage | None]"
"""The stage for a call, or None. Sees who calls, the head and the body."""


async def look_at_request(call: Call, rooms: Rooms) -> None:
    """Make the stages of a call and let each see, and change, what is asked."""
    call.stages = stages = tuple(stage for make in rooms.stages if (stage := make(call)) is not None)
    if not stages:
        return
    operation = call.operation
    unread = operation.codec is None and operation.spoken is None and operation.speaks
    if unread and any(stage.replies != "ignored" for stage in stages):
        raise BadRequest(
            f"replies of {operation.words} cannot be checked, but a rule requires it; use the chat operation instead",
            code="unchecked_operation",
        )
    if operation.codec is not None or operation.read_request is not None:
        before = request = call.read_canonical()
        for stage in stages:
            request = await within(rooms.loop, stage.request(request), STAGE_DEADLINE_S)
        call.canonical = request
        call.request_changed = request is not before
    elif call.head is not None and call.head.form is not None:
        await _look_at_form(call, call.head.form, rooms)
    elif operation.texts is not None:
        given = texts = operation.texts.read(call.body)
        for stage in stages:
            texts = await within(rooms.loop, stage.texts(texts), STAGE_DEADLINE_S)
        if tuple(texts) != given:
            call.body = operation.texts.write(call.body, texts)
            call.head = operation.read_head(call.body, call.parameters, call.query)


async def _look_at_form(call: Call, form: Form, rooms: Rooms) -> None:
    """The texts of a form: the fields that the operation says hold some."""
    parts = form.named(*call.operation.form_texts)
    read = call.operation.read_form
    assert read is not None
    try:
        given = texts = tuple(form.text(call.body, part) for part in parts)
        for stage in call.stages:
            texts = await within(rooms.loop, stage.texts(texts), STAGE_DEADLINE_S)
        if tuple(texts) != given:
            call.body = b"".join(form.pieces(call.body, dict(zip(parts, texts, strict=True))))
            call.head = read(read_form(call.body, form.content_type), call.body)
    except FormError as error:
        raise BadRequest(f"the form's texts cannot be checked: {error}", code="invalid_form") from None


def check_unseen(call: Call, rooms: Rooms) -> None:
    """Raise `BadRequest` where a stage takes part in a call whose content no stage can see."""
    if any(make(call) is not None for make in rooms.stages):
        raise BadRequest(
            f"{call.operation.words} cannot be checked, but a rule requires it; use an operation that can be, or allow "
            "this one in the rule",
            code="unchecked_operation",
        )


async def through_stages(call: Call, rooms: Rooms, reply: ChatReply) -> ChatReply:
    """What the stages make of a whole reply; those that watch see what the caller will get."""
    try:
        for stage in changing(call):
            reply = await within(rooms.loop, stage.reply(reply), STAGE_DEADLINE_S)
        for stage in watching(call):
            await within(rooms.loop, stage.reply(reply), STAGE_DEADLINE_S)
    except AsbruError as error:
        error.by_stage = True
        raise
    return reply


def watching(call: Call) -> tuple[Stage, ...]:
    """The stages that are shown the response without a word in it."""
    return _with(call, "watched")


def changing(call: Call) -> tuple[Stage, ...]:
    """The stages that the response goes through."""
    return _with(call, "changed")


def _with(call: Call, replies: Replies) -> tuple[Stage, ...]:
    if call.operation.codec is None and call.operation.spoken is None:
        return ()
    return tuple(stage for stage in call.stages if stage.replies == replies)
