"""The overview of the web UI over many records, and what it does to calls: `make bench-overview DIR=...`.

    python -m bench.overview DIR [--records 10000000] [--rate 500]

DIR has a database of `bench.records_seed`; if it has none, it is made, which takes minutes. A gateway with governance
and one worker serves a copy of it, with traffic at a steady rate throughout. First each request that the overview page
makes (every range, every dimension, with and without filters) is made again and again, one after the other. Then
windows of traffic alone alternate with windows in which a page is shown once a second. Prints one table and two bars:
p95 of the answers, and how much p99 of the calls rises: the median over the turns, the interval that it is in, and how
far two neighbouring windows without a page are apart. About 9 minutes.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from asbru.storage import DATABASE_NAME, sqlite_url
from bench import install, machine, stats
from bench.plan import Measure
from bench.records_seed import DAY_MS, NOW_MS, seed
from bench.rig import Rig, say
from bench.targets import Running
from bench.targets.asbru_governed import AsbruGoverned
from bench.window import Loader, Window

ANSWER_MS_MAX = 300.0
P99_RISE_MAX = 0.05
ASKING_S = 150.0
ALONE, ASKED = "alone", "asked each second"
PAIRS = 20
WINDOW_S = 8.0
EACH_S = 1.0
"""Ten people with a page that refreshes every 10 seconds."""
CONNECTIONS = 16
_HOUR_MS = 3_600_000
_TIMEOUT_S = 30.0
_SETUP_DEADLINE_S = 30.0

# As ui/src/kit/ranges.ts has them, and 90 days, which the page's address takes.
RANGES = {
    "15m": _HOUR_MS // 4,
    "1h": _HOUR_MS,
    "6h": 6 * _HOUR_MS,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "90d": 90 * DAY_MS,
}
_STEPS_S = (60, 300, 900, 1800, 3600, 10_800, 21_600, 86_400)
_POINTS_MAX = 180
SHOWN: tuple[tuple[str, dict[str, str]], ...] = (
    *((by, {}) for by in ("provider", "model", "caller", "team", "customer")),
    ("caller", {"model": "gpt-4o"}),
    ("model", {"caller": "key-3"}),
    ("team", {"provider": "openai", "surface": "openai.chat"}),
)
"""What a page shows: the dimension of its groups, and its filters."""


def step_s(length_ms: int) -> int:
    """The step that the page asks for."""
    return next((step for step in _STEPS_S if length_ms / 1000 / step <= _POINTS_MAX), _STEPS_S[-1])


def questions() -> dict[str, str]:
    """The page's requests, by what it shows. Its other requests (session, sample) read no sums."""
    found: dict[str, str] = {}
    for (by, where), (name, length_ms) in itertools.product(SHOWN, RANGES.items()):
        words = {"since_ms": NOW_MS - length_ms, "until_ms": NOW_MS, "step_s": step_s(length_ms), "by": by, **where}
        filtered = "".join(f", {key} {value}" for key, value in where.items())
        found[f"{name} by {by}{filtered}"] = f"/api/v1/overview?{urlencode(words)}"
    return found


class SeededAsbru(AsbruGoverned):
    """A governed gateway on a copy of the database, which deletes nothing of it."""

    name = "asbru_seeded"

    def document(self) -> dict[str, object]:
        """The records are older than what is kept by default."""
        kept = {"days": 36_500, "bytes_max": 2**40, "minute_sums_days": 366, "hour_sums_days": 3_660}
        return super().document() | {"records": kept | {"day_sums_days": 36_500}}


