"""The run side of metrics: slots of plain integers that a call finds by one dict look-up.

A worker never renders. Once a second, and before a scrape, it sends the running totals of what changed; totals and
not differences, so that a message sent twice, or a bookkeeper that was restarted and asks for everything, counts
nothing twice. Times are counted in log2 histograms, which know fewer labels than the rest: slot n holds the times whose
`bit_length()` in microseconds is n.

Two bounds keep memory flat whatever callers send. A model's name is a label only if it is known (`Meter.configure`);
any other is counted as "other". And a worker makes at most `series_max` slots: from then on a new combination is
counted without its virtual key and tags, then also without model, key, team and customer, so totals stay right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from asbru.telemetry.names import HISTOGRAM_SLOTS, SERIES_OVERFLOWED, Metric

if TYPE_CHECKING:
    from asbru.core.usage import Usage

SERIES_MAX = 10_000
OVERFLOW_SERIES_MAX = 200
COUNTERS_MAX = 2000
LABEL_CHARS_MAX = 128
OTHER = "other"
TOTAL_MAX = 2**63 - 1
"""What is reported of a total that has grown beyond it. A larger number cannot be sent, and all others would be held up
with it."""

Tags: TypeAlias = tuple[tuple[str, str], ...]
"""(name, value) of each tag that is a label, in one order."""

CallLabels: TypeAlias = tuple[str, str, str, str, int, str, str, str, str, str, Tags]
"""(surface, provider, model, key, status, outcome, virtual_key, team, customer, type of error, tags): see
`names.CALL_LABELS`. `model` is "" until one was found, the type "" where nothing went wrong."""

TimeLabels: TypeAlias = tuple[str, str, str, str]
"""(surface, provider, model, outcome)."""

SlotTotals: TypeAlias = tuple[CallLabels, int, int, tuple[int, int, int, int, int, int, int, int, int, int], int]
"""(labels, count, cost_nanousd, tokens by bucket, attempts beside those that good calls ended with)."""

Histogram: TypeAlias = tuple[int, list[int]]
"""(sum in microseconds, counts without their trailing zeros)."""

TimeTotals: TypeAlias = tuple[TimeLabels, tuple[Histogram, Histogram, Histogram, Histogram]]
"""(labels, histograms in the order of `names.TIMES`)."""

Sample: TypeAlias = tuple[str, tuple[str, ...], float]
"""(metric name, label values, value)."""


class Collected(NamedTuple):
    """What a worker tells the bookkeeper."""

    slots: list[SlotTotals]
    times: list[TimeTotals]
    counters: list[Sample]
    gauges: list[Sample]


_LAST = HISTOGRAM_SLOTS - 1


class TimeSlot:
    """Histograms of one kind of call."""

    __slots__ = (
        "between",
        "between_us",
        "first",
        "first_us",
        "labels",
        "latency",
        "latency_us",
        "overhead",
        "overhead_us",
    )

    def __init__(self, labels: TimeLabels) -> None:
        self.labels = labels
        self.latency_us = self.overhead_us = self.first_us = self.between_us = 0
        self.latency = [0] * HISTOGRAM_SLOTS
        self.overhead = [0] * HISTOGRAM_SLOTS
        self.first: list[int] | None = None
        self.between: list[int] | None = None

    def observe_stream(self, first_us: int, rest_us: int, tokens: int) -> None:
        """Count a stream: its first content, and the mean time of each token after the first one."""
        if self.first is None:  # most slots never see a stream
            self.first = [0] * HISTOGRAM_SLOTS
        self.first_us += first_us
        size = first_us.bit_length()
        self.first[size if size < _LAST else _LAST] += 1
        if tokens > 1:
            if self.between is None:
                self.between = [0] * HISTOGRAM_SLOTS
            between_us = rest_us // (tokens - 1)
            self.between_us += between_us
            size = between_us.bit_length()
            self.between[size if size < _LAST else _LAST] += 1

    def totals(self) -> TimeTotals:
        """The slot as it is sent."""
        return (
            self.labels,
            (
                (min(self.latency_us, TOTAL_MAX), _trimmed(self.latency)),
                (min(self.overhead_us, TOTAL_MAX), _trimmed(self.overhead)),
                (min(self.first_us, TOTAL_MAX), _trimmed(self.first or [])),
                (min(self.between_us, TOTAL_MAX), _trimmed(self.between or [])),
            ),
        )


class CallSlot:
    """Counters of one kind of call. `overflow`: it stands for others that there was no room for."""

    __slots__ = (
        "attempts",
        "audio_input",
        "audio_output",
        "cache_read",
        "cache_write_1h",
        "cache_write_5m",
        "cost_nanousd",
        "count",
        "image_input",
        "image_output",
        "input",
        "labels",
        "output",
        "overflow",
        "reasoning",
        "sent_count",
        "times",
    )

    def __init__(self, labels: CallLabels, times: TimeSlot, *, overflow: bool = False) -> None:
        self.labels = labels
        self.times = times
        self.overflow = overflow
        self.count = 0
        self.sent_count = 0
        self.input = self.cache_read = self.cache_write_5m = self.cache_write_1h = self.audio_input = 0
        self.output = self.reasoning = self.audio_output = 0
        self.image_input = self.image_output = 0
        self.cost_nanousd = 0
        self.attempts = 0

    def observe(
        self,
        latency_us: int,
        overhead_us: int,
        usage: Usage | None,
        cost_nanousd: int | None,
        *,
        first_us: int | None = None,
    ) -> None:
        """Count one call. `overhead_us`: what of its latency was not spent waiting for a provider; `first_us` for
        streams, from the same start as `latency_us`."""
        self.count += 1
        times = self.times
        times.latency_us += latency_us
        size = latency_us.bit_length()
        times.latency[size if size < _LAST else _LAST] += 1
        times.overhead_us += overhead_us
        size = overhead_us.bit_length()
        times.overhead[size if size < _LAST else _LAST] += 1
        if first_us is not None:
            times.observe_stream(first_us, latency_us - first_us, 0 if usage is None else usage.output_total)
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
            if usage.audio_input or usage.audio_output or usage.image_input or usage.image_output:
                self._add_media(usage)
        if cost_nanousd is not None:
            self.cost_nanousd += cost_nanousd

    def spend(self, usage: Usage, cost_nanousd: int | None) -> None:
        """Count what an attempt used that was not its call's last: tokens and money, no call."""
        self.sent_count = -1  # something changed, though the count did not
        self.input += usage.input
        self.cache_read += usage.cache_read
        self.cache_write_5m += usage.cache_write_5m
        self.cache_write_1h += usage.cache_write_1h
        self.output += usage.output
        self.reasoning += usage.reasoning
        self._add_media(usage)
        self.cost_nanousd += cost_nanousd or 0

    def _add_media(self, usage: Usage) -> None:
        self.audio_input += usage.audio_input
        self.audio_output += usage.audio_output
        self.image_input += usage.image_input
        self.image_output += usage.image_output

    def count_attempt(self) -> None:
        """Count an attempt that is not the last of a good call: that one is told by the call itself."""
        self.sent_count = -1
        self.attempts += 1

    def totals(self) -> SlotTotals:
        """The slot as it is sent."""
        return (
            self.labels,
            self.count,
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
                min(self.image_input, TOTAL_MAX),
                min(self.image_output, TOTAL_MAX),
            ),
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
        self.series_max = series_max
        self._admitted: set[CallLabels] = set()
        self._overflow: set[CallLabels] = set()

    def admit(self, labels: CallLabels) -> CallLabels:
        """`labels`; or, when there is no room for them, labels that stand for several."""
        if labels in self._admitted:
            return labels
        if len(self._admitted) < self.series_max:
            self._admitted.add(labels)
            return labels
        surface, provider, model, key, status, outcome, _, team, customer, error, tags = labels
        tags = tuple((name, OTHER) for name, _ in tags)
        for rest in (
            (surface, provider, model, key, status, outcome, OTHER, team, customer, error, tags),
            (surface, provider, OTHER, OTHER, status, outcome, OTHER, OTHER, OTHER, error, tags),
        ):
            if rest in self._overflow:
                return rest
            if len(self._overflow) < OVERFLOW_SERIES_MAX:
                self._overflow.add(rest)
                return rest
        return (OTHER, OTHER, OTHER, OTHER, 0, OTHER, OTHER, OTHER, OTHER, OTHER, tags)


