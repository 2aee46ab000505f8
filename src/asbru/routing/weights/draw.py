"""One of several by weight. Pure; the draw of chance is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Weighted(Protocol):
    """What has a share of the draws."""

    @property
    def weight(self) -> float:
        """Its share, against the others'."""
        ...


W = TypeVar("W", bound=Weighted)


def draw(among: Sequence[W], chance: float) -> W:
    """One of `among`, by weight; all alike where no weight is above 0. `chance` in [0, 1)."""
    total = sum(one.weight for one in among)
    if total <= 0.0:
        return among[int(chance * len(among))]
    left = chance * total
    for one in among:
        left -= one.weight
        if left < 0.0:
            return one
    return among[-1]