class Page:
    """Somebody who looks at the overview: one connection to the management API."""

    def __init__(self, port: int, setup_token: str) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        self._headers = {"Content-Type": "application/json"}
        words = {"token": setup_token, "name": "bench", "password": secrets.token_urlsafe(16)}
        end_s = time.monotonic() + _SETUP_DEADLINE_S
        while True:
            status, body = self._send("POST", "/api/v1/setup", json.dumps(words).encode())
            if status < 300:
                break
            if time.monotonic() >= end_s:
                raise RuntimeError(f"no user can be made: {status} {body[:300]!r}")
            time.sleep(0.2)
        self._headers["Authorization"] = f"Bearer {json.loads(body)['token']}"

    def ask_ms(self, path: str) -> float:
        """How long a request took; RuntimeError where it failed, or told nothing."""
        began_s = time.perf_counter()
        status, body = self._send("GET", path)
        took_ms = 1000 * (time.perf_counter() - began_s)
        if status != 200 or not json.loads(body)["points"]:
            raise RuntimeError(f"{path}: {status} {body[:300]!r}")
        return took_ms

    def _send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        self._link.request(method, path, body, self._headers)
        response = self._link.getresponse()
        return response.status, response.read()


@dataclass
class Found:
    """What was measured: milliseconds by question, and windows of traffic by who asked meanwhile."""

    took_ms: dict[str, list[float]] = field(default_factory=dict)
    windows: dict[str, list[Window]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Bench:
    """A gateway that serves, traffic, and a page."""

    def __init__(self, loader: Loader, running: Running, page: Page, rate: int) -> None:
        self.found = Found()
        self._loader = loader
        self._running = running
        self._page = page
        self._rate = rate

    def run(self) -> Found:
        """See the module."""
        asked = questions()
        self._traffic("warm", 5.0, {}, 0.0)
        say(f"{len(asked)} questions, one after the other, for {ASKING_S:.0f} s")
        self._traffic("asked without a pause", ASKING_S, asked, 0.0)
        say(f"{PAIRS} pairs of windows of {WINDOW_S:.0f} s")
        for number in range(PAIRS):
            for name in (ALONE, ASKED) if number % 2 else (ASKED, ALONE):
                self._traffic(name, WINDOW_S, {} if name == ALONE else asked, EACH_S)
        return self.found

    def _traffic(self, name: str, seconds: float, asked: dict[str, str], each_s: float) -> None:
        """One window of traffic, in which somebody asks."""
        over = threading.Event()
        thread = threading.Thread(target=self._ask, args=(iter(_again(asked)), each_s, over))
        thread.start()
        try:
            measure = Measure(name, seconds, 1, connections=CONNECTIONS, rate=self._rate)
            window = self._loader.run(measure, self._running, len(self.found.windows.get(name, ())))
        finally:
            over.set()
            thread.join()
        self.found.windows.setdefault(name, []).append(window)
        if window.errors and any(window.errors.values()):
            self.found.failures.append(f"{name}: {window.errors}")

    def _ask(self, asked: Iterator[tuple[str, str]], each_s: float, over: threading.Event) -> None:
        for name, path in asked:
            began_s = time.monotonic()
            try:
                self.found.took_ms.setdefault(name, []).append(self._page.ask_ms(path))
            except (OSError, http.client.HTTPException, RuntimeError) as error:
                self.found.failures.append(str(error))
                return
            if over.wait(max(0.0, began_s + each_s - time.monotonic())):
                return


_turn = itertools.count()


def _again(asked: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The questions in turn, without end; where the one before left off."""
    listed = list(asked.items())
    while listed:
        yield listed[next(_turn) % len(listed)]


def table(found: Found) -> str:
    """What was measured, for people."""
    lines = [f"{'overview':54} {'asked':>6} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}"]
    for name, took in sorted(found.took_ms.items(), key=lambda one: -(stats.quantile(one[1], 0.95) or 0)):
        lines.append(_line(name, took))
    every = list(itertools.chain.from_iterable(found.took_ms.values()))
    lines += [_line("all", every), "", f"{'calls':54} {'in all':>8} {'p50 us':>8} {'p99 us':>8} {'cpu us':>8}"]
    for name, windows in found.windows.items():
        if name != "warm":
            p50, p99 = (stats.median(_values(windows, which)) or 0 for which in ("p50", "p99"))
            cpu = stats.median([one.cpu_us for one in windows if one.cpu_us]) or 0
            lines.append(f"{name:54} {sum(one.count for one in windows):8} {p50:8.0f} {p99:8.0f} {cpu:8.0f}")
    answer_ms = stats.quantile(every, 0.95) or 0
    slow = [name for name, took in found.took_ms.items() if (stats.quantile(took, 0.95) or 0) > ANSWER_MS_MAX]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join(
        [
            *lines,
            "",
            f"p95 of all questions {answer_ms:.0f} ms, at most {ANSWER_MS_MAX:.0f}; {len(slow)} questions are slower",
            *rise_of(found),
            f"load of the machine over 1, 5 and 15 minutes: {load}, of {os.cpu_count()} cores",
            *(f"FAILED  {one}" for one in found.failures),
        ]
    )


def rise_of(found: Found) -> list[str]:
    """How much p99 of the calls rises while a page is shown, turn by turn: neighbours share the machine's mood."""
    alone, asked = (_values(found.windows[name], "p99") for name in (ALONE, ASKED))
    rises = [of / to - 1 for of, to in zip(asked, alone, strict=False)]
    # The order changes from turn to turn (B A, A B, B A ...): so these windows without a page follow each other.
    still = [abs(of / to - 1) for of, to in zip(alone[1::2], alone[::2], strict=False)]
    between = stats.median_between(rises)
    if between is None:
        return [f"p99 of calls: too few turns ({len(rises)}) to say how it changes"]
    low, high = between
    verdict = "yes" if high <= P99_RISE_MAX else "no" if low > P99_RISE_MAX else "these turns cannot tell"
    medians = (stats.ratio(stats.median(asked), stats.median(alone)) or 0) - 1
    return [
        f"p99 of calls rises by {stats.median(rises) or 0:+.1%} (median of {len(rises)} turns; with 95 % certainty "
        f"between {low:+.1%} and {high:+.1%}; of the medians of all windows {medians:+.1%})",
        f"two neighbouring windows without a page differ by {stats.median(still) or 0:.1%} (median), "
        f"at most {max(still, default=0):.1%}",
        f"at most {P99_RISE_MAX:.0%}: {verdict}",
        f"turns: {', '.join(f'{one:+.0%}' for one in rises)}",
    ]


def _line(name: str, took: list[float]) -> str:
    p50, p95 = (stats.quantile(took, at) or 0 for at in (0.5, 0.95))
    return f"{name:54} {len(took):6} {p50:8.1f} {p95:8.1f} {max(took, default=0):8.1f}"


def _values(windows: list[Window], which: str) -> list[float]:
    return [found for one in windows if (found := one.value("latency", which)) is not None]


def measure(folder: Path, rate: int) -> Found:
    """A gateway on a copy of the folder's database, and all questions to it."""
    install.native()
    rig = Rig(folder=Path(tempfile.mkdtemp(prefix="asbru-bench-", dir=folder)))
    setup_token = os.environ["ASBRU_SETUP_TOKEN"] = secrets.token_urlsafe(24)
    target = SeededAsbru(rig)
    try:
        rig.open()
        target.install()
        copied = rig.folder / f"{target.name}-data" / DATABASE_NAME
        copied.parent.mkdir(mode=0o700)
        shutil.copyfile(folder / DATABASE_NAME, copied)
        running = target.start()
        expect = rig.folder / "expect.json"
        expect.write_bytes(running.ask()[1])
        return Bench(Loader(rig.folder, expect), running, Page(running.port, setup_token), rate).run()
    finally:
        target.stop()
        rig.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, default in (("records", 10_000_000), ("days", 60), ("callers", 200), ("rate", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    path = given.folder / DATABASE_NAME
    if not path.exists():
        say(f"seeding {given.records} records")
        seed(sqlite_url(path), given.records, given.days, given.callers)
    say(json.dumps(machine.facts()))
    say(f"{path.stat().st_size >> 20} MiB of records; {given.rate} calls a second")
    say("\n" + table(measure(given.folder, given.rate)))


if __name__ == "__main__":
    main()
