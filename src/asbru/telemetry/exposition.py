"""The merged totals as Prometheus text, through prometheus-client. Heavy: only the bookkeeper imports this, and only
once somebody scrapes.

Histograms are counted in powers of two microseconds; here a slot becomes a bucket with its upper bound in seconds.
Bounds below BOUND_FIRST are one bucket. A histogram's labels leave out key and status, which its counters have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from asbru.telemetry import names
from asbru.telemetry.merge import CallTotals, SampleKey, Totals
from asbru.telemetry.metrics import CallLabels

BOUND_FIRST = 9
"""The lowest bound is 2^9 us: 0.5 ms."""

NANO = 1e-9
MICRO = 1e-6


def render(totals: Totals, own: Iterable[tuple[names.Metric, float]]) -> bytes:
    """All metrics in the text format 0.0.4. `own`: the bookkeeper's own figures, without labels."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(totals, own))
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, totals: Totals, own: Iterable[tuple[names.Metric, float]]) -> None:
        self._totals = totals
        self._own = list(own)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        calls = self._totals.calls()
        yield _calls(calls)
        yield _attempts(calls)
        yield from _usage(calls)
        yield from _times(calls)
        samples: dict[SampleKey, float] = {(metric.name, ()): value for metric, value in self._own}
        samples.update(self._totals.counters())
        samples.update(self._totals.gauges())
        yield from _plain(samples)


def _calls(calls: dict[CallLabels, CallTotals]) -> CounterMetricFamily:
    family = _counter(names.CALLS)
    for labels, totals in calls.items():
        if totals.count:  # else only attempts were counted under it
            family.add_metric([str(label) for label in labels], totals.count)
    return family


def _attempts(calls: dict[CallLabels, CallTotals]) -> CounterMetricFamily:
    """A good call tells its last attempt by itself; all others were counted."""
    sums: dict[tuple[str, ...], int] = {}
    for (_, provider, model, key, status, outcome), totals in calls.items():
        count = totals.attempts + (totals.count if outcome == "ok" and model else 0)
        if count:
            labels = (provider, model, key, str(status) if outcome in names.STATUS_OUTCOMES else outcome)
            sums[labels] = sums.get(labels, 0) + count
    family = _counter(names.ATTEMPTS)
    for labels, count in sums.items():
        family.add_metric(labels, count)
    return family


def _usage(calls: dict[CallLabels, CallTotals]) -> Iterator[CounterMetricFamily]:
    sums: dict[tuple[str, ...], CallTotals] = {}
    for (surface, provider, model, key, _, _), totals in calls.items():
        sums.setdefault((surface, provider, model, key), CallTotals()).merge(totals)
    tokens, cost = _counter(names.TOKENS), _counter(names.COST)
    for labels, totals in sums.items():
        for bucket, count in zip(names.TOKEN_BUCKETS, totals.tokens, strict=True):
            if count:
                tokens.add_metric([*labels, bucket], count)
        if totals.cost_nanousd:
            cost.add_metric(labels, totals.cost_nanousd * NANO)
    yield tokens
    yield cost


def _times(calls: dict[CallLabels, CallTotals]) -> Iterator[HistogramMetricFamily]:
    sums: dict[tuple[str, ...], CallTotals] = {}
    for (surface, provider, model, _, _, outcome), totals in calls.items():
        if not totals.count:
            continue
        sums.setdefault((surface, provider, model, outcome), CallTotals()).merge(totals)
    whole, first = _histogram(names.CALL_SECONDS), _histogram(names.FIRST_TOKEN_SECONDS)
    for labels, totals in sums.items():
        whole.add_metric(labels, buckets(totals.latency), totals.latency_us * MICRO)
        if any(totals.first):
            first.add_metric(labels, buckets(totals.first), totals.first_us * MICRO)
    yield whole
    yield first


def buckets(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Cumulative buckets [(upper bound in seconds, count)] ending with +Inf. Slot n holds the times below 2^n us."""
    found: list[tuple[str, float]] = []
    sum_so_far = sum(counts[:BOUND_FIRST])
    for size in range(BOUND_FIRST, len(counts) - 1):
        sum_so_far += counts[size]
        found.append((repr(2**size / 1e6), sum_so_far))
    found.append(("+Inf", sum_so_far + counts[-1]))
    return found


def _plain(
    samples: dict[SampleKey, float],
) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
    """Counters and gauges that are one number each; those without labels are shown even before anybody counted."""
    of_calls = {names.CALLS.name, names.ATTEMPTS.name, names.TOKENS.name, names.COST.name}
    for metric in names.METRICS:
        if metric.kind == "histogram" or metric.name in of_calls:
            continue
        family = _counter(metric) if metric.kind == "counter" else _gauge(metric)
        if not metric.labels:
            samples.setdefault((metric.name, ()), 0)
        for (name, labels), value in samples.items():
            if name == metric.name:
                family.add_metric(labels, value)
        yield family


def _counter(metric: names.Metric) -> CounterMetricFamily:
    return CounterMetricFamily(metric.name, metric.sentence, labels=metric.labels)


def _gauge(metric: names.Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.sentence, labels=metric.labels)


def _histogram(metric: names.Metric) -> HistogramMetricFamily:
    return HistogramMetricFamily(metric.name, metric.sentence, labels=metric.labels)
