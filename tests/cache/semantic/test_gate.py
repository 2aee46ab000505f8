"""The lexical gate against the labelled set, on the worst embedding there is: one that holds everything for alike."""

from __future__ import annotations

import pytest
from tests.cache.semantic.pairs import HELD_BACK, KNOWN, Pairs

from asbru.cache.semantic import TEXT_CHARS_MAX, judge

WRONG_MAX = 0.01
"""The share of different questions that may be taken for the same."""


@pytest.mark.parametrize("pairs", [KNOWN, HELD_BACK], ids=["known", "held back"])
def test_wrong_hits_are_one_in_a_hundred_at_most(pairs: Pairs) -> None:
    """Pairs of different questions that `strict` would serve are named; how many of the same it finds is printed."""
    wrong = [pair for pair in pairs.different if judge(*pair) == "same"]
    found = [pair for pair in pairs.same if judge(*pair) == "same"]
    print(f"recall {len(found) / len(pairs.same):.2f}, wrong {len(wrong)} of {len(pairs.different)}")
    assert len(wrong) / len(pairs.different) <= WRONG_MAX, wrong
    assert len(found) / len(pairs.same) >= 0.4


@pytest.mark.parametrize("pairs", [KNOWN, HELD_BACK], ids=["known", "held back"])
def test_the_order_of_two_texts_does_not_matter(pairs: Pairs) -> None:
    """A verdict is about both alike; a text is the same as itself."""
    for one, other in (*pairs.same, *pairs.different):
        assert judge(one, other) == judge(other, one), (one, other)
        assert judge(one, one) == "same"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("List 3 cats", "List 4 cats"),
        ("List three cats", "List 4 cats"),
        ("Pay $1,000", "Pay $1,001"),
        ("I do eat meat", "I don\u2019t eat meat"),
        ("Ask Anna about it", "Ask Berta about it"),
        ("use foo_bar here", "use foo_baz here"),
        ("Say 'yes' now", "Say 'no' now"),
        ("a > b", "a < b"),
        ("turn on the light", "turn off the light"),
        ("dog bites man", "man bites dog"),
        ("What is my name", "What is your name"),
    ],
)
def test_what_can_never_be_the_same(one: str, other: str) -> None:
    """Numbers, negation, names, code, quotes, signs, opposites, order and persons rule a pair out for good: no verifier
    is asked."""
    assert judge(one, other) == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("List three cats", "list 3 cats please"),
        ("Pay $1,000", "pay $1000"),
        ("I don't eat meat", "I do not eat meat"),
        ("Ask about PARIS", "ask about Paris"),
    ],
)
def test_what_is_only_written_otherwise(one: str, other: str) -> None:
    """Number words, thousands, contractions, case."""
    assert judge(one, other) == "same"


def test_unknown_words_make_it_unsure() -> None:
    """Neither the same nor ruled out: a verifier may say."""
    assert judge("How do I reset my password?", "I forgot my password") == "unsure"


def test_long_texts_are_not_compared() -> None:
    """Beyond the bound only the very same text is the same."""
    long = "word " * TEXT_CHARS_MAX
    assert judge(long, long) == "same"
    assert judge(long, long + "more") == "different"


@pytest.mark.parametrize("text", ["", " ", "?!", "\x00", "日本の首都は?", "😀😀", "'" * 2000, "a-" * 1000])
def test_any_text_has_a_verdict(text: str) -> None:
    """Whatever callers write."""
    assert judge(text, "What is this?") in ("same", "unsure", "different")
