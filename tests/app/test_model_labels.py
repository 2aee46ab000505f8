"""Labels of models: what is configured or known has a name of its own, and nothing else."""

from __future__ import annotations

import pytest
from tests.fakes.inside import Inside, provider

from asbru.app.model_labels import ModelLabels
from asbru.app.snapshot import Fallback, KeyFacts, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.secret_text import SecretText
from asbru.routing.rules import RoutingRule, RuleTarget

KEY = KeyFacts(name="k", value=SecretText("sk-k"), aliases={"public": "upstream-name"})
PRICES = (
    PricedModel("free-*", MatchClause("starts_with", "free-")),
    PricedModel("priced", MatchClause("starts_with", "priced")),
)
SNAPSHOT = Snapshot(
    providers=(provider("a", keys=(KEY,), known_models=("known",), prices=PRICES),),
    fallbacks=(Fallback(source="a/*", targets=("a/of-a-fallback",)),),
    routing_rules=(RoutingRule(name="r", when="true", targets=(RuleTarget(model="of-a-rule"),)),),
)


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("known", "known"),
        ("upstream-name", "upstream-name"),
        ("of-a-fallback", "of-a-fallback"),
        ("of-a-rule", "of-a-rule"),
        ("priced", "priced"),
        ("priced-2026-01-01", "priced"),
        ("listed", "listed"),
        ("free-1", "other"),
        ("invented", "other"),
        ("*", "other"),
    ],
)
def test_what_is_known(model: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source of names counts; a pattern of the configuration's prices makes no name."""
    rooms = Inside(SNAPSHOT, monkeypatch).door.rooms
    assert rooms is not None
    endpoints = rooms.endpoints
    endpoints["a"].listed = ("listed",)
    labels = ModelLabels(SNAPSHOT, endpoints)
    assert labels.label("a", model) == label
    assert labels.label("nowhere", model) == "other"


def test_the_meter_goes_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of a built gateway with invented names make one series, under the name other."""
    inside = Inside(SNAPSHOT, monkeypatch)
    meter = inside.lasting.meter
    for number in range(100):
        meter.slot(("s", "a", f"invented-{number}", "k", 404, "error", "", "", "", "", ())).observe(1, 1, None, None)
    collected = meter.collect_delta(everything=True)
    assert collected is not None
    assert [(slot[0][2], slot[1]) for slot in collected.slots] == [("other", 100)]
