"""`make check`: every check that reads the code without running it, two at a time.

Prints one line for each, and the whole output of those that fail. Not the tests: see `make test`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str | Path]] = {
    # The slowest first: the others share the second core meanwhile.
    "types": [BIN / "basedpyright"],
    "format": [BIN / "ruff", "format", "--check", "."],
    "lint": [BIN / "ruff", "check", "--output-format", "concise", "."],
    "floors": [BIN / "lint-imports"],
    "tidy": [sys.executable, "tools/tidy.py"],
}


class Outcome(NamedTuple):
    """How one check ended. `output` is what it printed, both streams."""

    name: str
    passed: bool
    seconds: float
    output: str


def run_check(name: str) -> Outcome:
    """Runs one check to its end."""
    started = time.monotonic()
    done = subprocess.run(CHECKS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    return Outcome(name, done.returncode == 0, time.monotonic() - started, done.stdout + done.stderr)


def main() -> int:
    """Runs all; returns 1 when any failed."""
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(run_check, CHECKS):
            print(
                f"{outcome.name:<8} {'ok' if outcome.passed else 'FAILED':<6} {outcome.seconds:5.1f} s",
                flush=True,
            )
            if not outcome.passed:
                print(outcome.output.rstrip(), flush=True)
                failed.append(outcome.name)
    if failed:
        print(f"check: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
