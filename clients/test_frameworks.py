"""instructor, litellm and together as their users set them up, at a provider of the same dialect and a foreign one."""

from __future__ import annotations

import pytest
from clients.conftest import Route
from clients.frameworks import run

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("route", ["oai", "ant"], indirect=True)
def test_instructor_litellm_and_together(route: Route) -> None:
    """Whole, streamed, a tool with its result; instructor fills in a model."""
    told = run("openai_based.py", route.openai_url, route.key, route.model(""))
    assert told["instructor"] == {"city": "city"}
    for name in ("litellm", "together"):
        answer = told[name]
        words = "what will the weather be"
        assert (answer["whole"], answer["streamed"], answer["usage"]) == (words, words, 10), name
        assert answer["called"] == "forecast", name
        assert answer["end"].endswith("forecast is 7"), name
