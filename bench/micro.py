"""Instructions per call: the steady figure, where times drift with the machine.

Each scenario runs in a child twice, with N1 and N2 repetitions; (I2 - I1) / (N2 - N1) leaves out start,
imports and preparation. Counted by `perf stat -e instructions:u` where the processor lets us, else callgrind.
The two do not agree to the instruction, so the baseline says which one made it and is compared with its own.

    python -m bench.micro              print the table, compare with bench/micro_baseline.json
    python -m bench.micro --update     write the baseline anew (and explain it in the change)
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import install, report
from bench.rig import ROOT, AbsentError, say
from bench.scenarios import SCENARIOS

BASELINE = ROOT / "bench" / "micro_baseline.json"
GROWTH_MAX = 0.05
# callgrind is about fifty times slower than the processor: enough calls to drown noise, few enough to wait.
REPEATS = {"perf": (2_000, 12_000), "callgrind": (500, 2_500)}
CHILD_DEADLINE_S = 300.0

_PERF_LINE = re.compile(r"^\s*([\d,.]+)\s+instructions", re.MULTILINE)
_CALLGRIND_LINE = re.compile(r"^(?:summary|totals):\s*(\d+)", re.MULTILINE)


def perf_count(text: str) -> int | None:
    """The count in the output of `perf stat`, None when the event is not supported."""
    found = _PERF_LINE.search(text)
    return int(re.sub(r"\D", "", found.group(1))) if found else None


def callgrind_count(text: str) -> int | None:
    """The count in a callgrind output file."""
    found = _CALLGRIND_LINE.search(text)
    return int(found.group(1)) if found else None


def per_call(counts: tuple[int, int], repeats: tuple[int, int]) -> float:
    """Instructions of one call from the totals of two runs."""
    return (counts[1] - counts[0]) / (repeats[1] - repeats[0])


def growth(now: float, before: float | None) -> float | None:
    """Relative growth over the baseline: 0.07 is 7 % more. None without a baseline."""
    return None if not before else now / before - 1


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a counted child: fixed hash seed, no user site, from the repository's root."""
    env = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C",
    }
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=CHILD_DEADLINE_S, check=False
    )


def _child(scenario: str, repeats: int) -> list[str]:
    return [sys.executable, "-m", "bench.micro_child", scenario, str(repeats)]


def _count_perf(scenario: str, repeats: int) -> int:
    done = _run(["perf", "stat", "-e", "instructions:u", *_child(scenario, repeats)])
    count = perf_count(done.stderr)
    if done.returncode != 0 or count is None:
        raise RuntimeError(f"perf did not count {scenario}: {done.stderr.strip()[-400:]}")
    return count


def _count_callgrind(scenario: str, repeats: int) -> int:
    with tempfile.TemporaryDirectory(prefix="asbru-micro-") as folder:
        out = Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *_child(scenario, repeats)]
        done = _run(command)
        count = callgrind_count(out.read_text()) if out.exists() else None
    if done.returncode != 0 or count is None:
        raise RuntimeError(f"callgrind did not count {scenario}: {done.stderr.strip()[-400:]}")
    return count


def choose_counter() -> str:
    """perf where it counts instructions, else callgrind (from Debian when missing and allowed)."""
    if shutil.which("perf"):
        done = _run(["perf", "stat", "-e", "instructions:u", "true"])
        if done.returncode == 0 and perf_count(done.stderr):
            return "perf"
    install.ensure_tool("valgrind", "valgrind")
    return "callgrind"


def measure(counter: str, names: Sequence[str]) -> dict[str, float]:
    """Instructions per call of each scenario."""
    count = _count_perf if counter == "perf" else _count_callgrind
    repeats = REPEATS[counter]
    result: dict[str, float] = {}
    for name in names:
        say(f"  {name}: {repeats[0]:,} and {repeats[1]:,} calls under {counter}")
        result[name] = round(per_call((count(name, repeats[0]), count(name, repeats[1])), repeats), 1)
    return result


def table(now: Mapping[str, float], before: Mapping[str, float]) -> str:
    """The figures beside the baseline, growth above the limit flagged."""
    lines: list[list[str]] = []
    for name, value in now.items():
        grown = growth(value, before.get(name))
        flag = "" if grown is None or grown <= GROWTH_MAX else "GREW: explain it in the change"
        base = f"{before[name]:,.0f}" if name in before else "-"
        lines.append([name, f"{value:,.0f}", base, "-" if grown is None else f"{grown:+.1%}", flag])
    return report.table(["scenario", "instructions per call", "baseline", "growth", ""], lines)


def _baseline(counter: str) -> dict[str, float]:
    """The committed figures made by this counter on this version of Python; others cannot be compared."""
    if not BASELINE.exists():
        return {}
    found = json.loads(BASELINE.read_text())
    same = found["counter"] == counter and found["python"] == _python()
    if not same:
        say(f"no comparison: the baseline is by {found['counter']}, Python {found['python']}")
    return found["instructions_per_call"] if same else {}


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def main(arguments: Sequence[str]) -> int:
    """Counts, prints, compares; 1 when something grew more than the limit, so that a script can notice."""
    names = [name for name in arguments if not name.startswith("--")] or list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        say(f"unknown scenario {unknown[0]!r}; known are {', '.join(SCENARIOS)}")
        return 2
    try:
        counter = choose_counter()
    except AbsentError as error:
        say(f"cannot count instructions: {error}")
        return 2
    now = measure(counter, names)
    if "--update" in arguments:
        document = {"counter": counter, "python": _python(), "instructions_per_call": now}
        BASELINE.write_text(json.dumps(document, indent=1) + "\n")
    before = _baseline(counter)
    print(table(now, before))
    grown = [name for name, value in now.items() if (growth(value, before.get(name)) or 0) > GROWTH_MAX]
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
