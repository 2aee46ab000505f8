"""Children that end with their parent; killing a whole supervisor is in test_supervisor."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = "from asbru.app.lifeline import end_with_supervisor; end_with_supervisor(); print('went on')"


def run(**variables: str) -> str:
    """What a child with these variables prints."""
    env = {name: value for name, value in os.environ.items() if name != "ASBRU_SUPERVISOR_PID"} | variables
    return subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True).stdout


def test_child_of_nobody_goes_on() -> None:
    """Without a supervisor, and with the right one, the child goes on."""
    assert run() == "went on\n"
    assert run(ASBRU_SUPERVISOR_PID=str(os.getpid())) == "went on\n"


def test_child_whose_parent_is_gone_ends_at_once() -> None:
    """A parent that died before the call is noticed too."""
    assert run(ASBRU_SUPERVISOR_PID="1") == ""


STUCK = """
import concurrent.futures, threading
from asbru.app.lifeline import end_process
began = threading.Event()
def hang():
    began.set()
    threading.Event().wait()
concurrent.futures.ThreadPoolExecutor(1).submit(hang)
began.wait()
print("done")
end_process()
"""


def test_a_thread_that_hangs_does_not_hold_up_the_end() -> None:
    """The interpreter would join a thread of an executor, for ever; what was printed is not lost."""
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "done\n"
