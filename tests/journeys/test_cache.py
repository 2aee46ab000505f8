"""The cache in a gateway that is served: shared by workers, there after a restart, cleared everywhere at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.admin import Admin
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, chat, messages

CACHED: dict[str, Any] = {"control": {"enabled": True}, "cache": {"enabled": True, "store": "sql"}}
WAIT_S = 60.0
ASKED = 12
"""Calls on connections of their own: enough for both workers to have some, and few if they do not."""


async def cache_of(served: Served, *headers: str) -> str:
    """What the cache did for a call."""
    answer = await served.call(CHAT_PATH, chat(), headers=headers)
    assert answer.status == 200
    return answer.headers["x-asbru-cache"]


async def _until_shared(served: Served) -> None:
    """Until every worker finds the entry, which is written after its reply. Nothing is kept of a call that is too
    early."""
    async with asyncio.timeout(WAIT_S):
        in_a_row = 0
        while in_a_row < ASKED:
            in_a_row = in_a_row + 1 if await cache_of(served, "x-asbru-cache: read") == "hit" else 0


@asynccontextmanager
async def begun(folder: Path, upstream: FakeUpstream) -> AsyncIterator[Served]:
    async with Served(folder, upstream.url, workers=2, **CACHED) as served:
        yield served


async def test_workers_share_entries_and_forget_them_together(tmp_path: Path) -> None:
    """One call reaches the provider, whichever worker the others meet, also after a restart; once cleared over the
    API the next one reaches it again."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with begun(tmp_path, upstream) as served:
            assert await cache_of(served) == "miss"
            await _until_shared(served)
            assert {await cache_of(served) for _ in range(ASKED)} == {"hit"}
            other = await served.call(MESSAGES_PATH, messages("openai/gpt-x", max_tokens=64))
            assert other.status == 200
        async with begun(tmp_path, upstream) as served:
            assert {await cache_of(served) for _ in range(ASKED)} == {"hit"}
            asked = len(upstream.requests)
            admin = Admin(served)
            await admin.set_up()
            await admin.ask("DELETE", "cache?prefix=key:nobody/", status=204)
            assert {await cache_of(served) for _ in range(ASKED)} == {"hit"}
            assert len(upstream.requests) == asked
            await admin.ask("DELETE", "cache?all=true", status=204)

            async def is_forgotten() -> bool:
                return await cache_of(served) == "miss"

            async with asyncio.timeout(WAIT_S):
                while not await is_forgotten():
                    pass  # each look is a request
            report = await admin.ask("GET", "cache")
            assert report["use"]["hits"] >= ASKED
