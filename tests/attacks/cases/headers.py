"""A caller with a key sends, beside it, credentials of 60 KB that are others each time, and a model's name likewise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attacks.rows import Row
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY, request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

CALLS = 4000


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    async with FakeUpstream() as upstream, Served(folder, upstream.url) as served:
        upstream.otherwise = lambda _: Reply.json(CHAT_REPLY)
        async with Watch(served) as watch, served.caller() as caller:
            for number in range(CALLS):
                headers = (f"X-Api-Key: {KEY}", f"Authorization: {number:060000}", f"X-Asbru-Run: {number:03000}")
                caller.send(request(CHAT_PATH, chat(f"openai/{number:010000}"), key=None, headers=headers))
                await caller.answer()
                del upstream.requests[:]
        return watch.rows("large headers that change")
