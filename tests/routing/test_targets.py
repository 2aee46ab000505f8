"""Targets: the traits of a model as its provider's rules have them, found once and kept for a while."""

from __future__ import annotations

from asbru.core.traits import PLAIN, TraitRule, Traits, rule
from asbru.routing import ProviderRoute
from asbru.routing.targets import REFUSED_HISTORY_MAX, TRAITS_MODEL_CHARS_MAX, TRAITS_MODELS_MAX


def route(*rules: TraitRule) -> ProviderRoute:
    """A provider with these rules."""
    return ProviderRoute("a", "openai_chat", (), keyless=True, traits=PLAIN, trait_rules=rules)


def test_without_rules_there_is_nothing_to_look_up() -> None:
    """A provider whose models do not differ has its traits at hand; one with rules must be asked by model."""
    assert route().only_traits is PLAIN
    assert route(rule("x*", cache_marks=True)).only_traits is None


def test_a_model_is_matched_once() -> None:
    """The traits of a model are kept: the second call gets the same object."""
    found = route(rule("x*", cache_marks=True))
    first = found.traits["x-1"]
    assert first == Traits(cache_marks=True)
    assert found.traits["x-1"] is first
    assert found.traits["y"] == PLAIN


def test_names_that_callers_invent_do_not_pile_up() -> None:
    """What is kept is bounded, in number and in length."""
    found = route(rule("x*", cache_marks=True))
    for number in range(TRAITS_MODELS_MAX + 5):
        assert found.traits[f"x{number}"].cache_marks
    assert len(found.traits) == 5
    assert found.traits["x" * (TRAITS_MODEL_CHARS_MAX + 1)].cache_marks
    assert len(found.traits) == 5


def test_refusals_of_earlier_turns_have_a_bound() -> None:
    """The oldest is forgotten; what is remembered of one turn adds up, and names of any length are none."""
    found = route()
    for digest in range(REFUSED_HISTORY_MAX):
        found.remember_refusal("m", digest, 1)
    found.remember_refusal("m", 1, 4)
    assert len(found.refused_history) == REFUSED_HISTORY_MAX and found.refused_history["m", 1] == 5
    found.remember_refusal("m", -1, 1)
    assert len(found.refused_history) == REFUSED_HISTORY_MAX
    assert ("m", 0) not in found.refused_history and ("m", -1) in found.refused_history
    found.remember_refusal("m" * 201, 7, 1)
    assert ("m" * 201, 7) not in found.refused_history
