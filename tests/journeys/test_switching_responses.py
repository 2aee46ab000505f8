"""A conversation by the Responses API that changes provider between turns, before upstreams that refuse what the real
ones refuse: thinking that another provider signed, calls without results, ids of another alphabet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.stored_responses import OBJECT_KEYS, StoredHere
from tests.fakes.strict.provider import StrictProvider, ToolCall, Turn
from tests.fakes.strict.responses import StrictResponses
from tests.fakes.upstream import FakeUpstream
from tests.journeys.gateway import Gateway, anthropic, openai

from asbru.core.traits import Traits
from asbru.storage import sqlite_url

PATH = "/v1/responses"
TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
OWN, OTHER = "openai/gpt-5", "anthropic/claude-sonnet-4-5"


def speak(turn: Turn) -> str | ToolCall:
    """A call each time the user has said something."""
    return ToolCall("clock", {})


def answer(asked: dict[str, Any]) -> str | tuple[str, dict[str, Any]]:
    """A call for the user's words, words for a result."""
    given = asked["input"]
    last = given[-1] if isinstance(given, list) else {}
    return "it is late" if last.get("type") == "function_call_output" else ("clock", {})


@pytest.mark.parametrize("by_id", [False, True], ids=["items", "stored"])
@pytest.mark.parametrize("turns", [(OWN, OTHER, OWN), (OTHER, OWN, OTHER), (OTHER, OTHER, OWN), (OWN, OWN, OTHER)])
async def test_it_goes_on_with_each_provider(turns: tuple[str, ...], by_id: bool, tmp_path: Path) -> None:
    """Tools, results and thinking of one provider never make another refuse; whether the items are sent back or Asbru
    has stored them."""
    own, other = StrictResponses(answer), StrictProvider("anthropic", speak)
    stored = StoredHere(sqlite_url(tmp_path / "asbru.sqlite"))
    async with FakeUpstream() as first, FakeUpstream() as second:
        first.otherwise, second.otherwise = own, other
        facts = openai(first.url, dialect="openai_responses", operations=("chat", "models"))
        thinker = anthropic(second.url, traits=Traits(thinking="budget", max_output_tokens=64_000))
        async with Gateway(facts, thinker, response_index=stored.index, object_keys=OBJECT_KEYS) as gateway:
            items: list[dict[str, Any]] = [{"role": "user", "content": "what time is it?"}]
            last: str | None = None
            history: list[dict[str, Any]] = []
            for model in turns:
                history += items
                asked: dict[str, Any] = {
                    "model": model,
                    "input": items if by_id else history,
                    "tools": [TOOL],
                    "reasoning": {"effort": "medium"},
                    "include": ["reasoning.encrypted_content"],
                    "store": by_id,
                }
                if last is not None and by_id:
                    asked["previous_response_id"] = last
                told = await gateway.call(PATH, asked)
                assert told.status == 200, told.body
                response = told.json()
                last = response["id"]
                history += response["output"]
                calls = [item["call_id"] for item in response["output"] if item["type"] == "function_call"]
                items = [{"type": "function_call_output", "call_id": one, "output": "noon"} for one in calls]
                items = items or [{"role": "user", "content": "and now?"}]
    assert (own.refused, other.refused) == ([], [])
    stored.table.close()


async def test_a_provider_that_compacts_does_it_itself() -> None:
    """Its item, which only it can read, comes to the caller as it is, and goes back to it."""
    own = StrictResponses(answer)
    async with FakeUpstream() as upstream:
        upstream.otherwise = own
        async with Gateway(
            openai(upstream.url, dialect="openai_responses", operations=("chat", "models"))
        ) as gateway:
            trigger = [{"role": "user", "content": "x"}, {"type": "compaction_trigger"}]
            told = await gateway.call(PATH, {"model": OWN, "input": trigger, "store": False})
            [item] = told.json()["output"]
            assert item["encrypted_content"].startswith("gAAAA")
            again = [item, {"role": "user", "content": "go on"}]
            assert (await gateway.call(PATH, {"model": OWN, "input": again, "store": False})).status == 200
    assert own.refused == []
