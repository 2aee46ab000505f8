"""`make mutants`: plant small faults, one at a time, and see whether the tests notice.

Each fault is an exact replacement in a source file and the tests that should turn red. They run in a copy of the tree
under `build/mutants`, so the sources are never touched. Not a part of `make test`: it says how good the tests are, not
whether the code is. `python tools/mutants.py WORD ...` plants those in files whose paths contain a word. Exit 1 where
fewer than SEEN_MIN faults of all are seen, 2 where a fault no longer fits its file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants" / str(os.getpid())
COPIED = ("src", "tests", "pyproject.toml")
SEEN_MIN = 54
START_TIMEOUT_S = 1200.0
TIMEOUT_FACTOR = 8
"""A fault that makes tests hang is seen when they take so many times what they take without it."""


class Fault(NamedTuple):
    """In `file`, `old` becomes `new`; `old` is there once."""

    file: str
    old: str
    new: str


LIMITS, LEDGER, SERVER = "governance/limits", "governance/ledger", "edge/server"
USAGE = "dialects/openai_chat/usage.py"
COST = (
    "tests/pipeline/test_account.py tests/pipeline/test_measure.py tests/pipeline/test_leases.py"
    " tests/journeys/test_attempts.py tests/journeys/test_calls.py tests/journeys/test_limits.py"
)
TRIES = (
    "tests/pipeline/test_attempts.py tests/pipeline/test_failures.py tests/journeys/test_attempts.py"
    " tests/journeys/test_credentials.py tests/journeys/test_hidden.py tests/journeys/test_disconnect.py"
)
REQUEST = (
    "tests/pipeline/test_learning.py tests/pipeline/test_inputs.py tests/journeys/test_judged.py"
    " tests/pipeline/test_account.py tests/journeys/test_calls.py tests/dialects/openai_chat/test_passthrough.py"
)
RESPONSE = (
    "tests/pipeline/test_deliver.py tests/pipeline/test_streaming.py tests/pipeline/test_streaming_cuts.py"
    " tests/journeys/test_calls.py tests/journeys/test_errors_inside.py tests/journeys/test_hidden.py"
    " tests/journeys/test_attempts.py tests/journeys/test_disconnect.py"
)

FAULTS: dict[str, tuple[Fault, ...]] = {
    COST: (
        Fault(
            "pipeline/spend.py",
            "prices.rows(one.target.provider.name, one.served_model)\n",
            "prices.rows(one.target.provider.name, one.target.model)\n",
        ),
        Fault("pipeline/spend.py", "sum(costs) if len(costs) == len(billed) else None", "sum(costs)"),
        Fault("pipeline/spend.py", '"partial" if len(told) < len(billed) else ', ""),
        Fault("pipeline/spend.py", "usage=sum(told[1:], told[0])", "usage=told[-1]"),
        Fault("pipeline/spend.py", "    price((last,), prices)\n", ""),
        Fault("pipeline/spend.py", "output=max(begun.output, output_tokens)", "output=output_tokens"),
        Fault("pipeline/spend.py", "if not usage.plausible or not (", "if not ("),
        Fault("pipeline/call.py", '_NOT_CHARGED = ("status", "fault")', '_NOT_CHARGED = ("status",)'),
        Fault("pipeline/account.py", "    lease.settle(attempts)\n", "    lease.settle(attempts[-1:])\n"),
        Fault("pipeline/send.py", "        await call.lease.attempt(call, attempt)\n", "        pass\n"),
    ),
    TRIES: (
        Fault("pipeline/attempts.py", "    call.target = targets[0]  # whose error it is\n", ""),
        Fault("pipeline/call.py", "key.aliases.get(target.model, target.model)", "target.model"),
        Fault("pipeline/attempts.py", "            first = first or error\n", "            first = error\n"),
        Fault("pipeline/attempts.py", "        self._retries += 1\n", ""),
        Fault("pipeline/attempts.py", "            key.credential.refused()\n", "            pass\n"),
        Fault("pipeline/attempts.py", '"network", "protocol", "cut"', '"network", "protocol"'),
        Fault(
            "pipeline/attempts.py",
            "            self._tried.add(key.name)\n            following",
            "            following",
        ),
        Fault("pipeline/attempts.py", "        if error.whole_key:\n", "        if True:\n"),
        Fault("pipeline/attempts.py", "    made.status = error.status\n", ""),
        Fault("pipeline/attempts.py", "    hide_credentials(made, error)\n", ""),
        Fault("pipeline/hidden.py", "in (made.key, *made.endpoint.route.keys):", "in (made.key,):"),
        Fault("pipeline/send.py", "attempt.sent = attempt.sent or exchange.sent", "pass"),
        Fault("pipeline/send.py", "            exchange.abort()\n", "            pass\n"),
    ),
    REQUEST: (
        Fault("pipeline/upstream_request.py", "        members = head.members\n", "        members = {}\n"),
        Fault(
            "pipeline/upstream_request.py", "for field in sorted(gone))", "for field in sorted(gone) if not field)"
        ),
        Fault(
            "pipeline/upstream_request.py", "learned.get(attempt.served_model, attempt.traits)", "(attempt.traits)"
        ),
        Fault(
            "pipeline/upstream_request.py",
            "    ask = head.stream and asks_usage(head, traits)\n",
            "    ask = False\n",
        ),
        Fault(
            "pipeline/endpoint.py",
            'lines = [b"%b: %b\\r\\n" % header for header in fit]',
            'lines = [b"" for header in fit]',
        ),
        Fault("pipeline/endpoint.py", " if name not in names)))", ")))"),
        Fault("wire/forwarded.py", "signature|sig|", ""),
    ),
    RESPONSE: (
        Fault(
            "pipeline/whole_response.py",
            "call.dialect).write_reply(reply)\n    attempt.notes += written.notes\n",
            "call.dialect).write_reply(reply)\n",
        ),
        Fault(
            "pipeline/whole_response.py",
            "        attempt.usage = _usage_of(call, dialect, body)  # what broke",
            "        # what broke",
        ),
        Fault("pipeline/whole_response.py", "        error.retry_after_s = told_s\n", "        pass\n"),
        Fault(
            "pipeline/whole_response.py",
            'reply, upstream.lines_without(b"content-type", b"content-encoding"))\n',
            'reply, upstream.lines_without(b"content-type"))\n',
        ),
        Fault(
            "pipeline/deliver.py",
            '        lines += b"x-asbru-notes: %b\\r\\n" % write_notes_header(notes)\n',
            "        pass\n",
        ),
        Fault("pipeline/deliver.py", "    attempt.notes += relay.notes\n", ""),
        Fault(
            "pipeline/deliver.py",
            "        attempt.usage = relay.usage\n",
            "        attempt.usage = relay.begun_usage\n",
        ),
        Fault("pipeline/deliver.py", "            hide_credentials(call.attempts[-1], seen)\n", "            pass\n"),
        Fault(
            "pipeline/open_stream.py",
            "        tell_headers(error, upstream, rooms)\n        if relay.usage",
            "        if relay.usage",
        ),
        Fault("pipeline/streaming.py", "usage = self._passing.merge_usage(self.begun_usage, usage)", "pass"),
        Fault("pipeline/streaming.py", " or self._first_bytes > PRELUDE_BYTES_MAX", ""),
        Fault("pipeline/translating.py", " or self._held_bytes > PRELUDE_BYTES_MAX", ""),
    ),
    "tests/governance/limits": (
        Fault(
            "governance/limits/portions.py",
            "                one.spent += spent\n",
            "                one.spent = spent\n",
        ),
        Fault(
            "governance/limits/portions.py",
            "min(one.left for one in self.counters) // SHARE",
            "max(one.left for one in self.counters) // SHARE",
        ),
        Fault("governance/limits/holding.py", "left >= 0 and start_ms == source.start_ms and", "left >= 0 and"),
        Fault("governance/limits/holding.py", "        part = min(spent, amount)\n", "        part = spent\n"),
        Fault("governance/limits/limits.py", "            counter.quiet = counter.left\n", ""),
        Fault(
            "governance/limits/counters.py",
            "        self.left += taken.amount\n",
            "        self.left = taken.amount\n",
        ),
    ),
    "tests/governance/ledger": (
        Fault("governance/ledger/memory.py", "+ amount > limit:", "+ amount > limit + 1:"),
        Fault(
            "governance/ledger/memory.py",
            "            freed = min(held, one.spent + one.released)\n",
            "            freed = min(held, one.released)\n",
        ),
    ),
    "tests/governance/test_windows.py": (
        Fault("governance/windows.py", "day=min(start.day, _days_in(end))", "day=1"),
    ),
    "tests/routing/breaker": (
        Fault(
            "routing/breaker/breaker.py",
            "        circuit.in_a_row = 0\n        circuit.attempts += 1",
            "        circuit.attempts += 1",
        ),
        Fault(
            "routing/breaker/breaker.py",
            "circuit.opened_s = min(circuit.opened_s * 2, max(settings.open_max_s, settings.open_s))",
            "circuit.opened_s *= 2",
        ),
    ),
    "tests/wire/test_sse.py": (
        Fault("wire/sse.py", "        if self._held_bytes > self.event_bytes_max:", "        if False:"),
        Fault("wire/sse.py", "            self._held_bytes = 0\n            self._edge", "            self._edge"),
    ),
    "tests/dialects/openai_chat/test_usage.py": (
        Fault(
            "dialects/openai_chat/usage.py",
            "        prompt - cache_read - cache_write - audio_input,\n",
            "        prompt,\n",
        ),
        Fault(
            "dialects/openai_chat/usage.py", "    if usage is None and envelope.x_groq is not None:", "    if False:"
        ),
    ),
    "tests/edge/server": (
        Fault("edge/server/body.py", "        if self.size > self._limits.body_bytes_max:", "        if False:"),
        Fault("edge/server/reading.py", "            raise limits.count_error()\n", "            pass\n"),
        Fault(
            "edge/server/reading.py",
            "        self._rx_bytes = 0\n        self._rx_bytes_max = self._server",
            "        self._rx_bytes_max = self._server",
        ),
    ),
}


def main(words: Sequence[str]) -> int:
    """Plant them all, or those in files whose paths contain one of `words`; the exit code."""
    chosen = {
        tests: asked
        for tests, faults in FAULTS.items()
        if (asked := [one for one in faults if not words or any(word in one.file for word in words)])
    }
    COPY.mkdir(parents=True)
    try:
        return _plant(chosen, whole=not words)
    finally:
        shutil.rmtree(COPY, ignore_errors=True)


def _plant(chosen: Mapping[str, Sequence[Fault]], *, whole: bool) -> int:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, COPY / name, ignore=shutil.ignore_patterns("__pycache__", "ui_files"))
        else:
            shutil.copy(source, COPY / name)
    unfit = [one for faults in FAULTS.values() for one in faults if _path(one).read_text().count(one.old) != 1]
    for one in unfit:
        print(f"{one.file}: does not contain this once: {one.old!r}")
    if unfit:
        return 2
    seen, planted = 0, 0
    for tests, faults in chosen.items():
        began_s = time.monotonic()
        if _run(tests, START_TIMEOUT_S, shown=True) != 0:
            print(f"{tests}: red without a fault")
            return 2
        timeout_s = TIMEOUT_FACTOR * (time.monotonic() - began_s)
        for fault in faults:
            path = _path(fault)
            before = path.read_text()
            path.write_text(before.replace(fault.old, fault.new))
            try:
                noticed = _run(tests, timeout_s) != 0
            finally:
                path.write_text(before)
            seen += noticed
            planted += 1
            if not noticed:
                print(f"not seen: {fault.file}: {fault.old!r} -> {fault.new!r}", flush=True)
    print(f"{seen} of {planted} faults are seen; at least {SEEN_MIN} of all should be")
    return int(whole and seen < SEEN_MIN)


def _path(fault: Fault) -> Path:
    return COPY / "src" / "asbru" / fault.file


def _run(tests: str, timeout_s: float, *, shown: bool = False) -> int:
    """What pytest says of the copy; a run that takes far too long has noticed."""
    env = {**os.environ, "PYTHONPATH": f"{COPY / 'src'}{os.pathsep}{COPY}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    try:
        return subprocess.run(
            command, cwd=COPY, env=env, stdout=None if shown else subprocess.DEVNULL, timeout=timeout_s, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
