"""Forwarded headers keep what was made of them, within a bound."""

from __future__ import annotations

from asbru.wire.forwarded import MADE_MAX, TO_ANY_DIALECT, ForwardedHeaders


def test_lines_are_kept_by_what_they_were_made_for() -> None:
    """Lines made for one kind of provider are found again, and only there."""
    forwarded = ForwardedHeaders([(TO_ANY_DIALECT, b"user-agent", b"a")])
    assert forwarded.keep((b"a",), b"user-agent: a\r\n") == b"user-agent: a\r\n"
    assert forwarded.made.get((b"a",)) == b"user-agent: a\r\n"
    assert forwarded.made.get((b"b",)) is None


def test_what_is_kept_is_bounded() -> None:
    """However many kinds of providers a configuration has had, the memory of a head stays small."""
    forwarded = ForwardedHeaders()
    for number in range(10 * MADE_MAX):
        forwarded.keep((b"%d" % number,), b"x")
    assert len(forwarded.made) <= MADE_MAX


def test_a_value_is_found_in_any_spelling() -> None:
    """The first header of a name counts."""
    forwarded = ForwardedHeaders([(TO_ANY_DIALECT, b"User-Agent", b"a"), (TO_ANY_DIALECT, b"user-agent", b"b")])
    assert (forwarded.value_of(b"user-agent"), forwarded.value_of(b"x")) == (b"a", b"")
