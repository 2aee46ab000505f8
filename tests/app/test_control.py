"""The control process as a process: its socket, its end, its refusals."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.processes import WAIT_S

from asbru.app import control
from asbru.storage import DATABASE_NAME, open_database, sqlite_url


def start(socket_path: Path, data_dir: Path) -> subprocess.Popen[str]:
    """The process."""
    argv = [sys.executable, "-m", "asbru.app.control", "--socket", str(socket_path), "--data-dir", str(data_dir)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_listens_answers_and_ends(tmp_path: Path) -> None:
    """`ready` once it listens, on a socket for its owner alone, also where a killed one left its own; exit 0 by
    SIGTERM, with nothing to say about it."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    process = start(path, tmp_path)
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert path.stat().st_mode & 0o777 == 0o600
        connection = http.client.HTTPConnection("localhost", timeout=WAIT_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("GET", "/api/v1/status")
        response = connection.getresponse()
        assert response.status == 200 and response.headers["server"] is None
        connection.close()
    finally:
        process.terminate()
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (0, "")
    assert err.startswith("management API: no user exists yet") and err.count("\n") == 1


def test_it_says_that_it_lives(tmp_path: Path) -> None:
    """In a family of processes it tells the supervisor so again and again, and asks for no compilation at start: the
    supervisor has just compiled."""
    argv = (
        "--socket",
        str(tmp_path / "c.sock"),
        "--data-dir",
        str(tmp_path),
        "--bookkeeper",
        str(tmp_path / "b.sock"),
    )
    process = subprocess.Popen([sys.executable, "-m", "asbru.app.control", *argv], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["ready\n", "alive\n", "alive\n"]
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)


def test_without_a_data_directory_it_refuses(tmp_path: Path) -> None:
    """Exit 1 and a line that says what is missing."""
    process = start(tmp_path / "c.sock", tmp_path / "none")
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (1, "") and f"the directory {tmp_path / 'none'} does not exist" in err


def test_a_socket_that_cannot_be_had(tmp_path: Path) -> None:
    """A path that is too long or in no directory is an error, and leaves nothing."""
    before = os.umask(0o022)
    try:
        for path in (tmp_path / "none" / "c.sock", tmp_path / ("x" * 200)):
            with pytest.raises(OSError):
                control.listen(path)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Exit 2, as the bookkeeper's, and nothing is changed."""
    database = open_database(sqlite_url(tmp_path / DATABASE_NAME))
    database.set_schema_version(999)
    database.close()
    process = start(tmp_path / "c.sock", tmp_path)
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (2, "") and "has schema version 999" in err


def test_a_given_set_up_token_is_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ASBRU_SETUP_TOKEN, nothing is written: whoever set it knows it, and a log would keep it."""
    monkeypatch.setenv("ASBRU_SETUP_TOKEN", "chosen-elsewhere")
    process = start(tmp_path / "c.sock", tmp_path)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.terminate()
    _, err = process.communicate(timeout=WAIT_S)
    assert err == ""