class _Found(dict[CallLabels, CallSlot]):
    """Where calls with these labels are counted, as they come: more than there are slots, and bounded apart."""

    def __init__(self, find: Callable[[CallLabels], CallSlot]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, labels: CallLabels) -> CallSlot:
        return self._find(labels)


ModelLabel: TypeAlias = Callable[[str, str], str]
"""The label for a model, from the provider's name and its own name there; `OTHER` where it is not known."""


def _as_it_is(provider: str, model: str) -> str:
    del provider
    return model


class Meter:
    """All metrics of one worker."""

    def __init__(self, *, series_max: int = SERIES_MAX) -> None:
        self._found = _Found(self._find_slot)
        self.slot: Callable[[CallLabels], CallSlot] = self._found.__getitem__
        """The counters for calls of this kind, made on first use."""
        self._slots: dict[CallLabels, CallSlot] = {}
        self._times: dict[TimeLabels, TimeSlot] = {}
        self._cap = SeriesCap(series_max)
        self._label: ModelLabel = _as_it_is
        self._counters: dict[tuple[str, tuple[str, ...]], Counter] = {}
        self._counter_reads: list[tuple[Metric, tuple[str, ...], Callable[[], int]]] = []
        self._gauges: list[tuple[Metric, tuple[str, ...], Callable[[], float]]] = []
        self._sent: dict[tuple[str, tuple[str, ...]], float] = {}
        self.count_by(SERIES_OVERFLOWED, self._overflowed)

    @property
    def series_max(self) -> int:
        """How many kinds of call are told apart."""
        return self._cap.series_max

    def configure(self, label: ModelLabel, series_max: int) -> None:
        """From now on, models have these labels, and so many kinds of call are told apart. What has its series keeps
        it."""
        self._label = label
        self._cap.series_max = series_max
        self.forget_labels()

    def forget_labels(self) -> None:
        """More models may be known than before: ask again."""
        self._found.clear()

    def model_label(self, provider: str, model: str) -> str:
        """The label for a model's name."""
        return self._label(provider, model)[:LABEL_CHARS_MAX] if model else ""

    def counter(self, metric: Metric, labels: tuple[str, ...] = ()) -> Counter:
        """A counter to keep and add to. Of very many, the last ones are one for each metric."""
        _check(metric, labels)
        found = self._counters.get((metric.name, labels))
        if found is None:
            if len(self._counters) >= COUNTERS_MAX:
                labels = (OTHER,) * len(labels)
            found = self._counters.setdefault((metric.name, labels), Counter(metric, labels))
        return found

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
        changed: dict[TimeLabels, TimeSlot] = {}
        for slot in self._slots.values():
            if slot.count != slot.sent_count or everything:
                slot.sent_count = slot.count
                slots.append(slot.totals())
                if slot.count:
                    changed[slot.times.labels] = slot.times
        times = [one.totals() for one in changed.values()]
        counters = self._changed(
            [(one.metric, one.labels, one.value) for one in self._counters.values()]
            + [(metric, labels, read()) for metric, labels, read in self._counter_reads],
            everything,
        )
        gauges = self._changed([(metric, labels, read()) for metric, labels, read in self._gauges], everything)
        if not slots and not counters and not gauges and not everything:
            return None
        return Collected(slots, times, counters, gauges)

    def _changed(self, values: Sequence[tuple[Metric, tuple[str, ...], float]], everything: bool) -> list[Sample]:
        changed: list[Sample] = []
        for metric, labels, value in values:
            key = (metric.name, labels)
            if everything or self._sent.get(key, 0) != value:
                self._sent[key] = value
                changed.append((metric.name, labels, value))
        return changed

    def _find_slot(self, asked: CallLabels) -> CallSlot:
        provider, model = asked[1:3]
        label = self.model_label(provider, model)
        labels = asked if label == model else (*asked[:2], label, *asked[3:])
        admitted = self._cap.admit(labels)
        found = self._slots.get(admitted)
        if found is None:
            surface, provider, model, _, _, outcome, *_ = admitted
            named = (surface, provider, model, outcome)
            times = self._times.get(named)
            if times is None:
                times = self._times[named] = TimeSlot(named)
            found = self._slots[admitted] = CallSlot(admitted, times, overflow=admitted != labels)
        if len(self._found) >= 2 * self._cap.series_max:  # callers choose names
            self._found.clear()
        self._found[asked] = found
        return found

    def _overflowed(self) -> int:
        return sum(slot.count for slot in self._slots.values() if slot.overflow)


def _check(metric: Metric, labels: tuple[str, ...]) -> None:
    if len(labels) != len(metric.labels):
        raise ValueError(f"{metric.name} takes the labels {metric.labels}, got {labels}")


def _trimmed(counts: list[int]) -> list[int]:
    """Without trailing zeros: most calls of a kind take about as long."""
    end = len(counts)
    while end and not counts[end - 1]:
        end -= 1
    return counts[:end]
