"""Patterns of models: which names they fit, and which expressions are refused because they could take long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.governance.patterns import NAME_CHARS_MAX, Blocked, Patterns, check_pattern


@pytest.mark.parametrize(
    ("pattern", "provider", "model", "fit"),
    [
        ("*", "openai", "m", True),
        ("gpt-5", "openai", "gpt-5", True),
        ("gpt-5", "openai", "GPT-5", False),
        ("openai/gpt-5", "openai", "gpt-5", True),
        ("openai/gpt-5", "groq", "gpt-5", False),
        ("llama/3", "groq", "llama/3", False),
        ("groq/llama/3", "groq", "llama/3", True),
        ("a/small", "router", "a/small", False),
        ("openai/*", "openai", "org/model", True),
        ("openai/*", "openrouter", "openai/gpt-5", False),
        ("*/openai/*", "openrouter", "openai/gpt-5", True),
        ("gpt-4o*", "openai", "gpt-4o-mini", True),
        ("open*", "openai", "gpt", False),
        ("regex:gpt-(4o|5)(-mini)?", "openai", "gpt-5-mini", True),
        ("regex:gpt-(4o|5)(-mini)?", "openai", "gpt-5-minimal", False),
        ("regex:openai/gpt.*", "openai", "gpt-5", True),
        ("regex:openai/gpt.*", "groq", "gpt-5", False),
        ("regex:openai/gpt.*", "groq", "openai/gpt-5", False),
        ("regex:.*", "openai", "x" * NAME_CHARS_MAX, False),
    ],
)
def test_what_a_pattern_fits(pattern: str, provider: str, model: str, fit: bool) -> None:
    """With a slash it is about the provider too, so a model of another provider whose name is "provider/model" is not
    permitted by it."""
    assert Patterns([pattern]).fit(provider, model) is fit


def test_nothing_fits_no_pattern() -> None:
    """An empty list allows nothing."""
    assert not Patterns([]).fit("openai", "m") and not Blocked([]).fit("openai", "m")


def test_within_a_provider_only_the_model_counts() -> None:
    """What a key may use of a provider is told by the provider's own names, slashes and all."""
    patterns = Patterns(["openai/*", "regex:qwen/.*"], within=True)
    assert patterns.fit("openrouter", "openai/gpt-5") and patterns.fit("openrouter", "qwen/3")
    assert not patterns.fit("openai", "gpt-5")


@pytest.mark.parametrize("spelling", ["o1-pro", "O1-PRO", "org/o1-pro"])
def test_what_is_blocked_is_blocked_in_every_spelling(spelling: str) -> None:
    """Some providers do not tell upper from lower case: a block must not be passed by another spelling."""
    for pattern in ("o1-pro", "*o1*", "O1-Pro", "regex:.*o1-.*", "regex:.*O1-.*", "openai/*"):
        expected = spelling != "org/o1-pro" or pattern not in ("o1-pro", "O1-Pro")
        assert Blocked([pattern]).fit("openai", spelling) is expected, pattern


def test_a_name_too_long_to_judge_is_blocked() -> None:
    """An expression that is not tried must not let through what it might block."""
    assert Blocked(["regex:secret"]).fit("openai", "x" * NAME_CHARS_MAX)
    assert not Blocked(["secret"]).fit("openai", "x" * NAME_CHARS_MAX)


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+", "(a|a)*", "(a?){30}", "a?" * 30, ".*.*.*", ".*a.*b.*", "(.*)*", "(?=a)b", "(?<!a)b", "(a)\\1",
        "(?P<n>a)", "a*+", "(?>a)", "\\bword", "[", "(", "a{2", "a**", "(" * 20 + ")" * 20, "x" * 300, "(a|b|ab){9,}",
    ],
)  # fmt: skip
def test_an_expression_that_could_take_long_is_refused(expression: str) -> None:
    """Also what is no expression, or is written in a way that nobody needs for names of models."""
    with pytest.raises(ValueError):
        check_pattern(f"regex:{expression}")


@pytest.mark.parametrize(
    "expression",
    [
        "gpt-4o.*",
        ".*-mini",
        ".*llama.*",
        "(?i)GPT.*",
        "gpt-[45](o|\\.1)?(-mini|-nano)?",
        "(a|b){2}",
        "[^/]+/[]a]x{2,4}",
    ],
)
def test_an_expression_with_few_ways_is_taken(expression: str) -> None:
    """What people write for names of models, two open ends included."""
    assert check_pattern(f"regex:{expression}") == f"regex:{expression}"


@given(st.from_regex(r"([ab.]|\(a\|b\)|[ab]\?|[ab]\*|\([ab.]+\)\?|\[ab\]\+|[ab]\{1,3\}){1,12}", fullmatch=True))
def test_what_is_taken_is_matched_at_once(expression: str) -> None:
    """Whatever is taken comes to an end on the text that is worst for such expressions."""
    try:
        check_pattern(f"regex:{expression}")
    except ValueError:
        return
    assert re.fullmatch(expression, "a" * (NAME_CHARS_MAX - 1) + "\n") is None
