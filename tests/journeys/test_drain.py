"""Ends and changes of real processes: drains lose no begun call, a killed worker comes back, a reload swaps whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from tests.fakes.processes import is_alive
from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import HungUp, request
from tests.journeys.served import Served
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_START,
    CHAT_STREAM,
    CHAT_STREAM_SHOWN,
    CHAT_WORDS,
    chat,
)

LOADED = 16
OTHER = "sk-asb-journeys-other-1"


async def _until_closed(served: Served) -> int:
    """Calls on one connection until an answer says it is the last; each must be answered well."""
    count = 0
    async with served.caller() as caller:
        while True:
            caller.send(request(CHAT_PATH, chat()))
            answer = await caller.answer()
            assert answer.json() == CHAT_REPLY
            count += 1
            if answer.headers.get("connection") == "close":
                return count


async def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    """Callers under way, whole and streaming, are answered to the end; /readyz fails first; all is recorded; exit 0."""
    gate = Gate()
    async with (
        FakeUpstream() as upstream,
        Served(tmp_path, upstream.url, workers=2) as served,
        contextlib.AsyncExitStack() as open_callers,
    ):
        upstream.otherwise = Reply.json(CHAT_REPLY)
        upstream.queue(*[Reply.events(CHAT_START, CHAT_WORDS[0], gate, *CHAT_STREAM[2:])] * 4)
        streams = [await open_callers.enter_async_context(served.caller()) for _ in range(4)]
        for stream in streams:
            stream.send(request(CHAT_PATH, chat(stream=True)))
            await stream.head()
            await stream.until(b"Hi")
        seen = upstream.expect(4 + 20 * LOADED)
        callers = [asyncio.create_task(_until_closed(served)) for _ in range(LOADED)]
        await seen.arrive()
        served.process.send_signal(signal.SIGTERM)
        await until(_refuses(served), "/readyz fails")
        counts = await asyncio.gather(*callers)
        gate.open()
        for stream in streams:
            assert (await stream.rest()).body == CHAT_STREAM_SHOWN
        assert await served.ended() == 0
        rows = served.rows()
        assert len(rows) == len(upstream.requests) == sum(counts) + 4
        assert {(row["status"], row["outcome"]) for row in rows} == {(200, "ok")}


def _refuses(served: Served) -> object:
    """A condition: a new connection is told that the gateway drains, or is not taken any more."""
    told: list[int] = []

    async def ask() -> None:
        while not told or told[-1] == 200:
            try:
                told.append((await served.call("/readyz", method="GET")).status)
            except (OSError, HungUp):
                told.append(0)

    task = asyncio.get_running_loop().create_task(ask())
    return lambda: task.done() and told[-1] == 503


async def test_a_drain_has_an_end(tmp_path: Path) -> None:
    """A call that outlasts the grace period is cut, recorded, and the process ends all the same."""
    gate = Gate()
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, limits={"drain_grace_s": 0.3}) as served:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate))
        async with served.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await caller.until(b"Hi")
            await served.end(signal.SIGTERM)
            with pytest.raises(HungUp):
                await caller.rest()
        await upstream.requests[0].gone.arrive()
        assert [row["outcome"] for row in served.rows()] == ["cancelled"]


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """While a stream holds the drain up, a second signal ends everything without waiting for it."""
    gate = Gate()
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate))
        async with served.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await caller.until(b"Hi")
            pids = [served.process.pid, *served.workers()]
            served.process.send_signal(signal.SIGTERM)
            await until(_refuses(served), "the drain has begun")
            await served.end(signal.SIGTERM)
            with pytest.raises(HungUp):
                await caller.rest()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "all processes are gone")
        assert [row["outcome"] for row in served.rows()] == ["cancelled"]  # what it cut is recorded


async def test_a_killed_supervisor_cuts_no_call(tmp_path: Path) -> None:
    """Its workers drain as on SIGTERM: the call ends well and is recorded, and then nothing is left."""
    gate = Gate()
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate, *CHAT_STREAM[2:]))
        async with served.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await caller.until(b"Hi")
            pids = [*served.workers(), *served.children("asbru.app.bookkeeper")]
            await served.end(signal.SIGKILL)
            await until(_refuses(served), "the drain has begun")
            gate.open()
            assert (await caller.rest()).body == CHAT_STREAM_SHOWN
        await until(lambda: not any(is_alive(pid) for pid in pids), "all processes are gone")
        assert [row["outcome"] for row in served.rows()] == ["ok"]


async def test_a_killed_worker_comes_back(tmp_path: Path) -> None:
    """Of two workers one is killed: the other serves on, and soon there are two again."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2) as served:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        before = served.workers()
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: not is_alive(before[0]), "the worker is gone")
        assert (await served.call(CHAT_PATH, chat())).status == 200
        await until(lambda: len(served.workers()) == 2, "another worker")
        for _ in range(10):
            assert (await served.call(CHAT_PATH, chat())).status == 200


async def test_a_reload_swaps_whole(tmp_path: Path) -> None:
    """A new file's keys work and the old ones no more, and its limits hold, while a call in flight goes on by what it
    began with."""
    gate = Gate()
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate, *CHAT_STREAM[2:]))
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with served.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await caller.until(b"Hi")
            served.write(key_values=(OTHER,), limits={"header_count_max": 10})
            served.process.send_signal(signal.SIGHUP)
            await _serves(served, OTHER)
            assert (await served.call(CHAT_PATH, chat())).status == 401
            many = [f"X-{number}: 1" for number in range(10)]
            assert (await served.call(CHAT_PATH, chat(), key=OTHER, headers=many)).status == 431
            caller_pids = served.workers()
            gate.open()
            assert (await caller.rest()).body == CHAT_STREAM_SHOWN
            caller.send(request(CHAT_PATH, chat(), key=OTHER))
            assert (await caller.answer()).status == 200
        assert served.workers() == caller_pids


async def test_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    """A file with an error is refused, with a line that says where; what was served before is served on."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        bad: dict[str, object] = {"virtual_keyz": [], "limits": {"body_bytes_max": "many"}}
        for word, value in bad.items():
            served.write(**{"key_values": (OTHER,), word: value})
            served.process.send_signal(signal.SIGHUP)
            await until(partial(served.says, word), "the refusal")
            assert (await served.call(CHAT_PATH, chat())).status == 200
            assert (await served.call(CHAT_PATH, chat(), key=OTHER)).status == 401
        served.write(key_values=(OTHER,))
        served.process.send_signal(signal.SIGHUP)
        await _serves(served, OTHER)


async def _serves(served: Served, key: str) -> None:
    """Until calls with `key` are served."""
    async with asyncio.timeout(60):
        while (await served.call(CHAT_PATH, chat(), key=key)).status != 200:
            pass  # asked again: the call itself awaits
