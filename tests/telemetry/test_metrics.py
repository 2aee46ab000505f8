"""The run side of metrics: slots, the series cap, and what is sent when."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from asbru.core.usage import Usage
from asbru.telemetry import CallLabels, Meter, names
from asbru.telemetry.metrics import COUNTERS_MAX, LABEL_CHARS_MAX, OVERFLOW_SERIES_MAX, SeriesCap

LABELS: CallLabels = ("openai.chat", "openai", "gpt", "k1", 200, "ok", "", "", "", "", ())


def labelled(number: int) -> CallLabels:
    """Labels as a caller could make them up."""
    return ("openai.chat", "openai", f"model-{number}", "k1", 200, "ok", "", "", "", "", ())


def test_a_total_that_has_outgrown_what_can_be_sent() -> None:
    """It is reported as the largest number that can, and does not hold up the others."""
    meter = Meter()
    for _ in range(3):
        meter.slot(LABELS).observe(1, 1, Usage(input=2**63 - 1, web_searches=2**70), 2**63 - 1)
    delta = meter.collect_delta()
    assert delta is not None
    (slot,) = msgspec.msgpack.decode(msgspec.msgpack.encode(delta))[0]
    assert (slot[1], slot[2], slot[3][0]) == (3, 2**63 - 1, 2**63 - 1)


def test_a_slot_sums_what_it_observes() -> None:
    """Counts, sums, tokens by bucket, cost, and histograms by bit length of microseconds."""
    meter = Meter()
    slot = meter.slot(LABELS)
    assert meter.slot(LABELS) is slot
    usage = Usage(
        input=1,
        cache_read=2,
        cache_write_5m=3,
        cache_write_1h=4,
        audio_input=5,
        output=6,
        reasoning=7,
        audio_output=8,
        image_input=9,
        image_output=10,
    )
    slot.observe(1023, 100, usage, 10, first_us=3)
    slot.observe(1024, 0, None, None)
    slot.observe(0, 0, Usage(output=1), 5, first_us=2**50)
    delta = meter.collect_delta()
    assert delta is not None
    assert delta.slots == [(LABELS, 3, 15, (1, 2, 3, 4, 5, 7, 7, 8, 9, 10), 0)]
    ((labels, (latency, overhead, first, between)),) = delta.times
    assert labels == ("openai.chat", "openai", "gpt", "ok")
    assert latency == (2047, [1] + [0] * 9 + [1, 1])
    assert overhead == (100, [2] + [0] * 6 + [1])
    assert first == (2**50 + 3, [0, 0, 1] + [0] * 28 + [1])
    assert between == ((1023 - 3) // 30, [0] * 6 + [1])


def test_only_changes_are_sent() -> None:
    """Nothing is sent twice, unless everything is asked for."""
    meter = Meter()
    connections = [3.0]
    meter.gauge(names.CONNECTIONS_OPEN, lambda: connections[0])
    retries = meter.counter(names.RECORDS_SHED)
    meter.slot(LABELS).observe(1, 1, None, None)
    retries.add(2)
    first = meter.collect_delta()
    assert first is not None
    assert [len(part) for part in first] == [1, 1, 1, 1]
    assert meter.collect_delta() is None
    connections[0] = 4
    assert meter.collect_delta() == ([], [], [], [(names.CONNECTIONS_OPEN.name, (), 4)])
    everything = meter.collect_delta(everything=True)
    assert everything is not None
    assert everything[:2] == first[:2]
    assert (names.RECORDS_SHED.name, (), 2) in everything.counters
    assert everything.gauges == [(names.CONNECTIONS_OPEN.name, (), 4)]


def test_a_gauge_is_replaced_by_its_newer_read() -> None:
    """A reload registers the same gauge again: the newer read counts, once."""
    meter = Meter()
    meter.gauge(names.UPSTREAM_CONNECTIONS, lambda: 1, ("openai", "idle"))
    meter.gauge(names.UPSTREAM_CONNECTIONS, lambda: 2, ("openai", "idle"))
    delta = meter.collect_delta()
    assert delta is not None
    assert delta.gauges == [(names.UPSTREAM_CONNECTIONS.name, ("openai", "idle"), 2)]


def test_wrong_labels_are_a_mistake() -> None:
    """The number of label values must be the metric's."""
    meter = Meter()
    with pytest.raises(ValueError, match="takes the labels"):
        meter.gauge(names.UPSTREAM_CONNECTIONS, lambda: 1)
    with pytest.raises(ValueError, match="takes the labels"):
        meter.counter(names.RECORDS_SHED, ("x",))


