"""`make mutants`: plant small faults, one at a time, and see whether the tests notice.

Each fault is an exact replacement in a source file and the tests that should turn red. They run in a copy of the tree
under `build/mutants`, so the sources are never touched. Not a part of `make test`: it says how good the tests are, not
whether the code is. Exit 1 where fewer than SEEN_MIN faults are seen, 2 where a fault no longer fits its file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
COPIED = ("src", "tests", "pyproject.toml")
SEEN_MIN = 54
RUN_TIMEOUT_S = 120


class Fault(NamedTuple):
    """In `file`, `old` becomes `new`; `old` is there once."""

    file: str
    old: str
    new: str


LIMITS, LEDGER, SERVER = "governance/limits", "governance/ledger", "edge/server"
USAGE = "dialects/openai_chat/usage.py"

FAULTS: dict[str, tuple[Fault, ...]] = {
    "tests/governance/limits": (
        Fault(
            f"{LIMITS}/portions.py",
            "for one in self.counters:\n            one.left -= amount",
            "for one in self.counters[:1]:\n            one.left -= amount",
        ),
        Fault(f"{LIMITS}/portions.py", "            one.left += self.left\n", ""),
        Fault(f"{LIMITS}/portions.py", "        self.book()\n", ""),
        Fault(f"{LIMITS}/portions.py", "enough = need * CALLS_MIN * SHARE", "enough = need"),
        Fault(f"{LIMITS}/portions.py", "                one.spent += spent\n", "                one.spent = spent\n"),
        Fault(
            f"{LIMITS}/portions.py",
            "min(one.left for one in self.counters) // SHARE",
            "max(one.left for one in self.counters) // SHARE",
        ),
        Fault(f"{LIMITS}/holding.py", "left >= 0 and start_ms == source.start_ms and", "left >= 0 and"),
        Fault(f"{LIMITS}/holding.py", " and now_s < source.good_until_s:", ":"),
        Fault(f"{LIMITS}/holding.py", "        counter.gather()\n", ""),
        Fault(f"{LIMITS}/holding.py", "        part = min(spent, amount)\n", "        part = spent\n"),
        Fault(f"{LIMITS}/holding.py", "        counter.spend(held[-1][0], spent)\n", "        pass\n"),
        Fault(f"{LIMITS}/holding.py", "        self.closed = True\n", ""),
        Fault(
            f"{LIMITS}/limits.py",
            "            counter.gather()\n            if counter.left == counter.quiet",
            "            if counter.left == counter.quiet",
        ),
        Fault(f"{LIMITS}/limits.py", "                counter.gather()\n", "                pass\n"),
        Fault(f"{LIMITS}/limits.py", 'limits.store_away == "open" and not strict', 'limits.store_away == "open"'),
        Fault(f"{LIMITS}/limits.py", "        if self._into.closed:\n            return\n", ""),
        Fault(f"{LIMITS}/limits.py", "            counter.quiet = counter.left\n", ""),
        Fault(f"{LIMITS}/counters.py", "            portion.book()\n", "            pass\n"),
        Fault(f"{LIMITS}/counters.py", "        self.left += taken.amount\n", "        self.left = taken.amount\n"),
        Fault(
            f"{LIMITS}/counters.py",
            "            self.release(start_ms, taken.amount)\n            return\n",
            "            return\n",
        ),
        Fault(
            f"{LIMITS}/counters.py",
            "self.wish = min(max(wish, need * 4), self.limit.amount // WISH_SHARE)",
            "self.wish = max(wish, need * 4)",
        ),
        Fault(
            f"{LIMITS}/counters.py",
            "            self._settle(start_ms)[1] += amount\n",
            "            self._settle(start_ms)[0] += amount\n",
        ),
        Fault(
            f"{LIMITS}/counters.py",
            "        if start_ms == self.start_ms and not self.is_stale(now_s):\n            self.left",
            "        if not self.is_stale(now_s):\n            self.left",
        ),
        Fault(f"{LIMITS}/counters.py", "        self._settled.clear()\n", ""),
    ),
    "tests/governance/ledger": (
        Fault(f"{LEDGER}/memory.py", "+ amount > limit:", "+ amount > limit + 1:"),
        Fault(f"{LEDGER}/memory.py", "        count.held -= freed\n", ""),
        Fault(
            f"{LEDGER}/memory.py",
            "        freed = min(held, spent + released)\n",
            "        freed = min(held, released)\n",
        ),
        Fault(f"{LEDGER}/memory.py", "            if one.ends_ms > now_ms\n", ""),
        Fault(f"{LEDGER}/memory.py", "        self.holders[name] = (known[0], True, known[2])\n", ""),
    ),
    "tests/governance/test_windows.py": (
        Fault("governance/windows.py", "start_ms = now_ms // width * width", "start_ms = now_ms"),
        Fault("governance/windows.py", "until_ms + width + length", "until_ms"),
        Fault(
            "governance/windows.py",
            'days = count * (7 if unit == "w" else 1)\n        since',
            "days = count\n        since",
        ),
        Fault("governance/windows.py", "day=min(start.day, _days_in(end))", "day=1"),
        Fault(
            "governance/windows.py",
            "month=at % 12 + 1, day=1)\n\n\ndef _later_ms",
            "month=1, day=1)\n\n\ndef _later_ms",
        ),
    ),
    "tests/routing/breaker": (
        Fault(
            "routing/breaker/breaker.py",
            "circuit.in_a_row >= settings.failures",
            "circuit.in_a_row > settings.failures",
        ),
        Fault(
            "routing/breaker/breaker.py",
            "        circuit.in_a_row = 0\n        circuit.attempts += 1",
            "        circuit.attempts += 1",
        ),
        Fault("routing/breaker/breaker.py", "        circuit.failed += 1\n", ""),
        Fault(
            "routing/breaker/breaker.py",
            "circuit.opened_s = min(circuit.opened_s * 2, max(settings.open_max_s, settings.open_s))",
            "circuit.opened_s *= 2",
        ),
        Fault("routing/breaker/breaker.py", "            circuit.attempts = circuit.failed = 0\n", ""),
        Fault(
            "routing/breaker/breaker.py",
            "        circuit.open_until_s = now_s + circuit.opened_s\n        return True",
            "        return True",
        ),
    ),
    "tests/wire/test_sse.py": (
        Fault("wire/sse.py", "        if self._held_bytes > self.event_bytes_max:", "        if False:"),
        Fault("wire/sse.py", "            self._held_bytes = 0\n            self._edge", "            self._edge"),
        Fault("wire/sse.py", "[-3:]", "[-1:]"),
        Fault("wire/sse.py", "chunk = chunk.removeprefix(_BOM)", "pass"),
        Fault("wire/sse.py", "            value = value[1:]\n", "            value = value.strip()\n"),
        Fault("wire/sse.py", 'b"\\n".join(data)) if data', 'b"".join(data)) if data'),
        Fault("wire/sse.py", 'return held.rstrip(b"\\r\\n") + b"\\n\\n"', 'return held + b"\\n\\n"'),
    ),
    "tests/dialects/openai_chat/test_usage.py": (
        Fault(USAGE, "        prompt - cache_read - cache_write - audio_input,\n", "        prompt,\n"),
        Fault(USAGE, "        completion - thought - audio_output,\n", "        completion,\n"),
        Fault(USAGE, "        completion += reasoning\n", "        pass\n"),
        Fault(USAGE, "    if usage is None and envelope.x_groq is not None:", "    if False:"),
        Fault(USAGE, "    return count if count < limit else limit", "    return count"),
        Fault(USAGE, "    standard = tier in _STANDARD_TIERS\n", "    standard = True\n"),
    ),
    "tests/edge/server": (
        Fault(f"{SERVER}/capacity.py", "(descriptors - DESCRIPTORS_KEPT) // 2", "descriptors - DESCRIPTORS_KEPT"),
        Fault(f"{SERVER}/capacity.py", "if now_s - one[0] >= IDLE_MIN_S", "if one"),
        Fault(f"{SERVER}/body.py", "        if self.size > self._limits.body_bytes_max:", "        if False:"),
        Fault(f"{SERVER}/body.py", " and self.unknown <= most // UNKNOWN_SHARE", ""),
        Fault(f"{SERVER}/protocol.py", "            raise limits.count_error()\n", "            pass\n"),
        Fault(
            f"{SERVER}/protocol.py",
            "        self._rx_bytes = 0\n        self._rx_bytes_max = self._server",
            "        self._rx_bytes_max = self._server",
        ),
        Fault(f"{SERVER}/protocol.py", "        request.head.keep_alive = False\n", ""),
    ),
}


def main() -> int:
    """Plant them all; the exit code."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, COPY / name, ignore=shutil.ignore_patterns("__pycache__", "ui_files"))
        else:
            shutil.copy(source, COPY / name)
    seen, unseen = 0, list[str]()
    for tests, faults in FAULTS.items():
        if _run(tests) != 0:
            print(f"{tests}: red without a fault")
            return 2
        for fault in faults:
            path = COPY / "src" / "asbru" / fault.file
            before = path.read_text()
            if before.count(fault.old) != 1:
                print(f"{fault.file}: does not contain this once: {fault.old!r}")
                return 2
            path.write_text(before.replace(fault.old, fault.new))
            try:
                noticed = _run(tests) != 0
            finally:
                path.write_text(before)
            seen += noticed
            if not noticed:
                unseen.append(f"{fault.file}: {fault.old!r} -> {fault.new!r}")
                print(f"not seen: {unseen[-1]}", flush=True)
    print(f"{seen} of {seen + len(unseen)} faults are seen; at least {SEEN_MIN} should be")
    return int(seen < SEEN_MIN)


def _run(tests: str) -> int:
    """What pytest says of the copy; a run that takes too long has noticed."""
    env = {**os.environ, "PYTHONPATH": f"{COPY / 'src'}{os.pathsep}{COPY}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", tests]
    try:
        return subprocess.run(
            command, cwd=COPY, env=env, capture_output=True, timeout=RUN_TIMEOUT_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


if __name__ == "__main__":
    sys.exit(main())
