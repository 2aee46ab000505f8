"""Two gateways before one Valkey with a search module: what one has asked the other serves, and neither needs it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.redis_server import find_search_module, find_valkey, serving
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

pytestmark = pytest.mark.clients

VECTOR: dict[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5] * 64}],
    "model": "e",
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
CACHED: dict[str, Any] = {
    "enabled": True,
    "store": "redis",
    "redis": {"secret": "the same for both gateways", "timeout_s": 5},
    "semantic": {"mode": "serve", "embeddings": "openai/e", "vectors": "redis", "timeout_s": 10},
}


async def _asked(served: Served, text: str, *headers: str) -> str:
    """What the cache did for a question."""
    body = chat(messages=[{"role": "user", "content": text}])
    answer = await served.call(CHAT_PATH, body, headers=headers)
    assert answer.status == 200 and answer.json()["choices"] == CHAT_REPLY["choices"]
    return answer.headers["x-asbru-cache"]


async def _asked_until(served: Served, text: str, found: str) -> None:
    """Asks until the cache finds it: the entry is written after its reply, and the vector after the entry. What this
    gateway is told meanwhile it does not keep, so that what it finds is from the other."""
    async with asyncio.timeout(60):
        while await _asked(served, text, "x-asbru-cache: read") != found:
            pass


async def _share(one: Served, two: Served) -> None:
    assert await _asked(one, "How do I reset my password?") == "miss"
    await _asked_until(two, "How do I reset my password?", "hit")
    await _asked_until(two, "how can I reset my password", "semantic")
    assert await _asked(two, "How do I reset my router?") == "miss"


async def _journey(tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        data = place / "data"
        data.mkdir(parents=True, mode=0o700)
        (data / "pepper").write_bytes(b"p" * 32)  # by which both know the key as the same one
    async with FakeUpstream() as upstream, contextlib.AsyncExitStack() as gateways:
        upstream.on("/v1/embeddings", Reply.json(VECTOR))
        upstream.otherwise = Reply.json(CHAT_REPLY)
        with serving(find_valkey(), tmp_path, "--loadmodule", str(find_search_module())) as url:
            cache = {**CACHED, "redis": {**CACHED["redis"], "url": url.reveal()}}
            one, two = [
                await gateways.enter_async_context(Served(place, upstream.url, cache=cache)) for place in places
            ]
            await _share(one, two)
        for _ in range(3):
            assert await _asked(two, "How do I reset my password?") == "miss"
        assert two.log.read_text().count("cannot use its store") == 2, "once for entries, once for vectors"


def test_gateways_share_and_do_without(tmp_path: Path) -> None:
    """An exact hit and one in other words from what the other gateway asked. Without the server calls are served, the
    log says so once."""
    asyncio.run(_journey(tmp_path))
