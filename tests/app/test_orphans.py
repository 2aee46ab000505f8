"""What a killed child leaves behind is ended, down to what that has started; our own children are left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, subprocess, sys, time
from pathlib import Path
from asbru.app.orphans import adopt, end_orphans, started

adopt()
mark = Path(sys.argv[1])
script = f"(sleep 1000 & echo $! >> {mark}; wait) & echo $! >> {mark}; wait"

def begin(*argv):
    process = subprocess.Popen(argv, start_new_session=True)
    started.add(process)
    return process

def alive(pid):
    return Path(f"/proc/{pid}").exists()

own = begin("sleep", "1000")
killed = begin("/bin/sh", "-c", script)
ends_s = time.monotonic() + 20
while not mark.exists() or len(mark.read_text().split()) < 2:
    assert time.monotonic() < ends_s
left = [int(pid) for pid in mark.read_text().split()]
killed.kill()
killed.wait()
while any(alive(pid) for pid in left):
    assert time.monotonic() < ends_s, left
    end_orphans()
assert own.poll() is None
own.kill()
end_orphans()
assert own.wait() == -9
print("ended")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other kernels have no such thing")
def test_what_a_killed_child_leaves_behind_is_ended(tmp_path: Path) -> None:
    """A program that it had started, and what that had; nothing of them is left to be waited for either. How a child of
    our own has ended is still told."""
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "pids")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "ended\n", done.stderr
