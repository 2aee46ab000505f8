"""Translated answers: completed with what the caller's dialect has and the provider's did not tell."""

from __future__ import annotations

from asbru.core.chat import Choice, TextPart, ToolCallPart
from asbru.core.reply import ChatReply, PartDelta, PartStart, ReplyStart
from asbru.pipeline.completing import Completing

CALL = ToolCallPart(id="c", name="written", arguments="")


def test_a_reply_gets_what_it_lacks() -> None:
    """A time and an id where none was told, and the caller's names of tools."""
    reply = ChatReply(id="", model="m", choices=(Choice(index=0, parts=(TextPart(text="t"), CALL), stop="stop"),))
    done = Completing({"written": "own"}, 7, "asbru-1").reply(reply)
    assert (done.id, done.created_s) == ("asbru-1", 7)
    call = done.choices[0].parts[1]
    assert isinstance(call, ToolCallPart)
    assert call.name == "own"


def test_what_was_told_stands() -> None:
    """The provider's own id and time are kept."""
    done = Completing({}, 7, "asbru-1").reply(ChatReply(id="x", model="m", choices=(), created_s=3))
    assert (done.id, done.created_s) == ("x", 3)


def test_a_stream_is_completed_event_by_event() -> None:
    """The same of a stream; all other events are let through."""
    completing = Completing({"written": "own"}, 7, "asbru-1")
    delta = PartDelta(index=0, text="t")
    start, part, after = completing.events([ReplyStart(id="", model="m"), PartStart(index=0, part=CALL), delta])
    assert isinstance(start, ReplyStart)
    assert (start.id, start.created_s) == ("asbru-1", 7)
    assert isinstance(part, PartStart)
    assert isinstance(part.part, ToolCallPart)
    assert part.part.name == "own"
    assert after is delta


def test_a_begun_stream_without_names_costs_nothing() -> None:
    """Once the reply has started, the very list goes on."""
    completing = Completing({}, 7, "asbru-1")
    completing.events([ReplyStart(id="", model="m")])
    events = [PartDelta(index=0, text="t")]
    assert completing.events([*events]) == events
    assert completing.events(events) is events  # pyright: ignore[reportArgumentType] -- a list of one kind of event
