"""The run: groups of targets alive at once, every measure in rounds of rotating order, then all stopped."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import bars, install, machine, plan, proc, results, stats, tool_calls, translated
from bench.plan import Measure
from bench.rig import AbsentError, Rig, say
from bench.targets import TARGETS, Running, Target
from bench.targets.nginx import TlsTerminator
from bench.window import Loader

FAST = ("direct", "asbru", "asbru_governed", "asbru_traced", "nginx", "envoy", "uvicorn_aiohttp")
SLOW = ("direct", "litellm", "portkey")
QUICK = ("direct", "asbru", "asbru_governed", "asbru_traced", "nginx", "envoy")
IDLE_WARM_RATE, IDLE_WARM_S = 200, 2.0
IDLE_SETTLE_S = 1.0

NOTES = (
    "Generator, mock and target share the cores of one machine, nothing is pinned: compare within one file.",
    "CPU is scheduler run time of the whole process tree; latencies run from the actual send"
    " (`_intended`: from the moment the request was meant to leave).",
    "Every caller of a stream asks for usage itself, so all targets forward the same bytes.",
)


@dataclass
class Clock:
    """How far the run is: expected seconds in all, and when it began."""

    expected_s: float
    began: float = field(default_factory=time.monotonic)
    done_s: float = 0.0

    def line(self) -> str:
        """Elapsed and expected rest, corrected by how the run has gone so far."""
        elapsed = time.monotonic() - self.began
        pace = elapsed / self.done_s if self.done_s > 5 else 1.1
        return f"[{elapsed:5.0f} s, about {max(0.0, (self.expected_s - self.done_s) * pace):.0f} s left]"


@dataclass
class Group:
    """Targets that are alive together, and what was seen of them."""

    running: list[Running]
    seen: dict[str, results.Seen]
    slow: bool

    @staticmethod
    def of(running: list[Running], *, slow: bool) -> "Group":
        """A group of these targets with nothing seen yet."""
        seen = {one.name: results.Seen(one.name, one.profile.connections) for one in running}
        direct = seen["direct"].windows
        for one in seen.values():
            one.direct = direct
        return Group(running, seen, slow)

    def can_carry(self, running: Running, rate: int) -> bool:
        """Whether the target's own saturation leaves headroom over the rate."""
        rates = self.seen[running.name].numbers("saturated", lambda window: float(window.load["rps"]))  # type: ignore[arg-type]  # the report is JSON
        return not rates or (stats.median(rates) or 0) > rate * plan.RATE_HEADROOM

    def takes_part(self, measure: Measure, running: Running) -> bool:
        """Whether a target is asked in this measure."""
        if measure.only:
            return running.name == measure.only
        if measure.kind not in running.routes or (running.measures and measure.name not in running.measures):
            return False
        return not measure.rate or (not self.slow and self.can_carry(running, measure.rate))


def _start(targets: Sequence[Target], absent: dict[str, str]) -> list[Running]:
    """Installs and starts targets; what cannot be had is noted and left out, never skipped in silence."""
    running: list[Running] = []
    for target in targets:
        say(f"start: {target.name}")
        try:
            target.install()
            running.append(target.start())
        except (AbsentError, RuntimeError) as error:
            absent[target.name] = str(error)
            say(f"  ABSENT {target.name}: {error}")
            target.stop()
    return running


def _memory_at_rest(loader: Loader, group: Group) -> None:
    """RSS and PSS after a short warm-up and a second of rest."""
    for one in group.running:
        if not one.roots:
            continue
        rate = IDLE_WARM_RATE if one.profile.fast else IDLE_WARM_RATE // 10
        loader.run(Measure("warm", IDLE_WARM_S, 1, connections=8, rate=rate), one, 0)
        time.sleep(IDLE_SETTLE_S)
        pids = proc.tree(one.roots)
        seen = group.seen[one.name]
        seen.rss_idle_mb, seen.pss_idle_mb = proc.rss_mb(pids), proc.pss_mb(pids)
        say(f"  {one.name}: {len(pids)} processes, {seen.rss_idle_mb:.0f} MB resident at rest")


def _plan_for(measures: list[Measure], *, slow: bool) -> list[Measure]:
    if not slow:
        return measures
    return [measure.for_slow() for measure in measures if measure.slow_rounds]


def _expected_s(measure: Measure, count: int) -> float:
    """Seconds all rounds of a measure take on so many targets, about."""
    return measure.expected_s() * measure.rounds * (1 if measure.only else count)


