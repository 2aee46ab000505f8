"""How a child ends: no later than the supervisor (the kernel signals it when its parent dies, even by kill -9), and at
once when its work is done.

`end_with_supervisor` is called by the child itself, first thing: between fork and exec nothing of ours runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

PARENT_VARIABLE = "ASBRU_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1


def end_with_supervisor(by: signal.Signals = signal.SIGTERM) -> None:
    """Ask for `by` when the supervisor ends. Does nothing for a process that has none (tests, by hand); exits at once
    when the supervisor is already gone."""
    expected = os.environ.get(PARENT_VARIABLE)
    if expected is None or not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if os.getppid() != int(expected):
        raise SystemExit(0)


def end_process() -> NoReturn:
    """Exit with code 0, without what the interpreter does at its end: it joins every thread of an executor, and a
    library's own threads (gRPC's are in C++) may wait for ever for what it has taken down already. For a process that
    has closed whatever must be closed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)
