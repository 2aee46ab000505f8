"""The gateway as processes, with providers on a fake upstream in the test's loop; only its compile step is forked from
a process that has loaded it (`tests.fakes.gateway_process`).

async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
    answer = await served.call(CHAT_PATH, chat())
    code = await served.end(signal.SIGTERM)
    rows = served.rows()                             # from SQLite, once it has ended
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fakes.gateway_process import serve_command, serve_environment
from tests.fakes.waiting import until
from tests.journeys.caller import KEY, Caller, UpstreamResponse, request

START_S = 60.0
END_S = 60.0


class Served:
    """See the module. `live` is merged into the configuration (limits, more providers); `virtual_keys` are names."""

    def __init__(self, folder: Path, upstream_url: str, *, workers: int = 1, **live: Any) -> None:
        self.folder = folder
        self.config = folder / "config.json"
        self.log = folder / "log"
        self.port = 0
        self._url = upstream_url
        self._workers = workers
        self.write(**live)

    def write(self, *, key_values: Sequence[str] = (KEY,), **live: Any) -> None:
        """Write the configuration, whole at once."""
        provider = {
            "type": "custom",
            "base_url": f"{self._url}/v1",
            "allow_loopback": True,
            "retries": {"max": 0},
            "keys": [{"name": "k", "value": "sk-up"}],
        }
        data = {
            "providers": {
                "openai": {**provider, "dialect": "openai"},
                "anthropic": {**provider, "dialect": "anthropic"},
            },
            "virtual_keys": [{"name": f"v{at}", "value": value} for at, value in enumerate(key_values)],
            **live,
        }
        fresh = self.config.with_suffix(".new")
        fresh.write_text(json.dumps(data))
        fresh.replace(self.config)

    async def __aenter__(self) -> Served:
        argv = serve_command("--port", "0", "--workers", str(self._workers), "--config", str(self.config))
        argv += ["--data-dir", str(self.folder / "data")]
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *argv, stdout=log, stderr=log, env=serve_environment()
            )
        await until(lambda: self.says("ready: ") or self.process.returncode is not None, "ready", START_S)
        assert self.process.returncode is None, self.log.read_text()
        self.port = int(self.log.read_text().partition("ready: http://127.0.0.1:")[2].split()[0])
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if self.process.returncode is None:
            code = await self.end(signal.SIGTERM) if kind is None else await self._kill()
            assert kind is not None or code == 0
        assert "Traceback" not in self.log.read_text(), self.log.read_text()

    async def _kill(self) -> int:
        self.process.kill()
        return await self.process.wait()

    async def end(self, number: signal.Signals) -> int:
        """Signal the supervisor; its exit code, once it has ended."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """The exit code, once there is one."""
        try:
            async with asyncio.timeout(END_S):
                return await self.process.wait()
        except TimeoutError:
            left = [_words(str(pid))[1:3] for pid in self.children("")]
            await self._kill()
            raise AssertionError(f"not ended after {END_S:g} s; left: {left}\n{self.log.read_text()}") from None

    def says(self, text: str) -> bool:
        """Whether the log holds `text`."""
        return text in self.log.read_text()

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return self.children("asbru.app.worker")

    def children(self, module: str) -> list[int]:
        """The process ids of the supervisor's children that run a module."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed if module in _words(pid)]

    def caller(self, **options: Any) -> Caller:
        """A caller's connection."""
        return Caller(self.port, **options)

    async def call(self, path: str, body: object = b"", **options: Any) -> UpstreamResponse:
        """One request on a connection of its own."""
        async with self.caller() as caller:
            caller.send(request(path, body, **options))
            return await caller.answer()

    def rows(self) -> list[dict[str, Any]]:
        """The records in SQLite."""
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'asbru.sqlite'}?mode=ro", uri=True)
        try:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM requests ORDER BY id")]
        finally:
            database.close()


def _words(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def memory_kb(pid: int) -> int:
    """Resident memory of a process that is its own, in KiB."""
    return _status_kb(pid, "RssAnon")


def mapped_kb(pid: int) -> int:
    """Resident pages of files that a process has mapped, and of memory that it shares, in KiB."""
    return _status_kb(pid, "RssFile") + _status_kb(pid, "RssShmem")


def _status_kb(pid: int, field: str) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields[field].split()[0])


def descriptors(pid: int) -> int:
    """How many files a process holds open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
