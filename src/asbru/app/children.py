"""The supervisor's children: how each is started, spoken to and ended.

Commands (all take `ASBRU_SUPERVISOR_PID` from the environment; see `lifeline`):

    python -m asbru.app.bookkeeper --socket PATH --data-dir DIR                          niced +10
    python -m asbru.app.control --socket PATH --data-dir DIR --bookkeeper PATH --shown PATH --catalogue PATH
                               --processes PATH --tls True|False --check PATH
                                                                                         niced +10, when it is enabled
    python -m asbru.app.tools --control-fd N --data-dir DIR --snapshot PATH --bookkeeper PATH --url URL
                                                                                         when MCP servers are configured
    python -m asbru.providers.mock.server --socket PATH                                  when the snapshot needs it
    python -m asbru.app.worker --control-fd N --snapshot PATH --bookkeeper PATH --index I --host H --port P
                               [--tls-cert F --tls-key F]

Bookkeeper, control and mock are ready when they print the line `ready` on stdout, or when their socket exists. The
control process prints `changed` when something was stored that the snapshot is compiled from, and `alive` each second
or so. A worker, and the tools process like it, is spoken to in lines over its control socket (not the control
process's). To it: `reload PATH` (serve by this snapshot, and by what was compiled with it, from the next call on),
`drain` (stop accepting, finish calls, exit 0), `stop` (exit now; the calls that it cuts are recorded). From it:
`ready` once it accepts connections, `reloaded PATH`, `refused WHY` (it goes on with the old snapshot), `alive` about
once a second, `writing` while it waits at its end for its rows to be written. End of file on the control socket means
the supervisor is gone: drain. All are started in their own session, so that Ctrl-C reaches the supervisor alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from asbru.app.lifeline import PARENT_VARIABLE
from asbru.app.orphans import started

LINE_BYTES_MAX = 64 * 1024
HELPER_NICENESS = 10
_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "1048576"}
"""For glibc: large bodies get pages of their own, given back when they are done with; left to itself it moves that
threshold up to 32 MiB, and a few image uploads stay in the worker's size for good. So does what uvloop keeps with each
TLS connection, 256 KiB, which is the threshold; what it reads into must stay below (`upstream.tls_records`), for pages
for each read double the cost of a call. The environment wins."""

HELPER_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_*", "TZ", "TMPDIR", "SQLITE_TMPDIR", "LD_*", "GLIBC_*", "MALLOC_*"),
    *("PYTHON*", "ASBRU_LOG", "ASBRU_LOG_FORMAT"),
)
"""Patterns of the variables that bookkeeper and mock are given; the credentials of providers are in the others."""
CONTROL_VARIABLES = ("ASBRU_SEAL_KEY", "ASBRU_SETUP_TOKEN")
"""What the control process is given besides."""
TOOLS_VARIABLES = ("ASBRU_SEAL_KEY",)
"""What the tools process is given besides."""


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


class Commands(NamedTuple):
    """What is run for each role; tests put small stand-ins here."""

    compile: tuple[str, ...] = _module("asbru.app.compile_process")
    worker: tuple[str, ...] = _module("asbru.app.worker")
    bookkeeper: tuple[str, ...] = _module("asbru.app.bookkeeper")
    control: tuple[str, ...] = _module("asbru.app.control")
    tools: tuple[str, ...] = _module("asbru.app.tools")
    served: Mapping[str, tuple[str, ...]] = MappingProxyType({"mock": _module("asbru.providers.mock.server")})
    helper_variables: tuple[str, ...] = HELPER_VARIABLES


class Child:
    """One running process. `channel` carries its lines; `snapshot` is what a worker was last told to serve by.
    `variables`: patterns of what it is given of the environment."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        *,
        wants_control: bool,
        socket_path: Path | None = None,
        variables: tuple[str, ...] = ("*",),
    ) -> None:
        self.name = name
        self.ready = False
        self.snapshot: str | None = None
        self.started_s = time.monotonic()
        self.heard_s: float | None = None
        """When it was last heard of; None for one that tells nothing."""
        self.writes = False
        self.started_ms = int(time.time() * 1000)
        self._socket_path = socket_path
        self._pending = b""
        ours, theirs = socket.socketpair()
        with theirs:
            if wants_control:
                argv = [*argv, "--control-fd", str(theirs.fileno())]
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                argv,
                stdin=subprocess.DEVNULL,
                stdout=None if wants_control else theirs.fileno(),
                pass_fds=(theirs.fileno(),) if wants_control else (),
                start_new_session=True,
                env={**_MALLOC, **_matching(os.environ, variables), PARENT_VARIABLE: str(os.getpid())},
            )
        started.add(self.process)
        ours.setblocking(False)
        self.channel = ours

    def send(self, line: str) -> bool:
        """Whether the line went out; a worker that reads nothing is not waited for."""
        data = line.encode() + b"\n"
        try:
            return self.channel.send(data) == len(data)
        except OSError:
            return False

    def read_lines(self) -> list[str] | None:
        """The whole lines that arrived; None at the end of the channel."""
        try:
            data = self.channel.recv(LINE_BYTES_MAX)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        self._pending = self._pending[-LINE_BYTES_MAX:]
        return [line.decode(errors="replace").strip() for line in lines]

    def check_socket(self) -> bool:
        """Whether its socket is there: the other sign of being ready."""
        return self._socket_path is not None and self._socket_path.exists()

    def lost_socket(self) -> bool:
        """Whether it listened at a socket that is gone."""
        return self.ready and self._socket_path is not None and not self._socket_path.exists()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is gone is fine."""
        with contextlib.suppress(OSError):
            self.process.send_signal(number)

    def lower_priority(self) -> None:
        """Let workers go first."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, HELPER_NICENESS)

    def close(self) -> None:
        """Give back the channel."""
        self.channel.close()


def _matching(environment: Mapping[str, str], patterns: tuple[str, ...]) -> dict[str, str]:
    """The variables whose names fit one of the patterns."""
    return {
        name: value for name, value in environment.items() if any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was terminated by {signal.Signals(-code).name}"
    except ValueError:
        return f"was terminated by signal {-code}"
