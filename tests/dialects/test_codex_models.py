"""The list of models in Codex's form."""

from __future__ import annotations

import json
from typing import Any

from asbru.core.traits import CatalogueModel
from asbru.dialects.codex_models import write_catalogue


def entry(**facts: Any) -> dict[str, Any]:
    """The entry of a model."""
    [one] = json.loads(write_catalogue([CatalogueModel(name="up/m", **facts)]))["models"]
    assert isinstance(one, dict)
    return one


def test_what_is_known_is_told() -> None:
    """The window, the efforts in their order, and images; inputs that Codex does not know are left out."""
    told = entry(context_tokens=200_000, inputs=("image", "audio"), efforts=("low", "high", "colossal"))
    assert (told["context_window"], told["input_modalities"]) == (200_000, ["text", "image"])
    assert [one["effort"] for one in told["supported_reasoning_levels"]] == ["low", "high"]
    assert told["default_reasoning_level"] == "low"


def test_a_model_that_does_not_reason_has_no_efforts() -> None:
    """Nothing is offered that the provider would refuse."""
    told = entry(thinking="none")
    assert (told["supported_reasoning_levels"], told["supports_reasoning_summaries"]) == ([], False)
    assert "default_reasoning_level" not in told


def test_what_is_not_known_is_left_out() -> None:
    """Codex has guesses of its own for the window; each entry has the members that it insists on."""
    told = entry()
    assert "context_window" not in told
    assert told["default_reasoning_level"] == "medium"
    wanted = "slug display_name shell_type visibility supported_in_api priority base_instructions truncation_policy"
    assert all(told[name] not in (None, "") for name in wanted.split())
