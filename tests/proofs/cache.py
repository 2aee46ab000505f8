"""The proof "cache": what an exact hit costs beside a call that is passed through, and what the semantic gate lets by.

CPU is of one worker, over one connection, so that neither callers nor the upstream are in it. Neither bar is about time
that passes: the machine may be busy. `prove_cache` returns the rows of build/proofs.json.
"""

from __future__ import annotations

import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.cache.semantic.pairs import HELD_BACK, KNOWN
from tests.fakes.redis_server import find_valkey, serving
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat
from tests.proofs.rows import Row, at_least, at_most

from asbru.cache.semantic import judge

VECTOR = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5] * 1536}],
    "model": "e",
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
HIT_CPU_MAX = 0.7
TURNS = 10
WRONG_MAX = 0.01
RECALL_MIN = 0.5


async def prove_cache(folder: Path, calls: int = 3000) -> list[Row]:
    """The figures. `folder` is empty."""
    rows = await _exact_hits(folder, calls)
    rows.append(await _semantic_hits(folder, max(1, calls // 3)))
    for name, pairs in (("known", KNOWN), ("held back", HELD_BACK)):
        wrong = sum(judge(*pair) == "same" for pair in pairs.different) / len(pairs.different)
        found = sum(judge(*pair) == "same" for pair in pairs.same) / len(pairs.same)
        rows.append(at_most(f"semantic gate, wrong hits, {name}", wrong, "share", WRONG_MAX))
        rows.append(at_least(f"semantic gate, recall, {name}", found, "share", RECALL_MIN))
    return rows


async def _exact_hits(folder: Path, calls: int) -> list[Row]:
    """Of each store, beside calls that are passed on. A worker keeps in memory what it found in SQL. All gateways are
    asked in turns: machines change their speed from one second to the next."""
    with serving(find_valkey(), folder) as url:
        redis = {"url": url.reveal(), "timeout_s": 5}
        settings: dict[str, dict[str, Any]] = {
            "passed": {"enabled": False},
            "exact hit": {"enabled": True},
            "exact hit in sql": {"enabled": True, "store": "sql"},
            "exact hit in redis": {"enabled": True, "store": "redis", "redis": redis},
        }
        async with AsyncExitStack() as stack:
            upstream = await stack.enter_async_context(FakeUpstream())
            upstream.otherwise = Reply.json(CHAT_REPLY)
            gateways: list[Served] = []
            for name, cache in settings.items():
                place = folder / name
                place.mkdir()
                gateways.append(await stack.enter_async_context(Served(place, upstream.url, cache=cache)))
            turns = [[await _spent(served, max(1, calls // TURNS)) for served in gateways] for _ in range(TURNS)]
    spent = {
        name: (sum(turn[at][0] for turn in turns), statistics.median(turn[at][1] for turn in turns))
        for at, name in enumerate(settings)
    }
    passed_us, _ = spent.pop("passed")
    return [
        row
        for name, (spent_us, p50_ms) in spent.items()
        for row in (
            at_most(
                f"{name}, CPU of the worker beside pass-through",
                spent_us / passed_us,
                "share",
                HIT_CPU_MAX,
                timed=True,
            ),
            at_most(f"{name}, p50 from request to reply", p50_ms, "ms", 1.0, timed=True),
        )
    ]


async def _semantic_hits(folder: Path, calls: int) -> Row:
    """Hits by meaning, beyond the embedding that each needs."""
    place = folder / "meaning"
    place.mkdir()
    semantic = {"mode": "serve", "embeddings": "openai/e", "timeout_s": 10}
    cache = {"enabled": True, "operations": ["chat"], "semantic": semantic}
    async with FakeUpstream() as upstream, Served(place, upstream.url, cache=cache) as served:
        upstream.on("/v1/embeddings", Reply.json(VECTOR))
        upstream.otherwise = Reply.json(CHAT_REPLY)
        await served.call(CHAT_PATH, chat(messages=[{"role": "user", "content": "How do I reset my password?"}]))
        _, embedded_ms = await _spent(served, calls, request("/v1/embeddings", {"model": "openai/e", "input": "x"}))
        otherwise = chat(messages=[{"role": "user", "content": "how can I reset my password"}])
        assert (await served.call(CHAT_PATH, otherwise)).headers["x-asbru-cache"] == "semantic"
        _, found_ms = await _spent(served, calls, request(CHAT_PATH, otherwise))
    beyond_ms = found_ms - embedded_ms
    return at_most("semantic hit, p50 beyond the embedding itself", beyond_ms, "ms", 5.0, timed=True)


async def _spent(served: Served, calls: int, ask: bytes = b"") -> tuple[float, float]:
    """CPU of the worker for a call in microseconds, and the median of its time in milliseconds; one after the other."""
    (worker,) = served.workers()
    ask = ask or request(CHAT_PATH, chat())
    times: list[float] = []
    before = 0.0
    async with served.caller() as caller:
        for number in range(calls + 200):
            if number == 200:  # everything is warm
                before = _spent_s(worker)
            began = time.perf_counter()
            caller.send(ask)
            assert (await caller.answer()).status == 200
            times.append((time.perf_counter() - began) * 1000)
        return (_spent_s(worker) - before) / calls * 1e6, statistics.median(times[200:])


def _spent_s(pid: int) -> float:
    """CPU seconds of a process. Of its threads, in nanoseconds: ticks of 10 ms are a twentieth of what is measured."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
