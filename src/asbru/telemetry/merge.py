"""What the workers reported, merged: the bookkeeper's side of metrics.

Each worker sends running totals, so the newest report of a worker simply replaces its older one. Counters of a worker
that ended stay in the sum (a counter must not go back), its gauges leave it. Workers that ended long ago are folded
into one total, so a worker that dies again and again costs nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from asbru.telemetry import names
from asbru.telemetry.metrics import (
    OTHER,
    SERIES_MAX,
    CallLabels,
    Collected,
    SeriesCap,
    SlotTotals,
    TimeLabels,
    TimeTotals,
)

GONE_KEPT_MAX = 16
"""Workers that ended and may yet come back on a new connection under the same incarnation."""

SampleKey: TypeAlias = tuple[str, tuple[str, ...]]

_Figures: TypeAlias = "array[int]"
"""A slot's (count, cost_nanousd, attempts, tokens by bucket): as large after a billion calls as after one, and without
the labels, which each report brings anew."""


def _figures(totals: SlotTotals) -> _Figures:
    _, count, cost_nanousd, tokens, attempts = totals
    return array("q", (count, cost_nanousd, attempts, *tokens))


class CallTotals:
    """The totals of one kind of call."""

    __slots__ = ("attempts", "cost_nanousd", "count", "tokens")

    def __init__(self) -> None:
        self.count = self.cost_nanousd = self.attempts = 0
        self.tokens = [0] * len(names.TOKEN_BUCKETS)

    def add(self, figures: _Figures) -> None:
        """Add what a worker sent."""
        count, cost_nanousd, attempts, *tokens = figures
        self.count += count
        self.cost_nanousd += cost_nanousd
        self.attempts += attempts
        _add_all(self.tokens, tokens)

    def merge(self, other: CallTotals) -> None:
        """Add another's totals."""
        self.count += other.count
        self.cost_nanousd += other.cost_nanousd
        self.attempts += other.attempts
        _add_all(self.tokens, other.tokens)


class Times:
    """The histograms of one kind of call, in the order of `names.TIMES`."""

    __slots__ = ("counts", "sums_us")

    def __init__(self) -> None:
        self.sums_us = [0] * len(names.TIMES)
        self.counts = [[0] * names.HISTOGRAM_SLOTS for _ in names.TIMES]

    def add(self, histograms: Iterable[tuple[int, Sequence[int]]]) -> None:
        """Add what a worker sent, or another's totals."""
        for at, (sum_us, counts) in enumerate(histograms):
            self.sums_us[at] += sum_us
            _add_all(self.counts[at], counts)


class _Worker:
    """The newest totals of one worker."""

    __slots__ = ("counters", "gauges", "slots", "times")

    def __init__(self) -> None:
        self.slots: dict[CallLabels, _Figures] = {}
        self.times: dict[TimeLabels, TimeTotals] = {}
        self.counters: dict[SampleKey, float] = {}
        self.gauges: dict[SampleKey, float] = {}