def _run_measure(measure: Measure, group: Group, loader: Loader, clock: Clock) -> None:
    part = [one for one in group.running if group.takes_part(measure, one)]
    for number in range(measure.rounds):
        turn = number % len(part) if part else 0
        for one in [*part[turn:], *part[:turn]]:
            window = loader.run(measure, one, number)
            group.seen[one.name].windows[measure.name].append(window)
            if window.errors or window.vanished:
                what = f"errors {window.errors}, vanished threads {window.vanished}"
                say(f"    {one.name} {measure.name} round {number + 1}: {what}")
    clock.done_s += _expected_s(measure, len(group.running))
    shown = ", ".join(f"{one.name} {_glance(group.seen[one.name], measure)}" for one in part)
    say(f"{clock.line()} {measure.name} x{measure.rounds}: {shown or 'nobody'}")


def _glance(seen: results.Seen, measure: Measure) -> str:
    """A few figures of a measure for the progress line."""
    cpu = stats.median(seen.numbers(measure.name, lambda window: window.cpu_us))
    p50 = stats.median(seen.numbers(measure.name, lambda window: window.value("latency", "p50")))
    rps = stats.median(seen.numbers(measure.name, lambda window: float(window.load["rps"])))  # type: ignore[arg-type]  # the report is JSON
    return f"{cpu or 0:.1f} us cpu, p50 {p50 or 0:.0f} us, {rps or 0:.0f}/s"


def _run_group(
    names: Sequence[str], rig: Rig, measures: list[Measure], absent: dict[str, str], *, slow: bool
) -> Group:
    targets = [TARGETS[name](rig) for name in names]
    try:
        running = _start(targets, absent)
        expect = rig.folder / "expect.json"
        expect.write_bytes(running[0].ask()[1])
        loader = Loader(rig.folder, expect)
        group = Group.of(running, slow=slow)
        _memory_at_rest(loader, group)
        mine = _plan_for(measures, slow=slow)
        clock = Clock(sum(_expected_s(measure, len(running)) for measure in mine))
        say(f"{len(mine)} measures on {len(running)} targets, about {clock.expected_s:.0f} s")
        for measure in mine:
            _run_measure(measure, group, loader, clock)
        for one in running:
            group.seen[one.name].pss_end_mb = proc.pss_mb(proc.tree(one.roots)) if one.roots else None
        return group
    finally:
        for target in reversed(targets):
            target.stop()


def _document(
    groups: list[Group],
    measures: list[Measure],
    absent: dict[str, str],
    meta: dict[str, object],
    *,
    called: list[results.Row],
    pairs: list[results.Row],
) -> dict[str, object]:
    """The result document; `called` are the rows of calls of tools, `pairs` those of translated calls."""
    rows: list[results.Row] = []
    versions: dict[str, str] = {}
    for group in groups:
        for one in group.running:
            if one.name in versions:
                continue
            versions[one.name] = one.version
            rows.append(results.row(group.seen[one.name]))
    meta |= {
        "versions": versions,
        "rounds": {measure.name: measure.rounds for measure in measures},
        "window_seconds": {
            measure.name: measure.seconds for measure in measures if not measure.streams_per_connection
        },
        "absent": absent,
        "notes": list(NOTES),
    }
    return {
        "meta": meta,
        "rows": rows,
        "tool_calls": called,
        "translated": pairs,
        "ratios": results.ratios(rows),
        "bars": [*bars.bars(rows), *bars.tool_bars(called), *bars.translated_bars(rows, pairs)],
    }


def run(*, quick: bool, only: Sequence[str] = ()) -> dict[str, object]:
    """The whole benchmark; `only` narrows the targets (direct is always in). Returns the result document."""
    meta = machine.facts() | {"mode": "quick" if quick else "full"}
    began = time.monotonic()
    install.native()
    absent: dict[str, str] = {}
    measures = plan.measures(quick=quick)
    rig = Rig()
    terminator: TlsTerminator | None = None
    groups: list[Group] = []
    called: list[results.Row] = []
    pairs: list[results.Row] = []
    try:
        rig.open()
        terminator = _open_tls(rig, absent)
        for names, slow in ((QUICK if quick and not only else FAST, False), (SLOW, True)):
            wanted = [name for name in names if not only or name in only or name == "direct"]
            if (slow and quick and not only) or wanted == ["direct"]:
                continue
            groups.append(_run_group(wanted, rig, measures, absent, slow=slow))
        if not only:
            called = tool_calls.measure(rig, absent, quick=quick)
            say("translated calls, in process")
            pairs = translated.measure()
    finally:
        if terminator is not None:
            terminator.stop()
        rig.close()
    meta["seconds"] = round(time.monotonic() - began, 1)
    return _document(groups, measures, absent, meta, called=called, pairs=pairs)


def _open_tls(rig: Rig, absent: dict[str, str]) -> TlsTerminator | None:
    """The TLS port in front of the mock; without nginx the TLS group is left out and said so."""
    terminator = TlsTerminator(rig)
    try:
        rig.tls_port = terminator.start().port
    except (AbsentError, RuntimeError) as error:
        absent["tls upstream"] = str(error)
        return None
    return terminator


def save(document: dict[str, object], path: Path) -> None:
    """Writes the result document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
