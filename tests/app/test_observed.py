"""What the control process sees of the others."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.fakes.books import run, until

from asbru.app.observed import ObservedProcesses
from asbru.app.worker_status import READ_STATUS
from asbru.catalog.listing import ListedProvider
from asbru.telemetry.status import WorkerStatus


class Asked:
    """A link whose bookkeeper answers when it is told to."""

    def __init__(self) -> None:
        self.answers: list[Callable[[bytes | None], None]] = []

    def ask(self, subject: str, payload: bytes, on_reply: Callable[[bytes | None], None], _: float) -> None:
        """Keep the question."""
        assert (subject, payload) == (READ_STATUS, b"")
        self.answers.append(on_reply)


def test_workers_are_asked_once_for_all_who_wait() -> None:
    """Two pages that are open ask one question; without an answer nothing is known."""

    async def body() -> None:
        link = Asked()
        observed = ObservedProcesses(cast("Any", link), {"bookkeeper": "x"})
        both = asyncio.gather(observed.workers(), observed.workers())
        await until(lambda: len(link.answers) == 1, "the question")
        link.answers[0](msgspec.msgpack.encode([WorkerStatus(0, 1, 2)]))
        assert await both == [(WorkerStatus(0, 1, 2),)] * 2
        assert await observed.workers() == (WorkerStatus(0, 1, 2),) and len(link.answers) == 1

    run(body())


def test_no_answer_is_told_apart_from_no_workers() -> None:
    """None, and not an empty list; an API that stands alone has none."""

    async def body() -> None:
        link = Asked()
        asking = asyncio.create_task(cast("Any", ObservedProcesses(cast("Any", link), {"bookkeeper": "x"}).workers()))
        await until(lambda: bool(link.answers), "the question")
        link.answers[0](None)
        assert await asking is None
        assert await ObservedProcesses(cast("Any", link), {}).workers() == ()

    run(body())


def test_files_of_the_run_directory(tmp_path: Path) -> None:
    """Processes with what the system says of them; one that is gone has no memory; files may come later."""
    table, catalogue = tmp_path / "processes.json", tmp_path / "catalogue.msgpack"
    observed = ObservedProcesses(cast("Any", None), {"processes": str(table), "catalogue": str(catalogue)})
    assert observed.processes()[1] == [] and list(observed.providers()) == []
    mine = {"role": "worker-0", "pid": os.getpid(), "started_ms": 1, "state": "ready"}
    gone = {**mine, "pid": 2**22 + 1, "state": "down"}
    table.write_text(json.dumps({"snapshot": {"id": 4, "made_ms": 5, "problems": []}, "processes": [mine, gone]}))
    catalogue.write_bytes(msgspec.msgpack.encode([ListedProvider(name="acme")]))
    snapshot, (first, second) = observed.processes()
    assert snapshot.id == 4 and first.rss_bytes is not None and first.rss_bytes > 1 << 20 and first.cpu_s is not None
    assert second.rss_bytes is None
    assert [one.name for one in observed.providers()] == ["acme"] and observed.providers() is observed.providers()
