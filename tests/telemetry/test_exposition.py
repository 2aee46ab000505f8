"""The text that Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from asbru.core.usage import Usage
from asbru.telemetry import CallLabels, Meter, exposition, merge, names

LABELS: CallLabels = ("openai.chat", "openai", 'a "quoted"\nmodel\\', "k1", 200, "ok", "", "", "", "", ())


def rendered(meter: Meter) -> str:
    """What one worker's meter becomes."""
    totals = merge.Totals()
    delta = meter.collect_delta(everything=True)
    assert delta is not None
    totals.take("a", delta, everything=True)
    return exposition.render(totals, [(names.WORKERS, 1)]).decode()


def test_every_metric_is_rendered_with_its_help() -> None:
    """All names, kinds and sentences come out, also before anybody called; nothing else does."""
    families = {family.name: family for family in text_string_to_metric_families(rendered(Meter()))}
    assert set(families) == {metric.name.removesuffix("_total") for metric in names.METRICS}
    for metric in names.METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.sentence)


def test_numbers_come_out_in_their_units() -> None:
    """Microseconds become seconds, nano-dollars dollars; labels are escaped; buckets are cumulative."""
    meter = Meter()
    meter.slot(LABELS).observe(1500, 90, Usage(input=100, output=7), 2_500_000_000, first_us=600)
    meter.slot(LABELS).observe(3_000_000, 40, None, None)
    meter.slot((*LABELS[:4], 500, "error", "", "", "", "", ())).observe(10**12, 1, None, None)
    meter.slot((*LABELS[:3], "k2", 200, "cut", "", "", "", "", ())).observe(1, 1, None, None)
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(rendered(meter))
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float | None:
        known = {"surface": LABELS[0], "provider": LABELS[1], "model": LABELS[2], **labels}
        if "key" in known:
            known |= {"virtual_key": "", "team": "", "customer": ""}
        return samples.get((name, tuple(sorted(known.items()))))

    assert value("asbru_calls_total", key="k1", status="200", outcome="ok") == 2
    assert value("asbru_calls_total", key="k1", status="500", outcome="error") == 1
    assert value("asbru_tokens_total", key="k1", bucket="input") == 100
    assert value("asbru_tokens_total", key="k1", bucket="output") == 7
    assert value("asbru_tokens_total", key="k1", bucket="reasoning") is None
    assert value("asbru_cost_usd_total", key="k1") == 2.5
    assert value("asbru_cost_usd_total", key="k2") is None
    seconds = "asbru_call_duration_seconds"
    assert value(f"{seconds}_count", outcome="ok") == 2
    assert value(f"{seconds}_sum", outcome="ok") == 3.0015
    assert value(f"{seconds}_bucket", outcome="ok", le="0.001024") == 0
    assert value(f"{seconds}_bucket", outcome="ok", le="0.002048") == 1
    assert value(f"{seconds}_bucket", outcome="ok", le="4.194304") == 2
    assert value(f"{seconds}_bucket", outcome="error", le="1073.741824") == 0
    assert value(f"{seconds}_bucket", outcome="error", le="+Inf") == 1
    assert value("asbru_first_token_seconds_count", outcome="ok") == 1
    assert value("asbru_overhead_seconds_sum", outcome="ok") == 0.00013
    assert value("asbru_overhead_seconds_bucket", outcome="ok", le="6.4e-05") == 1
    assert value("asbru_between_tokens_seconds_sum", outcome="ok") == 0.00015
    assert value("asbru_first_token_seconds_count", outcome="error") is None
    assert samples["asbru_workers", ()] == 1


def test_attempts_are_those_of_good_calls_and_those_counted() -> None:
    """A good call is one attempt; others are counted by themselves, with the status or the word for what went wrong;
    they make no calls and no times."""
    meter = Meter()
    meter.slot(("openai.chat", "a", "m", "k", 200, "ok", "", "", "", "", ())).observe(1, 1, None, None)
    meter.slot(("openai.chat", "a", "", "", 200, "ok", "", "", "", "", ())).observe(1, 1, None, None)
    meter.slot(("openai.chat", "a", "m", "k", 503, "error", "", "", "", "", ())).observe(1, 1, None, None)
    for status, outcome in ((503, "status"), (503, "status"), (502, "network"), (200, "cut"), (200, "ok")):
        meter.slot(("openai.chat", "a", "m", "k", status, outcome, "", "", "", "", ())).count_attempt()
    families = {family.name: family.samples for family in text_string_to_metric_families(rendered(meter))}
    attempts = {sample.labels["status"]: sample.value for sample in families["asbru_attempts"]}
    assert attempts == {"200": 2, "503": 2, "network": 1, "cut": 1}
    assert {sample.labels["outcome"] for sample in families["asbru_calls"]} == {"ok", "error"}
    assert {sample.labels["outcome"] for sample in families["asbru_call_duration_seconds"]} == {"ok", "error"}


def test_errors_are_told_by_type_and_caller() -> None:
    """Calls that went wrong are counted by the closed list of types, with their virtual key, team and customer."""
    meter = Meter()
    who = ("key-1", "blue", "acme")
    for error, count in (("upstream_timeout", 2), ("budget", 1)):
        for _ in range(count):
            meter.slot(("openai.chat", "a", "m", "k", 500, "error", *who, error, ())).observe(1, 1, None, None)
    meter.slot(("openai.chat", "a", "m", "k", 200, "ok", *who, "", ())).observe(1, 1, None, None)
    families = {family.name: family.samples for family in text_string_to_metric_families(rendered(meter))}
    told = {sample.labels["type"]: sample.value for sample in families["asbru_errors"]}
    assert told == {"upstream_timeout": 2, "budget": 1}
    (errors, calls) = (families["asbru_errors"][0].labels, families["asbru_calls"][0].labels)
    for labels in (errors, calls):
        assert [labels[name] for name in ("virtual_key", "team", "customer")] == list(who)


def test_tags_are_labels_where_they_are_asked_for() -> None:
    """A tag becomes the label tag_NAME of the counters that name the caller; calls without it have an empty value."""
    meter = Meter()
    for tags in ((("cost.center", "7"),), ()):
        meter.slot((*LABELS[:6], "", "", "", "", tags)).observe(1, 1, Usage(input=1), 10**9)
    families = {family.name: family.samples for family in text_string_to_metric_families(rendered(meter))}
    for name in ("asbru_calls", "asbru_tokens", "asbru_cost_usd"):
        assert {sample.labels["tag_cost_center"] for sample in families[name]} == {"7", ""}
    assert "tag_cost_center" not in families["asbru_attempts"][0].labels
