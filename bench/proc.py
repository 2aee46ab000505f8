"""CPU and memory of a whole process tree, read from /proc.

CPU is the scheduler's run time (schedstat, nanoseconds) of every thread of every process of the tree. Time of
a thread or process that ends inside a window is gone from there, so a window in which something vanished is
computed from the kernel's utime + stime + cutime + cstime instead, which keep the dead, and says so.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_TREE_REFRESH_S = 0.5


def _read(path: str) -> str:
    """The text of a /proc file, empty when the process is gone."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - hot: called every 50 ms
            return file.read()
    except OSError:
        return ""


def _stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from `state` on (the name before it may hold spaces and brackets)."""
    text = _read(f"/proc/{pid}/stat")
    return text[text.rfind(")") + 2 :].split() if text else []


def tree(roots: tuple[int, ...]) -> frozenset[int]:
    """Pids of the roots, their descendants, and whoever shares a root's session.

    Targets are started in sessions of their own, so a helper whose parent died is still found.
    """
    children: dict[int, list[int]] = {}
    found: set[int] = set()
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        fields = _stat_fields(pid)
        if not fields:
            continue
        children.setdefault(int(fields[1]), []).append(pid)
        if pid in roots or int(fields[3]) in roots:
            found.add(pid)
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return frozenset(found)


@dataclass(frozen=True)
class CpuSample:
    """What a tree had used at one moment: per-thread run time and the tree's ticks."""

    run_ns: dict[tuple[int, int], int]
    ticks: int


@dataclass(frozen=True)
class CpuUsed:
    """CPU between two samples; `vanished` counts threads seen before and not after."""

    ns: int
    vanished: int


def sample_cpu(roots: tuple[int, ...]) -> CpuSample:
    """Run time of every thread of the tree, and the ticks that keep dead threads and reaped children."""
    run_ns: dict[tuple[int, int], int] = {}
    ticks = 0
    for pid in tree(roots):
        try:
            tids = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names are all that is needed
        except OSError:
            continue
        for tid in tids:
            text = _read(f"/proc/{pid}/task/{tid}/schedstat")
            if text:
                run_ns[pid, int(tid)] = int(text.split(maxsplit=1)[0])
        fields = _stat_fields(pid)
        if fields:
            ticks += sum(int(value) for value in fields[11:15])
    return CpuSample(run_ns, ticks)


def cpu_between(before: CpuSample, after: CpuSample) -> CpuUsed:
    """CPU nanoseconds used between two samples of one tree."""
    vanished = len(before.run_ns.keys() - after.run_ns.keys())
    exact = sum(ns - before.run_ns.get(key, 0) for key, ns in after.run_ns.items())
    if not vanished:
        return CpuUsed(exact, 0)
    alive = sum(ns - before.run_ns[key] for key, ns in after.run_ns.items() if key in before.run_ns)
    return CpuUsed(max(alive, (after.ticks - before.ticks) * _TICK_NS), vanished)


def rss_mb(pids: frozenset[int]) -> float:
    """Sum of resident memory in MB (10^6 bytes); pages shared between the processes count each time."""
    page = os.sysconf("SC_PAGE_SIZE")
    pages = sum(int(text.split()[1]) for pid in pids if (text := _read(f"/proc/{pid}/statm")))
    return pages * page / 1e6


def pss_mb(pids: frozenset[int]) -> float:
    """Sum of proportional memory in MB: shared pages are divided among those who share them."""
    kb = 0
    for pid in pids:
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                kb += int(line.split()[1])
    return kb * 1024 / 1e6


@dataclass
class RssSampler:
    """Highest resident memory of a tree while the `with` block runs, looked at every `interval_s`."""

    roots: tuple[int, ...]
    interval_s: float = 0.05
    peak_mb: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def _run(self) -> None:
        pids, refresh_at = tree(self.roots), time.monotonic() + _TREE_REFRESH_S
        while True:
            self.peak_mb = max(self.peak_mb, rss_mb(pids))
            if self._stop.wait(self.interval_s):
                return
            if time.monotonic() >= refresh_at:
                pids, refresh_at = tree(self.roots), time.monotonic() + _TREE_REFRESH_S

    def __enter__(self) -> "RssSampler":
        self._thread = threading.Thread(target=self._run, name="rss-sampler")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
