"""How many connections there may be, and which end first."""

from __future__ import annotations

import pytest

from asbru.edge.server.capacity import DESCRIPTORS_KEPT, IDLE_MIN_S, Bound, bound_of, idlest


@pytest.mark.parametrize(
    ("connections_max", "descriptors", "bound"),
    [
        (10_000, 0, Bound(10_000, 9375, 8750, "limits.connections_max")),
        (10_000, 1_048_576, Bound(10_000, 9375, 8750, "limits.connections_max")),
        (10_000, DESCRIPTORS_KEPT + 960, Bound(480, 450, 420, "the limit of open files")),
        (10_000, 8, Bound(1, 0, 0, "the limit of open files")),
    ],
)
def test_the_bound(connections_max: int, descriptors: int, bound: Bound) -> None:
    """The setting, unless half of the open files that are allowed is less."""
    assert bound_of(connections_max, descriptors) == bound


def test_the_longest_idle_end_first() -> None:
    """As many as are too many; never those that have just come."""
    idle = [(9.0, "c"), (5.0, "a"), (7.0, "b"), (10.5 - IDLE_MIN_S, "just came")]
    assert idlest(idle, 10.0, 2) == ["a", "b"]
    assert idlest(idle, 10.0, 9) == ["a", "b", "c"]
    assert idlest(idle, 10.0, -1) == []
