"""The merged totals in Prometheus' text format 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/). Only the bookkeeper imports this.

Written here and not by a library, because the bookkeeper writes records meanwhile: ten thousand kinds of call are fifty
thousand lines. Histograms are counted in powers of two microseconds; here a slot becomes a bucket with its upper bound
in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from asbru.telemetry import names
from asbru.telemetry.merge import CallTotals, SampleKey, Times, Totals
from asbru.telemetry.metrics import CallLabels, Tags, TimeLabels

NANO = 1e-9
MICRO = 1e-6
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9_]")

Sums: TypeAlias = dict[tuple[str, ...], float]


def render(totals: Totals, own: Iterable[tuple[names.Metric, float]]) -> bytes:
    """All metrics. `own`: the bookkeeper's own figures, without labels."""
    lines: list[str] = []
    for family in _Calls(totals.calls()).families():
        lines += family
    lines += _times(totals.times())
    samples: dict[SampleKey, float] = {(metric.name, ()): value for metric, value in own}
    samples.update(totals.counters())
    samples.update(totals.gauges())
    lines += _plain(samples)
    lines.append("")
    return "\n".join(lines).encode("utf-8", "replace")


class _Family:
    """The lines of one metric. `more`: labels besides the metric's own, whose values come after theirs."""

    def __init__(self, metric: names.Metric, more: Sequence[str] = ()) -> None:
        self._metric = metric
        labels = (*metric.labels, *more)
        self._order = sorted(range(len(labels)), key=labels.__getitem__)
        self._pairs = ",".join(f'{labels[at]}="%s"' for at in self._order)
        self._escaped: dict[str, str] = {}
        sentence = metric.sentence.replace("\\", "\\\\").replace("\n", "\\n")
        self.lines = [f"# HELP {metric.name} {sentence}", f"# TYPE {metric.name} {metric.kind}"]

    def add(self, labels: Sequence[str], value: float) -> None:
        """One series."""
        named = f"{{{self._named(labels)}}}" if labels else ""
        self.lines.append(f"{self._metric.name}{named} {float(value)!r}")

    def fill(self, sums: Sums) -> list[str]:
        """The lines, with a series for each of `sums`."""
        for labels, value in sums.items():
            self.add(labels, value)
        return self.lines

    def add_histogram(self, labels: Sequence[str], buckets: Sequence[tuple[str, int]], sum_s: float) -> None:
        """One histogram: its buckets, how many and how much."""
        name, named = self._metric.name, self._named(labels)
        self.lines += [f'{name}_bucket{{{named},le="{bound}"}} {count}.0' for bound, count in buckets]
        self.lines.append(f"{name}_count{{{named}}} {buckets[-1][1]}.0")
        self.lines.append(f"{name}_sum{{{named}}} {sum_s!r}")

    def _named(self, labels: Sequence[str]) -> str:
        escaped = self._escaped
        values: list[str] = []
        for at in self._order:
            text = labels[at]
            value = escaped.get(text)
            if value is None:
                value = escaped[text] = text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
            values.append(value)
        return self._pairs % tuple(values)


class _Calls:
    """The counters of calls. Each metric leaves out labels that it has no use for; the tags that are labels come last
    in all that name the caller."""

    def __init__(self, calls: dict[CallLabels, CallTotals]) -> None:
        self._calls = calls
        self._tags = sorted({name for labels in calls for name, _ in labels[-1]})
        self._tag_labels = [f"tag_{_NOT_IN_A_LABEL.sub('_', name)}" for name in self._tags]

    def families(self) -> Iterator[list[str]]:
        """The lines of each."""
        calls = _Family(names.CALLS, self._tag_labels)
        errors: Sums = {}
        attempts: Sums = {}
        costs: Sums = {}
        tokens: dict[tuple[str, ...], list[int]] = {}
        for labels, totals in self._calls.items():
            surface, provider, model, key, status, outcome, virtual_key, team, customer, error, tags = labels
            caller = (virtual_key, team, customer, *self._values(tags))
            if totals.count:  # else only attempts were counted under it
                _add(errors, (surface, provider, model, error, *caller), totals.count if error else 0)
                calls.add((surface, provider, model, key, str(status), outcome, *caller), totals.count)
            # A good call tells its last attempt by itself; all others were counted.
            count = totals.attempts + (totals.count if outcome == "ok" and model else 0)
            told = str(status) if outcome in names.STATUS_OUTCOMES else outcome
            _add(attempts, (provider, model, key, told), count)
            of_usage = (surface, provider, model, key, *caller)
            _add(costs, of_usage, totals.cost_nanousd * NANO)
            if any(totals.tokens):
                before = tokens.get(of_usage, [0] * len(totals.tokens))
                tokens[of_usage] = [sum(both) for both in zip(before, totals.tokens, strict=True)]
        yield calls.lines
        yield _Family(names.ERRORS, self._tag_labels).fill(errors)
        yield _Family(names.ATTEMPTS).fill(attempts)
        yield _Family(names.TOKENS, self._tag_labels).fill(
            {
                (*labels[:4], bucket, *labels[4:]): count
                for labels, sums in tokens.items()
                for bucket, count in zip(names.TOKEN_BUCKETS, sums, strict=True)
                if count
            }
        )
        yield _Family(names.COST, self._tag_labels).fill(costs)

    def _values(self, tags: Tags) -> list[str]:
        if not self._tags:
            return []
        values = dict(tags)
        return [values.get(name, "") for name in self._tags]


def _add(sums: Sums, labels: tuple[str, ...], count: float) -> None:
    if count:
        sums[labels] = sums.get(labels, 0) + count


def _times(times: dict[TimeLabels, Times]) -> Iterator[str]:
    for at, (metric, first, last) in enumerate(names.TIMES):
        family = _Family(metric)
        for labels, one in times.items():
            if any(one.counts[at]):
                family.add_histogram(labels, buckets(one.counts[at], first, last), one.sums_us[at] * MICRO)
        yield from family.lines


def buckets(counts: Sequence[int], first: int, last: int) -> list[tuple[str, int]]:
    """Cumulative buckets [(upper bound in seconds, count)] from 2^first to 2^last microseconds, then +Inf. Slot n holds
    the times below 2^n us."""
    found: list[tuple[str, int]] = []
    sum_so_far = sum(counts[:first])
    for size in range(first, last + 1):
        sum_so_far += counts[size]
        found.append((repr(2**size / 1e6), sum_so_far))
    found.append(("+Inf", sum_so_far + sum(counts[last + 1 :])))
    return found


def _plain(samples: dict[SampleKey, float]) -> Iterator[str]:
    """Counters and gauges that are one number each; those without labels are shown even before anybody counted."""
    of_calls = {metric.name for metric in names.OF_CALLS}
    by_name: dict[str, Sums] = {}
    for (name, labels), value in samples.items():
        by_name.setdefault(name, {})[labels] = value
    for metric in names.METRICS:
        if metric.kind == "histogram" or metric.name in of_calls:
            continue
        sums = by_name.get(metric.name, {})
        if not metric.labels:
            sums.setdefault((), 0)
        yield from _Family(metric).fill(sums)
