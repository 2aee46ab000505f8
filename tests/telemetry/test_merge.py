"""Merging what workers report."""

from __future__ import annotations

import tracemalloc

import msgspec

from asbru.telemetry import CallLabels, Meter, merge, names
from asbru.telemetry.metrics import OVERFLOW_SERIES_MAX, Collected

LABELS: CallLabels = ("openai.chat", "openai", "gpt", "k1", 200, "ok", "", "", "", "", ())


def report(totals: merge.Totals, incarnation: str, meter: Meter, *, everything: bool = False) -> None:
    """As the writer sends it."""
    delta = meter.collect_delta(everything=everything)
    if delta is not None:
        totals.take(incarnation, delta, everything=everything)


def worker(calls: int, lag_s: float = 0) -> Meter:
    """A worker that served some calls."""
    meter = Meter()
    for _ in range(calls):
        meter.slot(LABELS).observe(1000, 60, None, 5, first_us=10)
    meter.gauge(names.CALLS_IN_FLIGHT, lambda: calls)
    meter.gauge(names.LOOP_LAG_SECONDS, lambda: lag_s)
    meter.counter(names.RECORDS_SHED).add(calls)
    return meter


def test_workers_are_summed() -> None:
    """Calls, counters and gauges are sums; the lag is the largest."""
    totals = merge.Totals()
    report(totals, "a", worker(2, 0.5))
    report(totals, "b", worker(3, 0.25))
    assert totals.calls()[LABELS].count == 5
    assert totals.calls()[LABELS].cost_nanousd == 25
    (times,) = totals.times().values()
    assert [counts[size] for counts, size in zip(times.counts, (10, 6, 4, 0), strict=True)] == [5, 5, 5, 0]
    assert times.sums_us == [5000, 300, 50, 0]
    assert totals.counters()[names.RECORDS_SHED.name, ()] == 5
    assert totals.gauges()[names.CALLS_IN_FLIGHT.name, ()] == 5
    assert totals.gauges()[names.LOOP_LAG_SECONDS.name, ()] == 0.5


def test_a_report_may_come_twice() -> None:
    """Reports are totals: the same one again, or everything after a reconnect, changes nothing."""
    totals, meter = merge.Totals(), worker(2)
    report(totals, "a", meter)
    for _ in range(2):
        totals.part("a")
        report(totals, "a", meter, everything=True)
    assert totals.calls()[LABELS].count == 2
    assert totals.counters()[names.RECORDS_SHED.name, ()] == 2


def test_the_dead_count_and_do_not_weigh() -> None:
    """Counters survive any number of dead workers, their gauges do not, and what is kept of them is bounded."""
    totals = merge.Totals()
    for number in range(10 * merge.GONE_KEPT_MAX):
        report(totals, f"worker-{number}", worker(1))
        totals.part(f"worker-{number}")
    totals.part("never came")
    assert totals.calls()[LABELS].count == 10 * merge.GONE_KEPT_MAX
    assert totals.counters()[names.RECORDS_SHED.name, ()] == 10 * merge.GONE_KEPT_MAX
    assert totals.gauges() == {}
    assert len(totals._gone) == merge.GONE_KEPT_MAX


def test_the_cap_holds_over_all_workers() -> None:
    """Workers with different series do not add up beyond the cap, and no series goes back as others join."""
    totals = merge.Totals(series_max=10)
    meters = {name: Meter() for name in "abc"}
    before: dict[CallLabels, int] = {}
    for turn in range(20):
        for name, meter in meters.items():
            meter.slot(("s", "p", f"{name}-{turn}", "k", 200, "ok", "", "", "", "", ())).observe(1, 1, None, None)
            report(totals, name, meter)
        now = {labels: calls.count for labels, calls in totals.calls().items()}
        assert all(now.get(labels, 0) >= count for labels, count in before.items())
        before = now
    assert len(before) <= 10 + OVERFLOW_SERIES_MAX
    assert sum(before.values()) == 60


def test_large_totals_take_no_more_room_than_small_ones() -> None:
    """What is kept of a series is as large after many calls as after one: neither its numbers nor labels pile up."""
    totals = merge.Totals()
    series: list[CallLabels] = [("s", "p", "m", "k", 200, "ok", f"key-{at}", "", "", "", ()) for at in range(1000)]

    def take(number: int) -> int:
        sent = Collected([(one, number, number, (number,) * 10, number) for one in series], [], [], [])
        totals.take("a", msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Collected), everything=False)
        del sent
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        take(1)
        small = take(1)
        assert take(10**15) - small < 16 * len(series)
    finally:
        tracemalloc.stop()
    assert totals.calls()[series[0]].tokens == [10**15] * 10
