"""The run side of metrics: slots of plain integers that a call finds by one dict look-up.

A worker never renders. Once a second, and before a scrape, it sends the running totals of what changed; totals and
not differences, so that a message sent twice, or a bookkeeper that was restarted and asks for everything, counts
nothing twice. Times are counted in log2 histograms: slot n holds the times whose `bit_length()` in microseconds is n.

The series cap: a worker makes at most `series_max` slots. From then on a new combination is counted under model and
key "other" (and, should even those be too many, under provider "other"), so totals stay right and memory stays flat
whatever callers send.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from asbru.telemetry.names import HISTOGRAM_SLOTS, SERIES_OVERFLOWED, Metric

if TYPE_CHECKING:
    from asbru.core.usage import Usage

SERIES_MAX = 1000
OVERFLOW_SERIES_MAX = 200
LABEL_CHARS_MAX = 128
OTHER = "other"
TOTAL_MAX = 2**63 - 1
"""What is reported of a total that has grown beyond it. A larger number cannot be sent, and all others would be held up
with it."""

CallLabels: TypeAlias = tuple[str, str, str, str, int, str]
"""(surface, provider, model, key, status, outcome): see `names.CALL_LABELS`. `model` is "" until one was found."""

SlotTotals: TypeAlias = tuple[
    CallLabels, int, int, int, int, tuple[int, int, int, int, int, int, int, int], list[int], list[int], int
]
"""(labels, count, latency_us, first_us, cost_nanousd, tokens by bucket, latency histogram, first-token histogram;
the histograms without their trailing zeros; then attempts beside those that good calls ended with)."""

Sample: TypeAlias = tuple[str, tuple[str, ...], float]
"""(metric name, label values, value)."""

Collected: TypeAlias = tuple[list[SlotTotals], list[Sample], list[Sample]]
"""(slots, counters, gauges): what a worker tells the bookkeeper."""

_LAST = HISTOGRAM_SLOTS - 1


class CallSlot:
    """Counters of one kind of call."""

    __slots__ = (
        "attempts",
        "audio_input",
        "audio_output",
        "cache_read",
        "cache_write_1h",
        "cache_write_5m",
        "cost_nanousd",
        "count",
        "first",
        "first_us",
        "input",
        "labels",
        "latency",
        "latency_us",
        "output",
        "reasoning",
        "sent_count",
    )

    def __init__(self, labels: CallLabels) -> None:
        self.labels = labels
        self.count = 0
        self.sent_count = 0
        self.latency_us = 0
        self.first_us = 0
        self.latency = [0] * HISTOGRAM_SLOTS
        self.first: list[int] | None = None
        self.input = self.cache_read = self.cache_write_5m = self.cache_write_1h = self.audio_input = 0
        self.output = self.reasoning = self.audio_output = 0
        self.cost_nanousd = 0
        self.attempts = 0

    def observe(
        self, latency_us: int, first_token_us: int | None, usage: Usage | None, cost_nanousd: int | None
    ) -> None:
        """Count one call. `first_token_us` for streams, from the same start as `latency_us`."""
        self.count += 1
        self.latency_us += latency_us
        size = latency_us.bit_length()
        self.latency[size if size < _LAST else _LAST] += 1
        if first_token_us is not None:
            self._observe_first(first_token_us)
        if usage is not None:
            self.input += usage.input
            self.output += usage.output
            # The rest is zero in most calls, and a test is cheaper than an addition to an attribute.
            if usage.reasoning:
                self.reasoning += usage.reasoning
            if usage.cache_read:
                self.cache_read += usage.cache_read
            if usage.cache_write_5m:
                self.cache_write_5m += usage.cache_write_5m
            if usage.cache_write_1h:
                self.cache_write_1h += usage.cache_write_1h
            if usage.audio_input:
                self.audio_input += usage.audio_input
            if usage.audio_output:
                self.audio_output += usage.audio_output
        if cost_nanousd is not None:
            self.cost_nanousd += cost_nanousd

    def spend(self, usage: Usage, cost_nanousd: int | None) -> None:
        """Count what an attempt used that was not its call's last: tokens and money, no call."""
        self.sent_count = -1  # something changed, though the count did not
        self.input += usage.input
        self.cache_read += usage.cache_read
        self.cache_write_5m += usage.cache_write_5m
        self.cache_write_1h += usage.cache_write_1h
        self.audio_input += usage.audio_input
        self.output += usage.output
        self.reasoning += usage.reasoning
        self.audio_output += usage.audio_output
        self.cost_nanousd += cost_nanousd or 0

    def count_attempt(self) -> None:
        """Count an attempt that is not the last of a good call: that one is told by the call itself."""
        self.sent_count = -1
        self.attempts += 1

    def _observe_first(self, first_token_us: int) -> None:
        counts = self.first
        if counts is None:  # most slots never see a stream
            counts = self.first = [0] * HISTOGRAM_SLOTS
        self.first_us += first_token_us
        size = first_token_us.bit_length()
        counts[size if size < _LAST else _LAST] += 1

    def totals(self) -> SlotTotals:
        """The slot as it is sent."""
        return (
            self.labels,
            self.count,
            min(self.latency_us, TOTAL_MAX),
            min(self.first_us, TOTAL_MAX),
            min(self.cost_nanousd, TOTAL_MAX),
            (
                min(self.input, TOTAL_MAX),
                min(self.cache_read, TOTAL_MAX),
                min(self.cache_write_5m, TOTAL_MAX),
                min(self.cache_write_1h, TOTAL_MAX),
                min(self.audio_input, TOTAL_MAX),
                min(self.output, TOTAL_MAX),
                min(self.reasoning, TOTAL_MAX),
                min(self.audio_output, TOTAL_MAX),
            ),
            _trimmed(self.latency),
            _trimmed(self.first) if self.first is not None else [],
            self.attempts,
        )


