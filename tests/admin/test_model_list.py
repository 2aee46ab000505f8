"""The models that can be called, over the API."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.management import managed
from tests.fakes.observed import MadeUp

from asbru.catalog.listing import ListedProvider
from asbru.telemetry.status import WorkerStatus


def test_models_of_all_providers(tmp_path: Path) -> None:
    """By id, in pages, of a provider, by a part of the id; what providers have listed stands for the catalogue."""
    observed = MadeUp()
    observed.listed = (
        ListedProvider(name="b", known=("x", "y")),
        ListedProvider(name="a", known=("z",), configured=("Big",)),
    )
    with managed(tmp_path, observed=observed) as api:
        page = api.ask("GET", "models", query="limit=3")
        assert [one["id"] for one in page["items"]] == ["a/Big", "a/z", "b/x"] and page["next"] == "b/x"
        rest = api.ask("GET", "models", query="limit=3&after=b/x")
        assert [one["id"] for one in rest["items"]] == ["b/y"] and rest["next"] is None
        assert [one["model"] for one in api.ask("GET", "models", query="provider=b")["items"]] == ["x", "y"]
        assert [one["id"] for one in api.ask("GET", "models", query="search=BIG")["items"]] == ["a/Big"]
        observed.seen = (WorkerStatus(0, 1, 1, listed={"b": ("w",)}), WorkerStatus(1, 2, 1, listed={"b": ("v",)}))
        found = api.ask("GET", "models", query="provider=b")["items"]
        assert [(one["model"], one["source"]) for one in found] == [("v", "provider"), ("w", "provider")]
        observed.seen = None
        assert [one["model"] for one in api.ask("GET", "models", query="provider=b")["items"]] == ["x", "y"]
