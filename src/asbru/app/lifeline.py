"""A child that does not outlive the supervisor: the kernel signals it when its parent dies, even by kill -9.

Called by the child itself, first thing: between fork and exec nothing of ours runs.
"""

from __future__ import annotations

import os
import signal
import sys

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
