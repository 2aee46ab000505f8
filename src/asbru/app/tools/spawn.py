"""Becomes the program of a stdio server, after asking the kernel to end it together with the process that started it.

    python -I -S spawn.py PARENT_PID PROGRAM [ARGUMENT...]

Run by its path, so that it imports nothing of Asbru. Between fork and exec nothing of ours runs; this is the exec.
Exit 127: there is no such program; 126: it cannot be run.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_DESCRIPTORS_MAX = 4096
"""Open files of a server: the many that Asbru has are not its."""


def main() -> int:
    """Does not return where the program can be run."""
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        return 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = _DESCRIPTORS_MAX if most == resource.RLIM_INFINITY else min(most, _DESCRIPTORS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        os.execvp(argv[0], argv)  # noqa: S606  # the point of it: no shell
    except FileNotFoundError:
        sys.stderr.write(f"there is no program {argv[0]!r}\n")
        return 127
    except OSError as error:
        sys.stderr.write(f"{argv[0]!r} cannot be run: {error.strerror}\n")
        return 126


if __name__ == "__main__":
    sys.exit(main())
