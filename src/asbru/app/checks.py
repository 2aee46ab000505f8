"""The supervisor's answer to "would this configuration compile?", which the control process asks (`app.check`).

A configuration refers to any variable of the environment, providers' keys among them, and the control process is given
none of those. So it asks over a socket in the run directory: a connection becomes the standard input and output of a
compile process with the whole environment, which reads what to check until the end of input, answers and ends. This
module reads and writes nothing itself, knows nothing of configuration, and imports little: the supervisor loads it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from asbru.app.orphans import started
from asbru.telemetry import log

CHECK_S_MAX = 20.0
"""One that takes longer is ended."""
CHECKS_MAX = 4
"""At a time; another connection is closed, which its other end takes for no answer."""


class Checks:
    """See the module. `command` is `asbru.app.compile_process ... --check`, as it has to be now."""

    def __init__(self, path: Path, command: Callable[[], Sequence[str]]) -> None:
        self._path = path
        self._command = command
        self._running: list[tuple[subprocess.Popen[bytes], float]] = []
        self.listener: socket.socket | None = None

    def open(self) -> socket.socket:
        """Listen, for the owner alone; in place of the socket before. Raises OSError."""
        if self.listener is not None:
            self.listener.close()
        self._path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self.listener.bind(str(self._path))
        finally:
            os.umask(before)
        self.listener.listen(CHECKS_MAX)
        self.listener.setblocking(False)
        return self.listener

    @property
    def vanished(self) -> bool:
        """Whether it listens, at a socket that somebody has removed."""
        return self.listener is not None and not self._path.exists()

    def accept(self) -> None:
        """Start the check that a connection asks for."""
        if self.listener is None:
            return
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            self.reap()
            if len(self._running) >= CHECKS_MAX:
                return
            connection.setblocking(True)
            try:
                process = subprocess.Popen(  # noqa: S603  # our own command
                    self._command(), stdin=connection.fileno(), stdout=connection.fileno(), start_new_session=True
                )
            except OSError as error:
                log("error", "a configuration cannot be checked", why=error)
                return
        started.add(process)
        self._running.append((process, time.monotonic() + CHECK_S_MAX))

    def reap(self) -> None:
        """Forget the checks that have ended, and end those that take too long."""
        for process, deadline_s in self._running:
            if time.monotonic() > deadline_s:
                process.kill()
        self._running = [one for one in self._running if one[0].poll() is None]

    def close(self) -> None:
        """Listen no more, and end the checks that run."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for process, _ in self._running:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
        self._running.clear()
