"""`make recordings`: replay recorded provider traffic through Asbru and give every recording a verdict.

Usage: recordings.py [--sans-io | --gateway | --tests] [--provider NAME] [--id ID]. Writes `build/recordings.json`.
Without flags the tests marked `recordings` run as well. Exit code 0 when at least 99 % of the rows passed, at most 600
are excluded, none is without a verdict and every test passed; else 1; 2 when the recordings were named
(ASBRU_RECORDINGS) but are absent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

TESTS_TIMEOUT_S = 600
PASSED_MIN = 0.99
EXCLUDED_MAX = 600
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.recordings import checks, corpus, gateway, google, report, sources  # noqa: E402 -- the tree must be importable first


class Progress:
    """One line that moves: rows done of all; plain lines every 10 s where there is no terminal."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total = label, total
        self.every_s = 0.5 if sys.stderr.isatty() else 10.0
        self.last = self.began = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self.last < self.every_s and done < self.total:
            return
        self.last = now
        end = "\r" if sys.stderr.isatty() and done < self.total else "\n"
        print(
            f"{self.label}: {done}/{self.total} in {now - self.began:.0f} s",
            end=end,
            file=sys.stderr,
            flush=True,
        )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Replay recorded provider traffic through Asbru.")
    parser.add_argument("--sans-io", action="store_true", help="only what needs no running gateway")
    parser.add_argument("--gateway", action="store_true", help="only what needs a running gateway")
    parser.add_argument("--tests", action="store_true", help="only the tests marked `recordings`")
    parser.add_argument("--provider", help="only rows of this provider")
    parser.add_argument("--id", help="only the row with this id")
    parser.add_argument("--out", default=str(ROOT / "build" / "recordings.json"), help="where the report goes")
    return parser.parse_args()


def run_tests(path: Path) -> bool:
    """The tests that read the recordings themselves; pytest prints their count. Whether all passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "recordings", "-n", "2", "tests"]
    env = {**os.environ, "ASBRU_RECORDINGS": str(path.parent)}
    return subprocess.run(command, cwd=ROOT, env=env, check=False, timeout=TESTS_TIMEOUT_S).returncode == 0


def main() -> int:
    """Run, print, write; the exit code."""
    args = arguments()
    path = corpus.find()
    if path is None:
        named = os.environ.get("ASBRU_RECORDINGS")
        print(f"no recordings: {named or '../shared/recordings'} holds no {corpus.FILE}; nothing was replayed")
        return 2 if named else 0
    if args.tests:
        return 0 if run_tests(path) else 1
    loaded = corpus.load(path)
    rows = [r for r in loaded.rows if args.provider in (None, r.provider) and args.id in (None, r.id)]
    results: list[dict[str, list[str]]] = []
    if not args.gateway:
        results.append(dict(checks.run_sans_io(rows, Progress("without sockets", len(rows)))))
    if not args.sans_io:
        try:
            results.append(gateway.run(rows, Progress("through the gateway", len(rows)), ROOT))
        except gateway.NotStarted as error:
            print(error)
            results.append({row.id: ["gateway: it did not start"] for row in rows})
    others = google.load(path)
    more = [r for r in others.rows if args.provider in (None, r.provider) and args.id in (None, r.id)]
    if not args.gateway:
        results.append(dict(google.run(more, Progress("Google's, without sockets", len(more)))))
        rows += more
    rest = sources.load(path, frozenset(row.id for row in (*loaded.rows, *others.rows)))
    rest.found = [
        one for one in rest.found if args.provider in (None, one[1]["provider"]) and args.id in (None, one[1]["id"])
    ]
    if not args.gateway:
        results.append(dict(sources.run(rest, Progress("the others, without sockets", len(rest.found)))))
        rows += [sources.row(*one) for one in rest.found]
    narrowed = args.sans_io or args.gateway or args.provider or args.id
    data = report.as_data(checks.merge(rows, *results), rest.excluded)
    report.write(data, Path(args.out))
    report.print_table(data)
    failed, excluded = len(data["failures"]), rest.excluded.total()
    print(f"{len(rows) - failed} passed, {failed} failed, {excluded} excluded, of {rest.rows}", flush=True)
    unjudged = 0 if narrowed else rest.rows - len(rows) - excluded
    tested = bool(narrowed) or run_tests(path)
    enough = failed <= len(rows) * (1 - PASSED_MIN) and excluded <= EXCLUDED_MAX and not unjudged
    return 0 if tested and enough else 1


if __name__ == "__main__":
    sys.exit(main())
