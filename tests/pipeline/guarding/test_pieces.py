"""Texts of which only a dialect knows how they go together: judged across their pieces."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from tests.pipeline.guarding.canaries import now, stage, through

from asbru.core.chat import ChatRequest, Message, TextPart
from asbru.core.reply import ChoiceStop, ForeignEvent, ReplyEnd, ReplyStart, StreamEvent


def audio(*said: str) -> list[StreamEvent]:
    """A stream of which only its dialect knows what it says, in pieces."""
    deltas = [{"index": 0, "delta": {"audio": {"id": "a", "transcript": one, "data": "aGk="}}} for one in said]
    return [
        ReplyStart(id="c", model="m"),
        *(ForeignEvent(dialect="openai_chat", event="delta", data=msgspec.json.encode(one)) for one in deltas),
        ChoiceStop(stop="stop"),
        ReplyEnd(),
    ]


def transcript(events: Sequence[StreamEvent]) -> str:
    """What such a stream says."""
    read = [msgspec.json.decode(event.data) for event in events if isinstance(event, ForeignEvent)]
    return "".join(one["delta"]["audio"]["transcript"] for one in read)


TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize("at", range(1, len(TOKEN)))
def test_a_secret_in_foreign_events_is_whole_wherever_it_is_cut(at: int) -> None:
    """No piece of it goes; what cannot belong to one is not held."""
    one = stage(checks=["secrets"], action="redact")
    said = audio("It is ", f"x {TOKEN[:at]}", f"{TOKEN[at:]} .", "More")
    going = [one.events([event]) for event in said]
    assert [len(events) for events in going[1:3]] == [1, 0]
    assert transcript([event for events in going for event in events]) == "It is x [GITHUB_TOKEN] .More"


def test_placeholders_in_foreign_events_come_back() -> None:
    """Cut or whole."""
    one = stage(checks=["secrets"], action="redact", **{"with": "placeholder"})
    asked = ChatRequest(model="m", messages=(Message(role="user", parts=(TextPart(text=TOKEN),)),))
    (part,) = now(one.request(asked)).messages[0].parts
    assert TOKEN not in part.text
    assert transcript(through(one, audio("a ", part.text[:7], f"{part.text[7:]} b [", "x]"))) == f"a {TOKEN} b [x]"


def test_a_waiting_event_is_not_lost_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come: they go on, judged as far as they came."""
    monkeypatch.setattr("asbru.pipeline.guarding.pieces.WAITING_BYTES_MAX", 1000)
    one = stage(hold=True, action="redact")
    going = [one.events([event]) for event in audio(*["word "] * 100, "canary")]
    assert max(len(events) for events in going) < 20
    assert transcript([event for events in going for event in events]) == "word " * 100 + "[BIRD]"
