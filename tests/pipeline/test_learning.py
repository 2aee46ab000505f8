"""Learned facts: a translated call that a provider refuses for one of its parameters goes again without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.telemetry import exposition, merge

CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
    b'"total_tokens":5}}'
)
MESSAGE = (
    b'{"id":"m","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"ok"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}'
)
ASK: dict[str, Any] = {"max_tokens": 9, "temperature": 0.5, "messages": [{"role": "user", "content": "q"}]}
CHAT_PATH, MESSAGES_PATH = "/v1/chat/completions", "/anthropic/v1/messages"


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> bytes:
    """A refusal as providers of the OpenAI family send it."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return answer(status, json.dumps({"error": error}).encode())


def anthropic_refusal(message: str) -> bytes:
    """A refusal as Anthropic sends it."""
    error = {"type": "invalid_request_error", "message": message}
    return answer(400, json.dumps({"type": "error", "error": error}).encode())


OPENAI = refusal(
    "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
    "temperature",
    "unsupported_value",
)
GROQ = refusal("property 'temperature' is unsupported")
PYDANTIC = answer(
    422,
    b'{"detail":[{"type":"extra_forbidden","loc":["body","temperature"],"msg":"Extra inputs are not permitted"}]}',
)
CLAUDE = anthropic_refusal("`temperature` is deprecated for this model.")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with a provider of each dialect: o and a."""
    return Inside(Snapshot(providers=(provider("o"), provider("a", "anthropic_messages"))), monkeypatch)


def bodies(inside: Inside) -> list[Any]:
    """What was sent, request by request."""
    return [json.loads(data.partition(b"\r\n\r\n")[2]) for _, data in inside.requests]


@pytest.mark.parametrize(
    ("target", "said"),
    [("o", OPENAI), ("o", GROQ), ("o", PYDANTIC), ("a", CLAUDE)],
)
def test_what_is_refused_is_left_out(inside: Inside, target: str, said: bytes) -> None:
    """The call is answered at the second try, says what it lost, and the next call goes without it at once."""
    path, good = (MESSAGES_PATH, CHAT) if target == "o" else (CHAT_PATH, MESSAGE)
    inside.script(target, said, answer(200, good), answer(200, good))
    first = inside.call(path, ASK | {"model": f"{target}/m"})
    second = inside.call(path, ASK | {"model": f"{target}/m"})
    assert (first.status, second.status) == (200, 200)
    assert ["temperature" in body for body in bodies(inside)] == [True, False, False]
    for caller in (first, second):
        assert b"dropped temperature (the provider refuses it)" in (caller.header(b"x-asbru-notes") or b"")


def test_it_is_known_for_that_model_alone(inside: Inside) -> None:
    """Another model of the provider is asked as ever, and a new snapshot has forgotten it."""
    inside.script("o", OPENAI, *[answer(200, CHAT)] * 3)
    for model in ("o/m", "o/n"):
        inside.call(MESSAGES_PATH, ASK | {"model": model})
    inside.load(Snapshot(providers=(provider("o"), provider("a", "anthropic_messages"))))
    inside.call(MESSAGES_PATH, ASK | {"model": "o/m"})
    assert ["temperature" in body for body in bodies(inside)] == [True, False, True, True]


def test_a_caller_of_the_same_dialect_means_it(inside: Inside) -> None:
    """Nothing is left out of what a caller said in the provider's own dialect, before or after a lesson."""
    inside.script("o", OPENAI, OPENAI, answer(200, CHAT), OPENAI)
    told = [inside.call(path, ASK | {"model": "o/m"}).status for path in (CHAT_PATH, MESSAGES_PATH, CHAT_PATH)]
    assert told == [400, 200, 400]
    assert ["temperature" in body for body in bodies(inside)] == [True, True, False, True]


def test_the_limit_goes_by_its_other_name(inside: Inside) -> None:
    """A token limit is not lost: the name that the provider knows is used."""
    said = refusal("Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens'.", "max_completion_tokens")
    inside.script("o", said, answer(200, CHAT))
    assert inside.call(MESSAGES_PATH, ASK | {"model": "o/m"}).status == 200
    assert [body.get("max_tokens") for body in bodies(inside)] == [None, 9]


@pytest.mark.parametrize(
    "said",
    [
        refusal("temperature: must be at most 2", "temperature"),
        refusal("Unsupported parameter: 'messages'", "messages"),
        refusal("this model is not supported"),
        refusal("Unknown parameter: 'colour'", "colour"),
        refusal("Unsupported value: 'temperature'", "temperature", status=403),
    ],
)
def test_other_refusals_are_told(inside: Inside, said: bytes) -> None:
    """A wrong value, what cannot be left out, and what was not sent are told at once."""
    inside.script("o", said, answer(200, CHAT))
    assert inside.call(MESSAGES_PATH, ASK | {"model": "o/m"}).status >= 400
    assert len(inside.requests) == 1


def test_what_did_not_help_is_forgotten(inside: Inside) -> None:
    """Where the provider refuses the call also without it, nothing was learned."""
    inside.script("o", OPENAI, refusal("no"), answer(200, CHAT))
    assert inside.call(MESSAGES_PATH, ASK | {"model": "o/m"}).status == 400
    assert inside.call(MESSAGES_PATH, ASK | {"model": "o/m"}).status == 200
    assert ["temperature" in body for body in bodies(inside)] == [True, False, True]


def test_one_call_learns_so_much_and_no_more(inside: Inside) -> None:
    """A provider that refuses one parameter after the other is asked four times at most."""
    names = ("temperature", "top_p", "stop", "user")
    ask = ASK | {"model": "o/m", "top_p": 0.5, "stop_sequences": ["x"], "metadata": {"user_id": "u"}}
    inside.script("o", *[refusal(f"Unknown parameter: '{name}'", name) for name in names])
    assert inside.call(MESSAGES_PATH, ask).status == 400
    assert len(inside.requests) == 4


def test_it_is_counted(inside: Inside) -> None:
    """The metric says which model of which provider refused what."""
    inside.lasting.meter.configure(lambda _, model: model, 1000)
    inside.script("o", OPENAI, answer(200, CHAT))
    inside.call(MESSAGES_PATH, ASK | {"model": "o/m"})
    collected = inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    totals = merge.Totals()
    totals.take("a", collected, everything=True)
    page = exposition.render(totals, []).decode()
    assert 'asbru_learned_facts_total{model="m",parameter="temperature",provider="o"} 1.0' in page
