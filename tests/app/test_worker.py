"""A worker's start: what it waits for before it serves anybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.fakes.books import Standin, run

from asbru.app import worker
from asbru.app.paths import declared_file
from asbru.app.snapshot import Snapshot, write_snapshot
from asbru.cluster import write_entries


def test_a_store_that_says_nothing_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bookkeeper that does not tell what the database holds: after a while the worker serves without it, and says
    so in the log."""
    monkeypatch.setattr(worker, "STORE_WAIT_S", 0.05)
    snapshot = tmp_path / "snapshot-1.msgpack"
    snapshot.write_bytes(write_snapshot(Snapshot()))
    declared_file(snapshot).write_bytes(write_entries({}))

    async def body() -> None:
        books = Standin()
        await books.open()
        loop = asyncio.get_running_loop()
        one = worker.Worker({"snapshot": str(snapshot), "bookkeeper": books.path}, loop)
        one.link.open()
        await one._wait_for_store()
        await one.link.close()
        await books.close()
        books.remove()

    run(body())
    assert "serving without its objects" in capsys.readouterr().err
