"""Traits: which models a rule fits, which of several wins, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from asbru.core.traits import PLAIN, TraitRule, Traits, change, resolve, rule


@pytest.mark.parametrize(
    ("models", "fitting", "other"),
    [
        ("gpt-4o", ["gpt-4o"], ["gpt-4o-mini", "GPT-4o", "xgpt-4o", ""]),
        (
            "claude-haiku-4-5*",
            ["claude-haiku-4-5", "claude-haiku-4-5-20251001"],
            ["claude-haiku-4", "eu.claude-haiku-4-5"],
        ),
        ("*-mini", ["o4-mini", "-mini"], ["mini", "o4-mini-high"]),
        ("a*b*c", ["abc", "a-b-c", "abbc", "abcbc"], ["ac", "acb", "ab", "bc"]),
        ("a*ab*", ["aab", "a-ab-"], ["ab", "a"]),
        ("ab*ba", ["abba", "abxba"], ["aba"]),
        ("*", ["anything", ""], []),
        ("o[13]?", ["o[13]?"], ["o1x", "o3?"]),
    ],
)
def test_a_pattern_is_text_and_stars(models: str, fitting: list[str], other: list[str]) -> None:
    """A star stands for any text, all else for itself, and the whole name counts, in its own case."""
    found = rule(models)
    assert [name for name in fitting + other if found.fits(name)] == fitting


def test_later_rules_win_field_by_field() -> None:
    """Each rule that fits changes the fields it names; a later one may change them again, even back."""
    rules = (
        rule("m*", legacy_max_tokens=True, strip=["seed"]),
        rule("other", thinking="none"),
        rule("m-2*", legacy_max_tokens=False),
    )
    base = Traits(max_output_tokens=7)
    assert resolve(base, rules, "x") == base
    assert resolve(base, rules, "m-1") == Traits(
        max_output_tokens=7, legacy_max_tokens=True, strip=frozenset(("seed",))
    )
    assert resolve(base, rules, "m-2") == Traits(max_output_tokens=7, strip=frozenset(("seed",)))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"thinks": True}, "unknown field `thinks`"),
        ({"thinking": "hard"}, "Invalid enum value 'hard' - at `$.thinking`"),
        ({"max_output_tokens": -1}, ">= 0 - at `$.max_output_tokens`"),
        ({"refuse_inputs": ["smell"]}, "Invalid enum value 'smell' - at `$.refuse_inputs[0]`"),
        ({"legacy_max_tokens": 1}, "Expected `bool`"),
    ],
)
def test_a_rule_names_traits_and_their_values(changes: dict[str, object], complaint: str) -> None:
    """A field that is no trait, or a value that it cannot have, is refused and named."""
    with pytest.raises(msgspec.ValidationError) as caught:
        rule("*", **changes)
    assert complaint in str(caught.value)
    with pytest.raises(msgspec.ValidationError):
        rule("")


def test_rules_survive_the_snapshot() -> None:
    """A rule packs to the fields it sets alone and reads back the same: unset is not a value."""
    told = rule("m*", legacy_max_tokens=False, thinking=None)
    packed = msgspec.msgpack.encode(told)
    assert msgspec.msgpack.decode(packed) == {"models": "m*", "legacy_max_tokens": False, "thinking": None}
    assert msgspec.msgpack.decode(packed, type=TraitRule) == told
    assert change(Traits(thinking="none", cache_marks=True), told) == Traits(cache_marks=True)
    assert change(PLAIN, rule("*")) == PLAIN
