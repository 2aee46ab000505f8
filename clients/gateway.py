"""Asbru as its users run it: `asbru serve` with a configuration file, in a process of its own, on a free port.

Nothing is reached into: what a test learns it learns over HTTP, from the log, or from the records in SQLite.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.fakes.happening import Happening

KEY = "sk-asb-test-0123456789abcdef0123456789abcdef"
START_S = 60.0
RECORD_S = 30.0
VIRTUAL_KEYS = [{"name": "team", "value": KEY, "models": ["*"]}]


class Served:
    """A process that prints a line when it is ready; its output is kept for when a test fails."""

    def __init__(self, argv: list[str], ready_mark: str, env: dict[str, str] | None = None) -> None:
        self.log: list[str] = []
        self._ready_mark = ready_mark
        self._ready = Happening(f"{argv[2]} is ready")
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_ready(self) -> str:
        """The line that said so."""
        try:
            self._ready.wait(START_S)
        except AssertionError:
            self.process.kill()
            raise AssertionError("not ready:\n" + "".join(self.log)) from None
        lines = [line for line in self.log if self._ready_mark in line]
        assert lines, "it ended at once:\n" + "".join(self.log)
        return lines[0]

    def end(self) -> int:
        """SIGTERM; the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(START_S)
        self._reader.join(START_S)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.log.append(line)
                if self._ready_mark in line:
                    self._ready.set()
        self._ready.set()


class Gateway:
    """`asbru serve` with `config`, in `folder`."""

    def __init__(self, folder: Path, config: dict[str, Any], **env: str) -> None:
        self._data_dir = folder / "data"
        path = folder / "asbru.json"
        path.write_text(json.dumps(config))
        argv = [sys.executable, "-m", "asbru", "serve", "--config", str(path), "--port", "0"]
        self._served = Served([*argv, "--data-dir", str(self._data_dir)], "ready: http", env)
        line = self._served.wait_ready()
        self.url = next(word for word in line.split() if word.startswith("http://"))

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        status = self._served.end()
        assert status == 0, self.log

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return "".join(self._served.log)

    def records(self, count: int, **wanted: object) -> list[dict[str, Any]]:
        """The calls recorded so far, oldest first, once there are `count` whose columns are as `wanted`."""
        deadline = time.monotonic() + RECORD_S
        while True:
            rows = [row for row in self._rows() if all(row[name] == value for name, value in wanted.items())]
            if len(rows) >= count:
                return rows
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(rows)} records like {wanted}, not {count}: {self._rows()}\n{self.log}")
            time.sleep(0.02)

    def _rows(self) -> list[dict[str, Any]]:
        path = self._data_dir / "asbru.sqlite"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as base:
            base.row_factory = sqlite3.Row
            return [dict(row) for row in base.execute("SELECT * FROM requests ORDER BY id")]


def start_mock() -> tuple[Served, str]:
    """The mock provider's server, and its address."""
    served = Served([sys.executable, "-m", "asbru.providers.mock.server", "--port", "0"], "ready ")
    return served, f"http://127.0.0.1:{served.wait_ready().split()[1]}"


def loopback(url: str, **more: Any) -> dict[str, Any]:
    """A provider's configuration for a server on loopback; failures are retried at once."""
    quick = {"max": 1, "pause_initial_s": 0.01}
    keys = [{"name": "k1", "value": "sk-upstream", "aliases": {"story": "story"}}]
    return {"base_url": url, "allow_loopback": True, "keys": keys, "retries": quick, **more}
