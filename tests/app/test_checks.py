"""The supervisor's side of a check: processes, few and ended in time."""

from __future__ import annotations

import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from tests.fakes.processes import is_alive, wait_until

from asbru.app import checks
from asbru.app.checks import CHECKS_MAX, Checks

SAYS_ITS_PID = "import os, sys; os.write(1, b'%d' % os.getpid()); sys.stdin.read(); os.write(1, b'seen')"
STAYS = "import os, time; os.write(1, b'%d' % os.getpid()); time.sleep(600)"


def asked(path: Path) -> socket.socket:
    """A connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(path))
    return connection


def pid_of(connection: socket.socket) -> int:
    """Of the process that answers."""
    return int(connection.recv(100))


def test_a_connection_is_the_input_and_output_of_a_process(tmp_path: Path) -> None:
    """It reads to the end of what is sent, answers, and the connection ends with it; the socket is its owner's."""
    path = tmp_path / "s"
    served = Checks(path, lambda: [sys.executable, "-c", SAYS_ITS_PID])
    served.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with asked(path) as connection:
        served.accept()
        pid_of(connection)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"seen"
        assert connection.recv(100) == b""
    served.close()


def test_there_are_few_at_a_time(tmp_path: Path) -> None:
    """One too many is hung up on; when others have ended there is room again; at the end all are ended."""
    served = Checks(tmp_path / "s", lambda: [sys.executable, "-c", STAYS])
    served.open()
    connections: list[socket.socket] = []
    pids: list[int] = []
    for _ in range(CHECKS_MAX):
        connections.append(asked(tmp_path / "s"))
        served.accept()
        pids.append(pid_of(connections[-1]))
    with asked(tmp_path / "s") as refused:
        served.accept()
        assert refused.recv(1) == b""
    os.kill(pids[0], 9)
    wait_until(lambda: not is_alive(pids[0]), "its end")
    connections.append(asked(tmp_path / "s"))
    served.accept()
    pids.append(pid_of(connections[-1]))
    served.close()
    assert not any(is_alive(pid) for pid in pids)
    for connection in connections:
        connection.close()


def test_one_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it is told by the end of the connection."""
    monkeypatch.setattr(checks, "CHECK_S_MAX", -1.0)
    served = Checks(tmp_path / "s", lambda: [sys.executable, "-c", STAYS])
    served.open()
    with asked(tmp_path / "s") as connection:
        served.accept()
        served.reap()
        while connection.recv(100):
            pass
    served.close()


def test_a_socket_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    """It is noticed, and the next connection is answered."""
    path = tmp_path / "s"
    served = Checks(path, lambda: [sys.executable, "-c", SAYS_ITS_PID])
    assert not served.vanished
    served.open()
    assert not served.vanished
    path.unlink()
    assert served.vanished
    served.open()
    with asked(path) as connection:
        served.accept()
        assert pid_of(connection)
    served.close()
