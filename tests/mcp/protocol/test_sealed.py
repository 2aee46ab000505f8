"""Values that callers keep: they open for whom they were given, for what they were given, unchanged."""

from __future__ import annotations

import pytest

from asbru.mcp.protocol.sealed import Seals

SEALS = Seals(b"key")
BOUND = ("agents", "files")


def test_a_value_opens_as_it_was() -> None:
    """Any bytes, also none."""
    for value in (b"", b"x", bytes(range(256))):
        assert SEALS.open("session", BOUND, SEALS.seal("session", BOUND, value)) == value


def test_nobody_else_opens_it() -> None:
    """Neither another caller, nor for another purpose, nor another gateway; parts of a binding do not move."""
    text = SEALS.seal("session", BOUND, b"x")
    assert SEALS.open("session", ("other", "files"), text) is None
    assert SEALS.open("session", ("agentsfiles", ""), text) is None
    assert SEALS.open("state", BOUND, text) is None
    assert Seals(b"other").open("session", BOUND, text) is None


@pytest.mark.parametrize("at", range(0, 24, 3))
def test_what_was_changed_does_not_open(at: int) -> None:
    """A character that is another one, at any place; what is cut; and what is no such value at all."""
    text = SEALS.seal("session", BOUND, b"value")
    other = "A" if text[at] != "A" else "B"
    assert SEALS.open("session", BOUND, text[:at] + other + text[at + 1 :]) is None
    assert SEALS.open("session", BOUND, text[:at]) is None
    for odd in ("", "é", "=", "a b", "x" * 100_000):
        assert SEALS.open("session", BOUND, odd) is None
