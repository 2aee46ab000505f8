"""Earlier turns that a provider refuses: the call goes once more without what it refused, and says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.core.traits import Traits

MESSAGE = (
    b'{"id":"m","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"ok"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}'
)
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
ASK: dict[str, Any] = {
    "model": "a/m",
    "max_tokens": 4096,
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [THOUGHT, CALL]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r"}]},
    ],
}
PATH = "/anthropic/v1/messages"


def refusal(message: str) -> bytes:
    """A refusal as Anthropic sends it."""
    error = {"type": "invalid_request_error", "message": message}
    return answer(400, json.dumps({"type": "error", "error": error}).encode())


FOREIGN = refusal("messages.1.content.0: Invalid `signature` in `thinking` block")
MISSING = refusal("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with a provider of each dialect: o and a."""
    deep = provider("o", traits=Traits(reasoning_stand_in=" "))
    return Inside(Snapshot(providers=(deep, provider("a", "anthropic_messages"))), monkeypatch)


def bodies(inside: Inside) -> list[Any]:
    """What was sent, request by request."""
    return [json.loads(data.partition(b"\r\n\r\n")[2]) for _, data in inside.requests]


def test_thinking_that_another_signed_is_left_out(inside: Inside) -> None:
    """Then what is missing is not asked for; each step is tried once, and noted."""
    inside.script("a", FOREIGN, MISSING, answer(200, MESSAGE))
    caller = inside.call(PATH, ASK)
    assert caller.status == 200
    first, second, third = bodies(inside)
    assert first["messages"][1]["content"] == [THOUGHT, CALL]
    assert second["messages"][1]["content"] == third["messages"][1]["content"] == [CALL]
    assert ["thinking" in body for body in (first, second, third)] == [True, True, False]
    notes = caller.header(b"x-asbru-notes") or b""
    assert b"dropped messages.thinking" in notes and b"dropped reasoning" in notes


@pytest.mark.parametrize("said", [FOREIGN, MISSING])
def test_a_step_is_tried_once(inside: Inside, said: bytes) -> None:
    """A provider that refuses again is believed, and its words reach the caller."""
    inside.script("a", said, said, answer(200, MESSAGE))
    caller = inside.call(PATH, ASK)
    assert (caller.status, len(inside.requests)) == (400, 2)


def test_other_refusals_are_the_callers(inside: Inside) -> None:
    """What is not about earlier thinking is not tried again."""
    inside.script("a", refusal("max_tokens: Field required"), answer(200, MESSAGE))
    assert (inside.call(PATH, ASK).status, len(inside.requests)) == (400, 1)


def test_a_stand_in_where_the_model_takes_one(inside: Inside) -> None:
    """A model that wants its reasoning back gets the text that it accepts for a reply that another model made."""
    words = "The `reasoning_content` in the thinking mode must be passed back to the API."
    chat = (
        b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
        b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
        b'"total_tokens":5}}'
    )
    inside.script("o", answer(400, json.dumps({"error": {"message": words}}).encode()), answer(200, chat))
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "b"},
    ]
    assert inside.call("/v1/chat/completions", {"model": "o/m", "messages": turns}).status == 200
    first, second = (body["messages"] for body in bodies(inside))
    assert first == turns
    assert second == [turns[0], {**turns[1], "reasoning_content": " "}, turns[2]]


OWN = {"type": "thinking", "thinking": "mine", "signature": "b3du"}


def going_on(*turns: dict[str, Any]) -> dict[str, Any]:
    """The same conversation with more turns."""
    return {**ASK, "messages": [*ASK["messages"], *turns]}


def test_the_second_call_does_it_right_at_once(inside: Inside) -> None:
    """What was refused is left out again, and no more: thinking that the model has signed since goes back to it, and
    what comes before that is byte for byte what was sent before."""
    inside.script("a", FOREIGN, *[answer(200, MESSAGE)] * 3)
    inside.call(PATH, ASK)
    more = going_on(
        {"role": "assistant", "content": [OWN, {"type": "text", "text": "ok"}]}, {"role": "user", "content": "b"}
    )
    caller = inside.call(PATH, more)
    assert caller.status == 200 and b"dropped messages.thinking" in (caller.header(b"x-asbru-notes") or b"")
    _, accepted, second = bodies(inside)
    assert second["messages"][:3] == accepted["messages"]
    assert second["messages"][3]["content"] == more["messages"][3]["content"]
    inside.call(PATH, {**ASK, "model": "a/other"})
    assert bodies(inside)[-1]["messages"][1]["content"] == [THOUGHT, CALL], "what one model refuses, another may take"


def test_what_is_refused_again_is_left_out_whole(inside: Inside) -> None:
    """Thinking that was signed in the meantime, too, where the model says no to it."""
    inside.script("a", FOREIGN, answer(200, MESSAGE), FOREIGN, *[answer(200, MESSAGE)] * 2)
    inside.call(PATH, ASK)
    more = going_on({"role": "assistant", "content": [OWN, CALL]}, ASK["messages"][2])
    for _ in range(2):
        assert inside.call(PATH, more).status == 200
    assert [str(body).count("'thinking':") - 1 for body in bodies(inside)] == [1, 0, 1, 0, 0]


def test_a_turn_without_its_thinking_is_known(inside: Inside) -> None:
    """As long as it goes on, thinking is not asked for; from the next turn on it is."""
    inside.script("a", FOREIGN, MISSING, *[answer(200, MESSAGE)] * 3)
    inside.call(PATH, ASK)
    inside.call(PATH, going_on({"role": "assistant", "content": [CALL]}, ASK["messages"][2]))
    inside.call(PATH, going_on({"role": "assistant", "content": "ok"}, {"role": "user", "content": "b"}))
    assert ["thinking" in body for body in bodies(inside)] == [True, True, False, False, True]


def test_a_stand_in_is_written_at_once(inside: Inside) -> None:
    """The second call of a conversation whose first was refused for what was missing."""
    test_a_stand_in_where_the_model_takes_one(inside)
    chat = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}'
    inside.script("o", answer(200, chat))
    accepted = bodies(inside)[-1]["messages"]
    turns = [{name: text for name, text in turn.items() if name != "reasoning_content"} for turn in accepted]
    more = [*turns, {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}]
    assert inside.call("/v1/chat/completions", {"model": "o/m", "messages": more}).status == 200
    assert len(inside.requests) == 3
    assert bodies(inside)[-1]["messages"][:3] == accepted


def test_a_request_that_cannot_be_read_goes_as_it_is(inside: Inside) -> None:
    """Its provider may read it: what another conversation lost is nothing to it."""
    inside.script("a", FOREIGN, *[answer(200, MESSAGE)] * 2)
    inside.call(PATH, ASK)
    odd = {**ASK, "messages": [{"role": "someone", "content": "q"}]}
    assert inside.call(PATH, odd).status == 200
    assert bodies(inside)[-1]["messages"] == odd["messages"]
