"""The accounting of process trees, on real processes that burn processor time."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench import proc

BURN_S = 0.2

# A parent that starts a grandchild; the grandchild burns CPU when told, says so, and ends when told.
_GRANDCHILD = f"""
import sys, time
sys.stdin.readline()
while time.process_time() < {BURN_S}: pass
print("burnt", flush=True)
sys.stdin.readline()
"""
_PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_GRANDCHILD!r}])
print(child.pid, flush=True)
child.wait()
print("reaped", flush=True)
import time
time.sleep(30)
"""


class Family:
    """A parent in a session of its own with one grandchild that shares its pipes."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _PARENT]
        self.parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.grandchild = int(self.read())

    def read(self) -> str:
        """The next line either of them writes."""
        assert self.parent.stdout is not None
        return self.parent.stdout.readline().strip()

    def tell(self) -> None:
        """One line to the grandchild."""
        assert self.parent.stdin is not None
        self.parent.stdin.write("\n")
        self.parent.stdin.flush()


@pytest.fixture
def family() -> Iterator[Family]:
    """A family that is gone afterwards."""
    found = Family()
    try:
        yield found
    finally:
        found.parent.kill()
        found.parent.communicate(timeout=60)


def test_tree_holds_descendants_only(family: Family) -> None:
    """The tree of a root has its descendants and not the process that asks."""
    pids = proc.tree((family.parent.pid,))
    assert {family.parent.pid, family.grandchild} <= pids
    assert os.getpid() not in pids
    assert proc.rss_mb(pids) > 1
    assert proc.pss_mb(pids) > 0


def test_cpu_of_a_living_grandchild_counts(family: Family) -> None:
    """What a helper process burns between two samples is in the difference, to the scheduler's precision."""
    roots = (family.parent.pid,)
    before = proc.sample_cpu(roots)
    family.tell()
    assert family.read() == "burnt"
    used = proc.cpu_between(before, proc.sample_cpu(roots))
    assert used.vanished == 0
    # The child burns until its own clock says BURN_S, some of it (its start) before the first sample.
    assert BURN_S * 0.3e9 < used.ns < BURN_S * 3e9


def test_cpu_of_an_ended_grandchild_is_not_lost(family: Family) -> None:
    """A helper that ends inside a window is noticed, and its time is taken from what its parent reaped."""
    roots = (family.parent.pid,)
    before = proc.sample_cpu(roots)
    family.tell()
    assert family.read() == "burnt"
    family.tell()
    assert family.read() == "reaped"
    used = proc.cpu_between(before, proc.sample_cpu(roots))
    assert used.vanished >= 1
    assert used.ns > BURN_S * 0.3e9


def test_the_sampler_sees_memory() -> None:
    """The peak of a block is at least what is resident when it ends."""
    roots = (os.getpid(),)
    with proc.RssSampler(roots, interval_s=0.005) as sampler:
        pass
    assert sampler.peak_mb > 1
