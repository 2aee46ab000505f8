"""The supervisor's processes and the configuration they serve by, as a file in the run directory that others read.

Written anew when something of it has changed. Imports little: the supervisor loads this.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asbru.telemetry import log

PROBLEMS_MAX = 20


class Process(NamedTuple):
    """`state`: starting, ready, or down. `pid` 0 and `started_ms` 0: it does not run."""

    role: str
    pid: int
    started_ms: int
    state: str


class ProcessTable:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: dict[str, Any] = {}
        self._snapshot: dict[str, Any] = {}

    def serve_by(self, number: int) -> None:
        """A snapshot that is handed out."""
        self._snapshot = {"id": number, "made_ms": int(time.time() * 1000), "problems": []}

    def refuse(self, problems: Sequence[str]) -> None:
        """A changed configuration that is invalid."""
        self._snapshot = {**self._snapshot, "problems": list(problems[:PROBLEMS_MAX])}

    def write(self, processes: Iterable[Process]) -> None:
        """Write it down if something has changed. A failure is logged: nobody is served by it."""
        table = {"snapshot": self._snapshot, "processes": [one._asdict() for one in processes]}
        if table == self._written:
            return
        fresh = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(table, file)
            fresh.replace(self._path)
        except OSError as error:
            log("warning", "the table of processes cannot be written", why=error)
        self._written = table
