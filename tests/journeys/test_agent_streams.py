"""The one stream of all turns of an agent loop, as a strict reader of each dialect sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import pytest
from tests.fakes.upstream import Reply
from tests.journeys.talk import CHAT_PATH, MESSAGES_PATH, chat, event, messages
from tests.journeys.test_agent_loop import ADD, FAIL, OWN, Spent, row_of, served, streamed
from tests.journeys.test_offered_tools import BEDROCK, COHERE, GEMINI, RESPONSES
from tests.kits.wire_streams import check_stream

DIALECTS = {
    "anthropic_messages": (MESSAGES_PATH, messages("MODEL")),
    "bedrock_converse": BEDROCK,
    "cohere": COHERE,
    "gemini": GEMINI,
    "openai_chat": (CHAT_PATH, chat("MODEL")),
    "openai_responses": RESPONSES,
}
OTHER = ("call_b", "one__add", '{"a": 1, "b": 1}')
ANOTHER = ("call_p", "own", '{"x": 1}')
_BEGUN = {"id": "c2", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
_WORDS = {**_BEGUN, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "It"}, "finish_reason": None}]}


def failing() -> Reply:
    """A stream that is an error after its first word."""
    fault = {"error": {"message": "that was too much", "type": "server_error", "code": None, "param": None}}
    return Reply.events(event(_WORDS), event(fault))


def torn() -> Reply:
    """A stream that ends after its first word."""
    return Reply.events(event(_WORDS))


def refusal() -> Reply:
    """An error in place of a stream."""
    return Reply.json({"error": {"message": "not now", "type": "server_error", "code": None, "param": None}}, 500)


class Turns(NamedTuple):
    """What the model says in each turn, and what the caller's stream comes to: the words and calls in it, or `fails`
    with an error that has these words. `spent`: the budget has room for one turn."""

    said: Callable[[], tuple[Reply, ...]]
    text: str = "Let me see. It is 5."
    calls: tuple[str, ...] = ()
    fails: str = ""
    turns_max: int = 10
    spent: bool = False


TURNS = {
    "words": Turns(lambda: (streamed("Let me see. ", ADD), streamed("It is 5."))),
    "no words at first": Turns(lambda: (streamed("", ADD, FAIL), streamed("It is 5.")), "It is 5."),
    "three turns": Turns(lambda: (streamed("Let me see. ", ADD), streamed("", OTHER), streamed("It is 5."))),
    "mixed at once": Turns(lambda: (streamed("Let me see. ", OWN, ADD, ANOTHER),), "Let me see. ", ("own", "own")),
    "mixed later": Turns(lambda: (streamed("Let me see. ", ADD), streamed("It is 5.", OTHER, OWN)), calls=("own",)),
    "too many": Turns(
        lambda: (streamed("Let me see. ", ADD), streamed("It is 5.", OTHER)), calls=("one__add",), turns_max=2
    ),
    "an error in place of a turn": Turns(lambda: (streamed("Let me see. ", ADD), refusal()), fails="not now"),
    "an error in a turn": Turns(lambda: (streamed("Let me see. ", ADD), failing()), fails="that was too much"),
    "a turn that breaks off": Turns(lambda: (streamed("Let me see. ", ADD), torn()), fails="ended"),
    "a budget that is spent": Turns(lambda: (streamed("Let me see. ", ADD),), fails="budget is spent", spent=True),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", TURNS)
async def test_the_stream_of_all_turns_is_one_stream(name: str, dialect: str) -> None:
    """One beginning, parts that are counted through, one end with the usage of all turns; or one error, which says
    which tools were called."""
    turns = TURNS[name]
    path, body = DIALECTS[dialect]
    told = json.loads(json.dumps(body).replace("MODEL", "openai/gpt-x"))
    path = path.replace("MODEL", "openai/gpt-x").replace(":generateContent", ":streamGenerateContent?alt=sse")
    if dialect == "bedrock_converse":
        path += "-stream"
    elif dialect != "gemini":
        told["stream"] = True
    async with served(*turns.said(), settings={"agent_turns_max": turns.turns_max}) as (gateway, _, server):
        if turns.spent:
            assert gateway.door.rooms is not None
            gateway.door.rooms.leases = cast("Any", Spent())
        answer = await gateway.call(path, told)
        assert answer.status == 200, answer.body
        check_stream(dialect, answer.body, fails=bool(turns.fails))
        assert server.calls[:1] == ["add"]
        text = answer.body.decode("utf-8", "replace")
        if turns.fails:
            assert turns.fails in text
            assert "tools called before: one__add" in row_of(gateway)["notes"]
            assert ("tools called before" if dialect == "bedrock_converse" else '"stopped":"error"') in text
        else:
            shown = text.partition('"asbru"')[0]
            names = [shown.count(f'"name":"{one}"') for one in sorted(set(turns.calls))]
            done = 3 if dialect == "openai_responses" else 1  # added, done, and in the whole response
            assert names == [done * turns.calls.count(one) for one in sorted(set(turns.calls))]
