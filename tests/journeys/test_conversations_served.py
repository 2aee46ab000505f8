"""Conversations through two workers and a restart: any of them goes on from what another has stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY, request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_REPLY

TURNS = 8
"""Each on a connection of its own, which the system spreads over the workers."""


async def _ask(served: Served, text: str, previous: str | None) -> dict[str, Any]:
    body = {"model": "openai/gpt-x", "input": text, "previous_response_id": previous}
    async with served.caller() as caller:
        caller.send(request("/v1/responses", body, key=KEY))
        answer = await caller.answer()
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def test_any_worker_goes_on_from_what_another_stored(tmp_path: Path) -> None:
    """Turn by turn over two workers, and once more after a restart, the provider reads the whole conversation."""

    async def body() -> None:
        async with FakeUpstream() as upstream:
            upstream.otherwise = lambda _: Reply.json(CHAT_REPLY)
            keys = [{"name": "one", "value": "sk-one"}]
            provider = {"type": "custom", "dialect": "openai", "base_url": f"{upstream.url}/v1", "keys": keys}
            live = {"providers": {"openai": {**provider, "allow_loopback": True}}, "key_values": (KEY,)}
            last: str | None = None
            async with Served(tmp_path, upstream.url, workers=2, **live) as served:
                for at in range(TURNS):
                    last = (await _ask(served, f"turn {at}", last))["id"]
            async with Served(tmp_path, upstream.url, workers=2, **live) as served:
                await _ask(served, "after a restart", last)
            asked = upstream.requests[-1].json()["messages"]
            said = [one["content"] for one in asked if one["role"] == "user"]
            assert said == [*(f"turn {at}" for at in range(TURNS)), "after a restart"]

    asyncio.run(body())