class Totals:
    """All workers' figures. `series_max` bounds the kinds of call that are told apart, over all workers."""

    def __init__(self, *, series_max: int = SERIES_MAX) -> None:
        self._cap = SeriesCap(series_max)
        self._alive: dict[str, _Worker] = {}
        self._gone: dict[str, _Worker] = {}
        self._folded: dict[CallLabels, CallTotals] = {}
        self._folded_times: dict[TimeLabels, Times] = {}
        self._times_admitted: set[TimeLabels] = set()
        self._folded_counters: dict[SampleKey, float] = {}

    def cap(self, series_max: int) -> None:
        """From now on so many kinds of call are told apart. What has its series keeps it."""
        self._cap.series_max = series_max

    def take(self, incarnation: str, delta: Collected, *, everything: bool) -> None:
        """A worker's report. `everything`: it replaces all that was known of this incarnation."""
        worker = self._alive.get(incarnation)
        if worker is None:
            worker = self._alive[incarnation] = self._gone.pop(incarnation, None) or _Worker()
        if everything:
            worker.slots.clear()
            worker.times.clear()
            worker.counters.clear()
            worker.gauges.clear()
        slots, times, counters, gauges = delta
        for slot in slots:
            worker.slots[slot[0]] = _figures(slot)
        for one in times:
            worker.times[one[0]] = one
        for name, labels, value in counters:
            worker.counters[name, labels] = value
        for name, labels, value in gauges:
            worker.gauges[name, labels] = value

    def part(self, incarnation: str) -> None:
        """A worker's connection ended: its gauges count no more, its counters stay."""
        worker = self._alive.pop(incarnation, None)
        if worker is None:
            return
        worker.gauges.clear()
        self._gone[incarnation] = worker
        while len(self._gone) > GONE_KEPT_MAX:
            self._fold(self._gone.pop(next(iter(self._gone))))

    def calls(self) -> dict[CallLabels, CallTotals]:
        """Totals by kind of call, over all workers that ever reported."""
        merged: dict[CallLabels, CallTotals] = {}
        for labels, totals in self._folded.items():
            merged.setdefault(labels, CallTotals()).merge(totals)
        for worker in self._workers():
            self._add_slots(merged, worker)
        return merged

    def times(self) -> dict[TimeLabels, Times]:
        """Histograms by kind of call, over all workers that ever reported."""
        merged: dict[TimeLabels, Times] = {}
        for labels, folded in self._folded_times.items():
            merged.setdefault(labels, Times()).add(zip(folded.sums_us, folded.counts, strict=True))
        for worker in self._workers():
            self._add_times(merged, worker)
        return merged

    def counters(self) -> dict[SampleKey, float]:
        """Counters other than those of calls."""
        merged = dict(self._folded_counters)
        for worker in self._workers():
            _add_counters(merged, worker)
        return merged

    def gauges(self) -> dict[SampleKey, float]:
        """Gauges over the workers that are connected: summed, or the largest where the metric says so."""
        merged: dict[SampleKey, float] = {}
        largest = {metric.name for metric in names.METRICS if metric.merge == "max"}
        for worker in self._alive.values():
            for key, value in worker.gauges.items():
                if key[0] in largest:
                    merged[key] = max(value, merged.get(key, value))
                else:
                    merged[key] = merged.get(key, 0) + value
        return merged

    def _workers(self) -> Iterable[_Worker]:
        yield from self._gone.values()
        yield from self._alive.values()

    def _add_slots(self, merged: dict[CallLabels, CallTotals], worker: _Worker) -> None:
        for labels, figures in worker.slots.items():
            admitted = self._cap.admit(labels)
            totals = merged.get(admitted)
            if totals is None:
                totals = merged[admitted] = CallTotals()
            totals.add(figures)

    def _add_times(self, merged: dict[TimeLabels, Times], worker: _Worker) -> None:
        for labels, (_, histograms) in worker.times.items():
            merged.setdefault(self._admit_times(labels), Times()).add(histograms)

    def _admit_times(self, labels: TimeLabels) -> TimeLabels:
        """Each worker keeps its bound; over all of them there are no more kinds than `series_max` either."""
        admitted = self._times_admitted
        if labels in admitted:
            return labels
        if len(admitted) < self._cap.series_max:
            admitted.add(labels)
            return labels
        surface, provider, _, outcome = labels
        return surface, provider, OTHER, outcome

    def _fold(self, worker: _Worker) -> None:
        self._add_slots(self._folded, worker)
        self._add_times(self._folded_times, worker)
        _add_counters(self._folded_counters, worker)


def _add_counters(merged: dict[SampleKey, float], worker: _Worker) -> None:
    for key, value in worker.counters.items():
        merged[key] = merged.get(key, 0) + value


def _add_all(sums: list[int], counts: Sequence[int]) -> None:
    # A worker's lists may be shorter than ours; longer ones would be another version's.
    for at, count in enumerate(counts[: len(sums)]):
        sums[at] += count
