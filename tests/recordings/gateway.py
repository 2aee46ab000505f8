"""The rows through a running gateway over real sockets: whole, then their streams cut.

The gateway is started as users start it (`asbru serve`), with the replay upstream behind it. Whole answers
come first, cuts after them; when all is done the gateway is stopped, and its records are compared with the
providers' usage. Every wait is bounded.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.recordings import records
from tests.recordings.caller import Caller
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row
from tests.recordings.cuts import cut_places
from tests.recordings.replay import (
    KEY_RESTING,
    PATHS,
    PROVIDERS,
    CutJudge,
    headers,
    judge_request,
    judge_whole,
    provider_of,
    request_body,
)
from tests.recordings.upstream import Order, Upstream

KEY = "sk-asb-recordings"
CALLERS = 12
RESETS_PER_STREAM = 8
READY_TRIES_MAX = 300
READY_PAUSE_S = 0.1
STOP_TIMEOUT_S = 30.0
REASONS_MAX = 4


def config_of(rows: list[Row], upstream_port: int) -> dict[str, Any]:
    """The gateway's configuration: one provider per dialect, and one per row that would rest a shared key."""
    names = dict(PROVIDERS)
    names |= {row.id: provider_of(row) for row in rows if row.status in KEY_RESTING}
    dialects = {OPENAI: "openai", ANTHROPIC: "anthropic"}
    dialects |= {row.id: dialects[row.dialect] for row in rows}
    providers = {
        name: {
            "type": "custom",
            "dialect": dialects[owner],
            "base_url": f"http://127.0.0.1:{upstream_port}/v1",
            "allow_loopback": True,
            "keys": [{"name": "k", "value": "sk-up", "models": ["*"], "weight": 1.0}],
            "retries": {"max": 0},
        }
        for owner, name in names.items()
    }
    return {"providers": providers, "virtual_keys": [{"name": "rec", "value": KEY, "models": ["*"]}]}


def run(rows: list[Row], progress: Callable[[int], None], root: Path) -> dict[str, list[str]]:
    """All rows through one gateway; reasons by row id."""
    with tempfile.TemporaryDirectory(prefix="asbru-recordings-") as folder:
        return asyncio.run(_Run(rows, progress, root, Path(folder)).all())


class NotStarted(Exception):
    """The gateway ended, or did not accept connections in time; the message holds the end of its log."""


class _Run:
    """One run: the upstream, the gateway's process, the callers, the findings."""

    def __init__(self, rows: list[Row], progress: Callable[[int], None], root: Path, folder: Path) -> None:
        self.rows = rows
        self.progress = progress
        self.root = root
        self.folder = folder
        self.found: dict[str, list[str]] = {}
        self.upstream = Upstream(rows)
        self.port = 0
        self.calls = 0
        self.cuts = 0

    def blame(self, row: Row, reasons: list[str]) -> None:
        """Add reasons to a row's, bounded."""
        held = self.found.setdefault(row.id, [])
        held += reasons[: REASONS_MAX - len(held)]

    async def all(self) -> dict[str, list[str]]:
        """Start, replay, cut, stop, compare the records."""
        process = await self._start()
        try:
            await self._each(iter([(row, None) for row in self.rows]), len(self.rows))
            jobs = [(row, cut) for row in self.rows if row.stream for cut in _orders(row)]
            await self._each(iter(jobs), len(jobs))
        finally:
            await self._stop(process)
            await self.upstream.close()
        print(f"{len(self.rows)} rows and {self.cuts} cut streams went through the gateway", file=sys.stderr)
        for row_id, reasons in records.check(self.folder / "data" / records.FILE, self.rows, self.cuts).items():
            self.found.setdefault(row_id, []).extend(reasons)
        return self.found

    async def _start(self) -> asyncio.subprocess.Process:
        """The gateway as a process, once it accepts connections."""
        upstream_port = await self.upstream.open()
        config = self.folder / "config.json"
        config.write_text(json.dumps(config_of(self.rows, upstream_port)), encoding="utf-8")
        self.port = _free_port()
        log = (self.folder / "gateway.log").open("wb")
        with log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from asbru.cli import main; main()", "serve"),
                *("--config", str(config), "--host", "127.0.0.1", "--port", str(self.port)),
                *("--data-dir", str(self.folder / "data")),
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(self.root / "src")},
                stdout=log,
                stderr=log,
            )
        for _ in range(READY_TRIES_MAX):
            if await self._accepts():
                return process
            try:
                await asyncio.wait_for(process.wait(), READY_PAUSE_S)
            except TimeoutError:
                continue
            break
        await self._stop(process)
        raise NotStarted(f"the gateway did not start:\n{self._log_end()}")

    async def _accepts(self) -> bool:
        """Whether the gateway's port takes a connection."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _log_end(self) -> str:
        return (self.folder / "gateway.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """SIGTERM, and a bounded wait for the records to be written."""
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
                print("the gateway did not stop on SIGTERM and was killed", file=sys.stderr)

    async def _each(self, jobs: Iterator[tuple[Row, Order | None]], total: int) -> None:
        """All jobs, by `CALLERS` callers."""
        self.calls = 0
        judges: dict[str, CutJudge] = {}

        async def work() -> None:
            caller = Caller(self.port, KEY)
            for row, order in jobs:
                try:
                    if order is None:
                        await self._whole(caller, row)
                    else:
                        if row.id not in judges:
                            judges[row.id] = CutJudge(row)
                        await self._cut(caller, judges[row.id], order)
                except Exception as error:  # noqa: BLE001 -- becomes the row's reason: no row ends the run
                    self.blame(row, [f"gateway: {type(error).__name__}: {error}"])
                self.calls += 1
                self.progress(self.calls * len(self.rows) // total)
            caller.close()

        await asyncio.gather(*(work() for _ in range(CALLERS)))

    async def _whole(self, caller: Caller, row: Row) -> None:
        """The whole answer, and the request that the upstream got."""
        order = Order(row.id)
        path = PATHS[row.dialect, row.operation]
        if row.request is None:
            refused = await caller.ask(path, row.request_text.encode(), headers(row))
            if refused.status != 400:
                self.blame(row, [f"gateway: malformed JSON was answered {refused.status}"])
        answer = await caller.ask(path, request_body(row, order), headers(row))
        seen = self.upstream.seen.pop(order.model(), None)
        self.blame(row, judge_whole(row, answer) + judge_request(row, order, seen))

    async def _cut(self, caller: Caller, judge: CutJudge, order: Order) -> None:
        """The stream cut as ordered."""
        row = judge.row
        if len(self.found.get(row.id, ())) >= REASONS_MAX:
            return
        assert order.cut is not None
        self.cuts += 1
        answer = await caller.ask(PATHS[row.dialect, row.operation], request_body(row, order), headers(row))
        if order.reset and answer.complete and answer.status:
            return  # bytes that a reset overtook cannot be demanded; what came must still end properly
        complaint = judge.judge(order.cut, answer)
        if complaint:
            self.blame(row, [f"gateway: {complaint}, cut at {order.cut}{' by reset' if order.reset else ''}"])


def _orders(row: Row) -> list[Order]:
    """The cuts of one stream: everywhere `cut_places` says by a close, at a few of these places by a reset."""
    places = cut_places(row)
    resets = random.Random(f"resets {row.id}").sample(places, min(RESETS_PER_STREAM, len(places)))
    return [Order(row.id, place) for place in places] + [Order(row.id, place, True) for place in resets]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