def test_series_are_capped_and_totals_stay_right() -> None:
    """However many models there are, slots are bounded; the rest is counted as other, and nothing is lost."""
    meter = Meter(series_max=10)
    for number in range(5000):
        meter.slot(labelled(number)).observe(1, 1, None, None)
    delta = meter.collect_delta()
    assert delta is not None
    assert len(delta.slots) <= 10 + OVERFLOW_SERIES_MAX + 1
    assert sum(slot[1] for slot in delta.slots) == 5000
    assert sum(sum(latency) for _, ((_, latency), *_) in delta.times) == 5000
    assert (names.SERIES_OVERFLOWED.name, (), 4990) in delta.counters
    assert meter.slot(labelled(3)).labels == labelled(3)


def test_callers_give_way_before_models() -> None:
    """Where there is no room, a virtual key and tags become other; what is told of the model stays."""
    meter = Meter(series_max=1)
    meter.slot(LABELS)
    tagged = (*LABELS[:6], "key-1", "blue", "acme", "", (("env", "prod"),))
    assert meter.slot(tagged).labels == (*LABELS[:6], "other", "blue", "acme", "", (("env", "other"),))


def test_even_the_overflow_is_capped() -> None:
    """Labels that cannot all be kept apart even without model and key end in one last series."""
    cap = SeriesCap(1)
    found = {
        cap.admit((f"surface-{number}", "p", "m", "k", 200, "ok", "", "", "", "", ())) for number in range(10_000)
    }
    assert len(found) == 1 + OVERFLOW_SERIES_MAX + 1
    assert ("other", "other", "other", "other", 0, *["other"] * 5, ()) in found


def test_a_million_names_leave_series_and_memory_flat() -> None:
    """Distinct virtual keys, tags and models: no more series than the cap, and no more memory than at the cap."""
    meter = Meter(series_max=1000)
    meter.configure(lambda _, model: model if model == "gpt" else "other", 1000)

    def call(number: int) -> None:
        labels = ("openai.chat", "openai", f"made-up-{number}", "k1", 200, "ok", f"key-{number}", "", "", "")
        meter.slot((*labels, (("user", f"u{number}"),))).observe(1, 1, None, None)

    for number in range(980_000):
        call(number)
    tracemalloc.start()
    try:
        for number in range(980_000, 1_000_000):
            call(number)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(meter._found) <= 2 * 1000
    assert grown < 2_000_000  # the labels that are remembered now, in place of others
    delta = meter.collect_delta(everything=True)
    assert delta is not None
    assert len(delta.slots) <= 1000 + OVERFLOW_SERIES_MAX + 1
    assert sum(slot[1] for slot in delta.slots) == 1_000_000
    assert {slot[0][2] for slot in delta.slots} == {"other"}


def test_an_unknown_model_is_other_until_it_is_known() -> None:
    """A name that is not configured makes no series; once it is known it has its own."""
    meter = Meter()
    known = {"gpt"}
    meter.configure(lambda _, model: model if model in known else "other", 100)
    invented = labelled(1)
    assert meter.slot(invented).labels[2] == "other"
    assert meter.model_label("openai", "model-1") == "other"
    known.add("model-1")
    meter.forget_labels()
    assert meter.slot(invented).labels == invented


def test_counters_with_labels_are_capped() -> None:
    """Counters by labels from calls end in one for each metric."""
    meter = Meter()
    for number in range(2 * COUNTERS_MAX):
        meter.counter(names.RETRIES, ("p", f"m{number}", "500")).add()
    assert len(meter._counters) == COUNTERS_MAX + 1
    assert meter.counter(names.RETRIES, ("p", "one more", "500")).value == COUNTERS_MAX


def test_a_long_model_name_is_cut() -> None:
    """A model name is bounded in a label; the same long name is the same series."""
    meter = Meter()
    long = ("openai.chat", "openai", "m" * 10_000, "k1", 200, "ok")
    slot = meter.slot(long)
    assert slot.labels[2] == "m" * LABEL_CHARS_MAX
    assert meter.slot(long) is slot


def test_what_an_earlier_attempt_spent_is_told() -> None:
    """Tokens and money without a call reach the bookkeeper, once, also where no call was ever counted."""
    meter = Meter()
    slot = meter.slot(("openai.chat", "a", "m", "k", 500, "status", "", "", "", "", ()))
    slot.spend(Usage(input=3, output=2), 7)
    told = meter.collect_delta()
    assert told is not None
    labels, count, cost, tokens, _ = told.slots[0]
    assert (labels[1], count, cost, sum(tokens)) == ("a", 0, 7, 5)
    again = meter.collect_delta()
    assert again is None or not again.slots


def test_attempts_beside_good_calls_are_told() -> None:
    """An attempt counted by itself reaches the bookkeeper, once, and makes no call of itself."""
    meter = Meter()
    meter.slot(("openai.chat", "a", "m", "k", 429, "status", "", "", "", "", ())).count_attempt()
    told = meter.collect_delta()
    assert told is not None
    labels, count, *_, attempts = told[0][0]
    assert (labels[4], count, attempts) == (429, 0, 1)
    assert meter.collect_delta() is None
