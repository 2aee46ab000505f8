"""Facts about this machine for the result's `meta`: without them a figure means nothing."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.rig import ROOT


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except OSError:
        return ""


def facts() -> dict[str, object]:
    """Date, processor, kernel, Python, commit, and how busy the machine was before we began."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": platform.release(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _commit(),
        "load_average_before": [round(value, 2) for value in os.getloadavg()],
    }
