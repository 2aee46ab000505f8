"""How limits stand, in figures."""

from __future__ import annotations

from asbru.governance.standing import Standing


def test_percent_used() -> None:
    """A limit may be used beyond its amount, where the amount was lowered."""
    standing = Standing("team/blue", "team/blue/cost/1M", "cost", "1M", amount=200, spent=50)
    assert standing.percent == 25.0
    assert Standing("a", "b", "cost", "1M", amount=10, spent=15).percent == 150.0
