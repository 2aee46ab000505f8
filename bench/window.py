"""One window of load on one target: requests as files, the generator's run, CPU and memory around it."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bench import payloads, proc
from bench.plan import Measure
from bench.rig import BUILD
from bench.targets import Running

_WARM_DEADLINE_S = 70.0
# An answer that was decoded and written anew may differ from the mock's, but not be much shorter.
_REWRITTEN_BYTES_MIN = 9_000


@dataclass(frozen=True)
class Window:
    """What one window gave. `load` is the generator's report; `cpu_ns` is of the whole process tree."""

    target: str
    measure: str
    round: int
    load: dict[str, object]
    cpu_ns: int
    vanished: int
    rss_peak_mb: float

    @property
    def count(self) -> int:
        """Requests answered well."""
        return int(self.load["count"])  # type: ignore[call-overload]  # the report is JSON

    def value(self, group: str, name: str) -> float | None:
        """A figure of one of the generator's histograms in microseconds, None when it is empty."""
        found = self.load.get(group)
        return float(found[name]) if isinstance(found, dict) else None

    @property
    def cpu_us(self) -> float | None:
        """CPU microseconds per request answered."""
        return self.cpu_ns / 1e3 / self.count if self.count else None

    @property
    def errors(self) -> dict[str, int]:
        """Failed requests by kind."""
        found = self.load["errors"]
        return dict(found) if isinstance(found, dict) else {}


def connections(measure: Measure, running: Running) -> int:
    """How many connections the measure opens to this target."""
    if measure.connections > 0:
        return measure.connections
    if measure.connections < 0:
        return running.profile.connections_20ms
    return running.profile.streams if measure.streams_per_connection else running.profile.connections


@dataclass
class Loader:
    """Runs windows; `expect` is the mock's plain answer, which byte-exact targets must return unchanged."""

    folder: Path
    expect: Path
    _written: dict[str, Path] = field(default_factory=dict)

    def _file(self, name: str, data: bytes) -> str:
        if name not in self._written:
            self._written[name] = payloads.save(self.folder, name, data)
        return str(self._written[name])

    def _head(self, measure: Measure, running: Running) -> str:
        headers = {"Content-Type": payloads.content_type(measure.shape), **running.headers}
        name = f"{running.name}-{measure.kind}.head"
        if measure.variants > 1:
            headers = {**headers, "traceparent": "00-4bf92f3577b34da6a3ce929d{SEQ}-00f067aa0ba902b7-01"}
            name = f"{running.name}-{measure.name}.head"
        return self._file(name, payloads.head(running.routes[measure.kind].path, headers))

    def command(self, measure: Measure, running: Running) -> list[str]:
        """The generator's command line for a measure on a target."""
        route = running.routes[measure.kind]
        many = connections(measure, running)
        body_name = f"{running.name}-{measure.name}.body"
        body = b"" if body_name in self._written else payloads.body(route.model, measure.shape)
        command = [str(BUILD / "load"), "--sync", "--port", str(running.port), "--conns", str(many)]
        command += [
            "--head",
            self._head(measure, running),
        ]
        command += ["--variants", str(measure.variants)]
        command += ["--body", self._file(body_name, body)]
        command += ["--keys", self._file(f"{running.name}.keys", "\n".join(running.keys).encode())]
        command += [
            "--seconds",
            str(measure.seconds),
            "--rate",
            str(measure.rate),
            "--warm",
            str(measure.warm),
        ]
        command += [
            "--timeout-ms",
            str(int(measure.timeout_s * 1000)),
            "--stagger-ms",
            str(measure.stagger_ms),
        ]
        if measure.streams_per_connection:
            command += ["--total", str(many * measure.streams_per_connection)]
        if measure.shape.stream:
            # Gateways that rewrite streams may merge closing events; all content must be there for everyone.
            events = measure.events if running.byte_exact else measure.events - 1
            return [*command, "--stream", "--events", str(events), "--gap-ms", str(measure.gap_ms)]
        if running.byte_exact and measure.kind != "translated":
            return [*command, "--expect", str(self.expect)]
        return [*command, "--min-bytes", str(_REWRITTEN_BYTES_MIN)]

    def run(self, measure: Measure, running: Running, number: int) -> Window:
        """One window: connect and warm up, sample CPU, load, sample again."""
        command = self.command(measure, running)
        deadline_s = measure.seconds + 2 * measure.timeout_s + _WARM_DEADLINE_S
        load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert load.stdin is not None and load.stdout is not None
        try:
            if load.stdout.readline() != "ready\n":
                raise RuntimeError(f"the load generator did not start: {' '.join(command)}")
            with proc.RssSampler(running.roots) as sampler:
                before = proc.sample_cpu(running.roots)
                output, _ = load.communicate("go\n", timeout=deadline_s)
                used = proc.cpu_between(before, proc.sample_cpu(running.roots))
        finally:
            load.kill()
            load.wait()
        report = json.loads(output)
        peak = sampler.peak_mb if running.roots else 0.0
        return Window(running.name, measure.name, number, report, used.ns, used.vanished, peak)