class Counter:
    """A number that only grows."""

    __slots__ = ("labels", "metric", "value")

    def __init__(self, metric: Metric, labels: tuple[str, ...]) -> None:
        self.metric = metric
        self.labels = labels
        self.value = 0

    def add(self, count: int = 1) -> None:
        """Count."""
        self.value += count


class SeriesCap:
    """Decides under which labels a call is counted. Labels once admitted stay, so no series ever goes back."""

    def __init__(self, series_max: int = SERIES_MAX) -> None:
        self._series_max = series_max
        self._admitted: set[CallLabels] = set()
        self._overflow: set[CallLabels] = set()

    def admit(self, labels: CallLabels) -> CallLabels:
        """`labels`, its model bounded; or, when there is no room for them, the labels that stand for the rest."""
        surface, provider, model, key, status, outcome = labels
        if len(model) > LABEL_CHARS_MAX:
            labels = (surface, provider, model[:LABEL_CHARS_MAX], key, status, outcome)
        if labels in self._admitted:
            return labels
        if len(self._admitted) < self._series_max:
            self._admitted.add(labels)
            return labels
        labels = (surface, provider, OTHER, OTHER, status, outcome)
        if labels not in self._overflow:
            if len(self._overflow) >= OVERFLOW_SERIES_MAX:
                return (OTHER, OTHER, OTHER, OTHER, 0, OTHER)
            self._overflow.add(labels)
        return labels


class Meter:
    """All metrics of one worker."""

    def __init__(self, *, series_max: int = SERIES_MAX) -> None:
        self._slots: dict[CallLabels, CallSlot] = {}
        self._cap = SeriesCap(series_max)
        self._counters: dict[tuple[str, tuple[str, ...]], Counter] = {}
        self._counter_reads: list[tuple[Metric, tuple[str, ...], Callable[[], int]]] = []
        self._gauges: list[tuple[Metric, tuple[str, ...], Callable[[], float]]] = []
        self._sent: dict[tuple[str, tuple[str, ...]], float] = {}
        self._overflowed = self.counter(SERIES_OVERFLOWED)

    def slot(self, labels: CallLabels) -> CallSlot:
        """The counters for calls of this kind, made on first use."""
        found = self._slots.get(labels)
        return found if found is not None else self._new_slot(labels)

    def counter(self, metric: Metric, labels: tuple[str, ...] = ()) -> Counter:
        """A counter to keep and add to. For label values from configuration only: it is not capped."""
        _check(metric, labels)
        return self._counters.setdefault((metric.name, labels), Counter(metric, labels))

    def count_by(self, metric: Metric, read: Callable[[], int], labels: tuple[str, ...] = ()) -> None:
        """A counter that somebody else keeps: `read` returns its running total."""
        _check(metric, labels)
        self._counter_reads.append((metric, labels, read))

    def gauge(self, metric: Metric, read: Callable[[], float], labels: tuple[str, ...] = ()) -> None:
        """A number that goes up and down: `read` is asked once a second and before a scrape. Asked again for the
        same metric and labels, the newer `read` replaces the older (a reload builds its rooms anew)."""
        _check(metric, labels)
        self._gauges = [one for one in self._gauges if (one[0], one[1]) != (metric, labels)]
        self._gauges.append((metric, labels, read))

    def collect_delta(self, *, everything: bool = False) -> Collected | None:
        """Running totals of what changed since the last call; None when nothing did. `everything`: of all there is,
        for a bookkeeper that knows nothing yet. What is returned must reach it, or be asked for with `everything`."""
        slots: list[SlotTotals] = []
        for slot in self._slots.values():
            if slot.count != slot.sent_count or everything:
                slot.sent_count = slot.count
                slots.append(slot.totals())
        counters = self._changed(
            [(one.metric, one.labels, one.value) for one in self._counters.values()]
            + [(metric, labels, read()) for metric, labels, read in self._counter_reads],
            everything,
        )
        gauges = self._changed([(metric, labels, read()) for metric, labels, read in self._gauges], everything)
        if not slots and not counters and not gauges and not everything:
            return None
        return slots, counters, gauges

    def _changed(self, values: Sequence[tuple[Metric, tuple[str, ...], float]], everything: bool) -> list[Sample]:
        changed: list[Sample] = []
        for metric, labels, value in values:
            key = (metric.name, labels)
            if everything or self._sent.get(key, 0) != value:
                self._sent[key] = value
                changed.append((metric.name, labels, value))
        return changed

    def _new_slot(self, labels: CallLabels) -> CallSlot:
        admitted = self._cap.admit(labels)
        if admitted[2:4] == (OTHER, OTHER):
            self._overflowed.add()
        found = self._slots.get(admitted)
        if found is None:
            found = self._slots[admitted] = CallSlot(admitted)
        return found


def _check(metric: Metric, labels: tuple[str, ...]) -> None:
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.name} takes the labels {metric.labels}, got {labels}")


def _trimmed(counts: list[int]) -> list[int]:
    """Without trailing zeros: most calls of a kind take about as long."""
    end = len(counts)
    while end and not counts[end - 1]:
        end -= 1
    return counts[:end]
