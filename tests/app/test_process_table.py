"""The table of processes, as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asbru.app.process_table import Process, ProcessTable

WORKER = Process("worker-0", 7, 1000, "ready")


def read(path: Path) -> dict[str, Any]:
    """What stands there."""
    table: dict[str, Any] = json.loads(path.read_text())
    return table


def test_it_is_written_when_something_changed(tmp_path: Path) -> None:
    """Processes and the snapshot, with what is wrong with a later one until there is a good one; private."""
    path = tmp_path / "processes.json"
    table = ProcessTable(path)
    table.serve_by(1)
    table.write([WORKER])
    assert read(path)["processes"] == [{"role": "worker-0", "pid": 7, "started_ms": 1000, "state": "ready"}]
    assert path.stat().st_mode & 0o777 == 0o600
    inode = path.stat().st_ino
    table.write([WORKER])
    assert path.stat().st_ino == inode
    table.refuse(["line 3: nonsense"] * 30)
    table.write([WORKER])
    snapshot = read(path)["snapshot"]
    assert (snapshot["id"], len(snapshot["problems"])) == (1, 20)
    table.serve_by(2)
    table.write([WORKER])
    assert (read(path)["snapshot"]["id"], read(path)["snapshot"]["problems"]) == (2, [])


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said once, not at each turn."""
    table = ProcessTable(tmp_path / "none" / "processes.json")
    table.write([WORKER])
    table.write([WORKER])
    assert capsys.readouterr().err.count("cannot be written") == 1
