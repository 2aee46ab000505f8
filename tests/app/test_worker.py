"""A worker's start, what it waits for before it serves anybody, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fakes.books import Standin, run
from tests.fakes.serving import Caller

from asbru.app import worker
from asbru.app.paths import declared_file
from asbru.app.snapshot import Limits, Snapshot, write_snapshot
from asbru.cluster import write_entries


def write(path: Path, snapshot: Snapshot) -> Path:
    """A snapshot as the compile process leaves it."""
    path.write_bytes(write_snapshot(snapshot))
    declared_file(path).write_bytes(write_entries({}))
    return path


def with_worker(snapshot: Path, body: Callable[[worker.Worker], Awaitable[None]]) -> None:
    """A worker whose bookkeeper says nothing, and what it does."""

    async def life() -> None:
        books = Standin()
        await books.open()
        one = worker.Worker({"snapshot": str(snapshot), "bookkeeper": books.path}, asyncio.get_running_loop())
        one.link.open()
        await body(one)
        await one.link.close()
        await books.close()
        books.remove()

    run(life())


def test_a_store_that_says_nothing_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bookkeeper that does not tell what the database holds: after a while the worker serves without it, and says
    so in the log."""
    monkeypatch.setattr(worker, "STORE_WAIT_S", 0.05)
    with_worker(write(tmp_path / "snapshot-1.msgpack", Snapshot()), lambda one: one._wait_for_store())
    assert "serving without its objects" in capsys.readouterr().err


def test_the_grace_of_a_drain_changes_on_reload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker that drains waits for calls in flight as long as the newest configuration says."""
    first = write(tmp_path / "snapshot-1.msgpack", Snapshot())
    second = write(tmp_path / "snapshot-2.msgpack", Snapshot(limits=Limits(drain_grace_s=0.01)))

    async def body(one: worker.Worker) -> None:
        Caller(server=one.server).feed(b"GET /")
        await one._reload(str(second))
        await one._drain()

    with_worker(first, body)
    assert "calls were still in flight after 0.01 s" in capsys.readouterr().err
