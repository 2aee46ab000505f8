"""What fits a target: the nearest effort it takes."""

from __future__ import annotations

import pytest

from asbru.dialects.bounds import nearest_effort


@pytest.mark.parametrize(
    ("asked", "taken", "found"),
    [
        ("high", ("low", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("max", ("none", "low", "medium", "high", "xhigh"), "xhigh"),
        ("low", ("none", "default"), "default"),
        ("none", ("none", "default"), "none"),
        ("none", ("minimal", "high"), "minimal"),
        ("low", ("none",), None),
        ("low", (), None),
        ("odd", ("low",), None),
        ("odd", ("odd",), "odd"),
    ],
)
def test_the_nearest_effort(asked: str, taken: tuple[str, ...], found: str | None) -> None:
    """The nearest that is taken, the weaker of two; none only where it is asked for."""
    assert nearest_effort(asked, taken) == found
