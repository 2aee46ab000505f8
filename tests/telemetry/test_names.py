"""The catalogue of metrics, and its page."""

from __future__ import annotations

from asbru.core.usage import Usage
from asbru.telemetry import names
from tools import metrics_page


def test_names_follow_the_rules_of_prometheus() -> None:
    """Unique, prefixed, counters end in _total, times in _seconds, and each sentence ends."""
    assert len({metric.name for metric in names.METRICS}) == len(names.METRICS)
    for metric in names.METRICS:
        assert metric.name.startswith("asbru_")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert (metric.unit == "seconds") == metric.name.endswith("_seconds")
        assert metric.sentence.endswith(".")


def test_token_buckets_are_those_of_usage() -> None:
    """Every bucket of core.usage is a value of the label, in the same order."""
    assert (
        tuple(
            name
            for name in Usage.__struct_fields__
            if name not in ("reasoning_known", "standard", "tier", "web_searches", "units")
        )
        == names.TOKEN_BUCKETS
    )


def test_the_page_is_up_to_date() -> None:
    """docs/reference/metrics.md is what tools/metrics_page.py writes."""
    assert metrics_page.PAGE.read_text() == metrics_page.page(), "run: python tools/metrics_page.py"
