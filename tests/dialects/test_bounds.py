"""What fits a target: the nearest effort it takes."""

from __future__ import annotations

import pytest

from asbru.dialects.bounds import fit_user, nearest_effort
from asbru.dialects.receipt import Receipt


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


def test_a_long_user_becomes_a_digest() -> None:
    """One user stays one user, within the length that is taken, and the change is noted; short ones stand."""
    receipt = Receipt("a", "b")
    assert fit_user("u" * 64, 64, receipt) == "u" * 64
    assert not receipt.notes
    digest = fit_user("u" * 65, 64, receipt)
    assert len(digest) == 64
    assert digest == fit_user("u" * 65, 64, receipt) != fit_user("u" * 66, 64, receipt)
    assert [str(note) for note in receipt.notes] == ["changed user (longer than 64 characters: became a digest)"]
    assert fit_user("u" * 65, 64, Receipt("a", "a")) == "u" * 65
