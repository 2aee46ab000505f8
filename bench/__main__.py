"""`python -m bench`: runs the benchmark and writes its results. QUICK=1: asbru, nginx, envoy, in 5 minutes.

BENCH_ONLY=nginx,envoy narrows the targets while working on one; such a run is written to partial.json.
"""

import os
import signal
import sys

from bench import report
from bench.rig import ROOT, AbsentError, say
from bench.run import run, save
from bench.targets import TARGETS

RESULTS = ROOT / "bench" / "results"


def _stop(number: int, _frame: object) -> None:
    """A signal ends the run through the `finally` blocks, so that no server is left behind."""
    raise SystemExit(128 + number)


def main() -> int:
    """Measures, saves, prints. 0 even when bars fail: they are figures, not tests."""
    signal.signal(signal.SIGTERM, _stop)
    quick = os.environ.get("QUICK", "") not in ("", "0")
    only = [name for name in os.environ.get("BENCH_ONLY", "").split(",") if name]
    unknown = [name for name in only if name not in TARGETS]
    if unknown:
        say(f"BENCH_ONLY: unknown target {unknown[0]!r}; known are {', '.join(TARGETS)}")
        return 2
    try:
        document = run(quick=quick, only=only)
    except AbsentError as error:
        say(f"cannot run: {error}")
        return 1
    path = RESULTS / ("partial.json" if only else "quick.json" if quick else "full.json")
    save(document, path)
    say(report.markdown(document))
    say(f"\nwritten: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
