"""Stand-ins for the gateway's processes, and a gateway run with them: what the supervisor's tests drive.

A stand-in worker writes what happens to it into a journal file, one line each: `0 start`, `0 reload`, `0 drain`.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.fakes.compiler import compile_there, compiler_socket

from asbru.app.children import Commands
from asbru.app.lifeline import end_with_supervisor

WAIT_S = 60.0


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for a condition, at most WAIT_S."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {WAIT_S} s: {what}")
        time.sleep(0.01)


class Gateway:
    """A supervisor in its own process, with stand-ins; `behaviour` goes to the workers."""

    def __init__(self, tmp_path: Path, config: str = "", *, behaviour: str = "good", port: int = 0) -> None:
        self.data_dir = tmp_path / "data"
        self.config = tmp_path / "config.yaml"
        self.journal = tmp_path / "journal"
        self.log = tmp_path / "log"
        self.journal.touch()
        if not self.config.exists():
            self.config.write_text(config)
        argv = [sys.executable, "-m", __name__, "supervisor", "--config", str(self.config), "--port", str(port)]
        argv += ["--data-dir", str(self.data_dir)]
        env = {**os.environ, "STAND_IN_JOURNAL": str(self.journal), "STAND_IN_BEHAVIOUR": behaviour}
        env["STAND_IN_COMPILER"] = compiler_socket()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stderr=log, env=env, start_new_session=True)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            time.sleep(0.01)
            self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        finally:
            self.process.kill()

    def said(self, text: str) -> bool:
        """Whether the log holds `text`."""
        return text in self.log.read_text()

    def events(self, word: str) -> list[str]:
        """The journal's lines that hold `word`."""
        return [line for line in self.journal.read_text().splitlines() if word in line]

    def pids(self, role: str) -> list[int]:
        """The process ids of every start of a role, in order."""
        return [int(line.rsplit(" ", 1)[1]) for line in self.events(f"{role} start")]

    def wait_ready(self) -> None:
        """Until the supervisor says it is ready."""
        wait_until(lambda: self.said("ready: ") or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _note(text: str) -> None:
    with Path(os.environ["STAND_IN_JOURNAL"]).open("a") as journal:
        journal.write(f"{text}\n")


def _worker(arguments: list[str]) -> int:
    end_with_supervisor()
    parser = argparse.ArgumentParser()
    for name in ("--control-fd", "--index"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--snapshot", "--bookkeeper", "--host", "--port"):
        parser.add_argument(name, required=True)
    given = parser.parse_args(arguments)
    behaviour = os.environ["STAND_IN_BEHAVIOUR"]
    name = f"worker-{given.index}"
    _note(f"{name} start {os.getpid()}")
    if behaviour == "dies":
        sys.stderr.write("this is why\n")
        return 3
    assert Path(given.snapshot).stat().st_mode & 0o777 == 0o600
    control = socket.socket(fileno=given.control_fd)
    control.sendall(b"ready\nalive\n")
    if behaviour == "alive":
        threading.Thread(target=_stay_alive, args=(control,), daemon=True).start()
    for line in control.makefile("r"):
        word, _, path = line.strip().partition(" ")
        _note(f"{name} {word} {Path(path).is_file()}")
        if word == "reload":
            control.sendall(b"refused no\n" if behaviour == "refuses" else f"reloaded {path}\n".encode())
        elif word == "drain" and behaviour != "hangs":
            return 0
    return 0


def _stay_alive(control: socket.socket) -> None:
    while True:
        control.sendall(b"alive\n")
        time.sleep(0.1)


def _helper(role: str, arguments: list[str]) -> int:
    end_with_supervisor()
    path = arguments[arguments.index("--socket") + 1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    _note(f"{role} start {os.getpid()}")
    _note(f"{role} niceness {os.nice(0)}")
    sys.stdout.write("ready\nalive\n" if role == "control" else "ready\n")
    sys.stdout.flush()
    try:
        while True:
            signal.pause()
    finally:
        _note(f"{role} end")


def _supervisor(arguments: list[str]) -> int:
    from asbru.app import slots, supervisor

    if os.environ["STAND_IN_BEHAVIOUR"] in ("silent", "alive"):
        slots.HUNG_AFTER_S = 2.0
    else:
        slots.HUNG_AFTER_S = 3600.0  # they say that they live, and then nothing
    this = (sys.executable, "-m", "tests.fakes.processes")
    commands = Commands(
        compile=(*this, "compile"),
        worker=(*this, "worker"),
        bookkeeper=(*this, "bookkeeper"),
        control=(*this, "control"),
        served={"mock": (*this, "mock")},
        helper_variables=(*Commands().helper_variables, "STAND_IN_*"),
    )
    return supervisor.main(arguments, commands)


def compile_here(arguments: list[str]) -> int:
    """Compile really; nothing can be written where the run directory is to be full."""
    from asbru.app import compile_process as real

    data_dir = Path(arguments[arguments.index("--data-dir") + 1])
    if os.environ["STAND_IN_BEHAVIOUR"] == "full" or (data_dir / "full").exists():
        real.write_private = _no_room
        sys.stdout = Path("/dev/full").open("w")  # noqa: SIM115 -- until this process ends
    return real.main(arguments)


def _no_room(path: Path, data: bytes) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "worker":
        sys.exit(_worker(rest))
    if role == "compile":
        sys.exit(compile_there(os.environ["STAND_IN_COMPILER"], rest))
    sys.exit(_supervisor(rest) if role == "supervisor" else _helper(role, rest))
