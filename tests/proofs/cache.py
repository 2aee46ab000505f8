"""The proof "cache": what an exact hit costs beside a call that is passed through, and what the semantic gate lets by.

CPU is of one worker, over one connection, so that neither callers nor the upstream are in it. Neither bar is about time
that passes: the machine may be busy. `prove_cache` returns the rows of build/proofs.json.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

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
WRONG_MAX = 0.01
RECALL_MIN = 0.5


async def prove_cache(folder: Path, calls: int = 3000) -> list[Row]:
    """The figures. `folder` is empty."""
    cpu_us: dict[bool, float] = {}
    p50_ms: dict[bool, float] = {}
    for enabled in (False, True):
        place = folder / str(enabled)
        place.mkdir()
        async with FakeUpstream() as upstream, Served(place, upstream.url, cache={"enabled": enabled}) as served:
            upstream.otherwise = Reply.json(CHAT_REPLY)
            cpu_us[enabled], p50_ms[enabled] = await _spent(served, calls)
    rows = [
        at_most(
            "exact hit, CPU of the worker beside pass-through",
            cpu_us[True] / cpu_us[False],
            "share",
            HIT_CPU_MAX,
            timed=True,
        ),
        at_most("exact hit, p50 from request to reply", p50_ms[True], "ms", 1.0, timed=True),
    ]
    rows += await _of_stores(folder, cpu_us[False])
    for name, pairs in (("known", KNOWN), ("held back", HELD_BACK)):
        wrong = sum(judge(*pair) == "same" for pair in pairs.different) / len(pairs.different)
        found = sum(judge(*pair) == "same" for pair in pairs.same) / len(pairs.same)
        rows.append(at_most(f"semantic gate, wrong hits, {name}", wrong, "share", WRONG_MAX))
        rows.append(at_least(f"semantic gate, recall, {name}", found, "share", RECALL_MIN))
    return rows


async def _of_stores(folder: Path, passed_us: float, calls: int = 1000) -> list[Row]:
    """Exact hits in each store, and hits by meaning beyond the embedding that each needs. A worker keeps in memory what
    it found in SQL."""
    rows: list[Row] = []
    with serving(find_valkey(), folder) as url:
        for store in ("sql", "redis"):
            cache = {"enabled": True, "store": store, "redis": {"url": url.reveal(), "timeout_s": 5}}
            place = folder / store
            place.mkdir()
            async with FakeUpstream() as upstream, Served(place, upstream.url, cache=cache) as served:
                upstream.otherwise = Reply.json(CHAT_REPLY)
                spent_us, p50_ms = await _spent(served, calls)
            name = f"exact hit in {store}"
            rows.append(at_most(f"{name}, p50 from request to reply", p50_ms, "ms", 1.0, timed=True))
            share = spent_us / passed_us
            rows.append(
                at_most(f"{name}, CPU of the worker beside pass-through", share, "share", HIT_CPU_MAX, timed=True)
            )
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
    rows.append(at_most("semantic hit, p50 beyond the embedding itself", beyond_ms, "ms", 5.0, timed=True))
    return rows


async def _spent(served: Served, calls: int, ask: bytes = b"") -> tuple[float, float]:
    """CPU of the worker for a call in microseconds, and the median of its time in milliseconds; one after the other."""
    (worker,) = served.workers()
    ask = ask or request(CHAT_PATH, chat())
    times: list[float] = []
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
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
