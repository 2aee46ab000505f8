"""Carried headers keep what was made of them, within a bound."""

from __future__ import annotations

from asbru.core.forwarded import FORWARD_ALWAYS, MADE_MAX, ForwardedHeaders


def test_lines_are_kept_by_what_they_were_made_for() -> None:
    """Lines made for one kind of provider are found again, and only there."""
    forwarded = ForwardedHeaders([(FORWARD_ALWAYS, b"user-agent", b"a")])
    assert forwarded.keep((2,), b"user-agent: a\r\n") == b"user-agent: a\r\n"
    assert forwarded.made.get((2,)) == b"user-agent: a\r\n"
    assert forwarded.made.get((3,)) is None


def test_what_is_kept_is_bounded() -> None:
    """However many kinds of providers a configuration has had, the memory of a head stays small."""
    forwarded = ForwardedHeaders()
    for number in range(10 * MADE_MAX):
        forwarded.keep((number,), b"x")
    assert len(forwarded.made) <= MADE_MAX
