"""Draws by weight."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from asbru.routing.weights import draw


class One(NamedTuple):
    """Something with a weight."""

    name: str
    weight: float


@pytest.mark.parametrize(
    ("chance", "drawn"), [(0.0, "a"), (0.69, "a"), (0.71, "b"), (0.89, "b"), (0.91, "c"), (0.9999999, "c")]
)
def test_shares_are_the_weights(chance: float, drawn: str) -> None:
    """Each has the part of the range that its weight is of the sum."""
    assert draw([One("a", 7.0), One("b", 2.0), One("c", 1.0)], chance).name == drawn


def test_without_weights_all_are_alike() -> None:
    """Weights that are all 0 mean no preference, not an error."""
    among = [One("a", 0.0), One("b", 0.0)]
    assert [draw(among, chance).name for chance in (0.0, 0.49, 0.5, 0.99)] == ["a", "a", "b", "b"]
