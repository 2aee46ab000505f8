"""What a killed tools process leaves behind: programs that its servers had started. They come to the supervisor, which
ends them.

A server itself ends together with the tools process (`tools.spawn`), but the kernel does not do the same for what the
server has started. Each child of ours leads a session of its own; who comes to us and leads none is an orphan. Linux
only. Imports little: the supervisor loads this.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from weakref import WeakSet

_PR_SET_CHILD_SUBREAPER = 36

started: WeakSet[subprocess.Popen[bytes]] = WeakSet()
"""Our own children, which whoever has started them waits for."""


def adopt() -> None:
    """Become the parent of what our children leave behind."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans() -> None:
    """End what has come to us. To be called again: what an orphan has started comes when that has ended."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    except OSError:
        return  # another system, where none come
    own = {process.pid for process in started}
    for pid in map(int, listed):
        if pid in own:
            continue
        with contextlib.suppress(OSError):
            if os.getsid(pid) != pid:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
