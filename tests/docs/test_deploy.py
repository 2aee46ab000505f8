"""The dashboard and the alert rules against the catalogue of metrics: what they ask for exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from asbru.telemetry import names

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
GUIDE = DEPLOY.parent / "docs" / "guides" / "observability.md"
METRICS = {metric.name: metric for metric in names.METRICS}
PARTS = {"_bucket": "histogram", "_count": "histogram", "_sum": "histogram"}


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    return json.loads((DEPLOY / "grafana" / "asbru.json").read_text(encoding="utf-8"))


def alerts() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """(where, expression) of every query in `deploy` and in the guide."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for query in re.findall(r"\| `(.+asbru_.+)` \|", GUIDE.read_text(encoding="utf-8")):
        yield "guide", query


def metric_of(name: str) -> names.Metric:
    """The metric that a series belongs to."""
    for part, kind in PARTS.items():
        found = METRICS.get(name.removesuffix(part))
        if name.endswith(part) and found is not None:
            assert found.kind == kind
            return found
    assert name in METRICS, f"there is no metric {name}"
    assert METRICS[name].kind != "histogram", f"{name} is a histogram: ask for its buckets"
    return METRICS[name]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_queries_ask_for_what_exists(where: str, expression: str) -> None:
    """Each metric is in the catalogue and has every label that is matched or grouped by."""
    found = [metric_of(name) for name in re.findall(r"asbru_\w+", expression)]
    assert found, where
    labels = {label for metric in found for label in metric.labels} | {"le"}
    for matchers in re.findall(r"\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)(?:=~|!=|=)", matchers)) <= labels, where
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= labels, where
    if re.search(r"(rate|increase)\(", expression):
        rated = [metric_of(name) for name in re.findall(r"(?:rate|increase)\((asbru_\w+)", expression)]
        assert all(metric.kind in ("counter", "histogram") for metric in rated), where


def test_the_dashboard_shows_what_matters() -> None:
    """Every counter and histogram of calls is on it, and its panels have ids of their own."""
    asked = " ".join(expression for _, expression in expressions())
    for metric in (*names.OF_CALLS, *(metric for metric, _, _ in names.TIMES)):
        assert metric.name in asked
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_alerts_are_whole() -> None:
    """Each has a name of its own, a severity and a summary; it names only labels that its query leaves."""
    rules = alerts()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith((".", '".'))
        grouped = {label.strip() for part in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in part.split(",")}
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= grouped
