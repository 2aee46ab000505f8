"""What is known of models, looked up once: aliases, bounds, and how much work it is."""

from __future__ import annotations

from asbru.catalog import MatchClause, PricedModel
from asbru.catalog.facts import FACTS_MAX, ModelFacts
from asbru.catalog.listing import ListedProvider

GPT = PricedModel("gpt", MatchClause("starts_with", "gpt"), (), context_tokens=1000)


def test_facts_are_there_once_they_were_looked_up() -> None:
    """By the name of the model and by its alias; of what no provider has, never."""
    one = ListedProvider(name="a", prices=(GPT,), aliases={"fast": "gpt-1"}, operations=("chat", "models"))
    facts = ModelFacts((one,))
    names = ["fast", "a/gpt-1", "a/odd", "b/gpt-1"]
    assert facts.unknown(names) == names and facts.of("fast") is None
    assert facts.work(names) == 8
    facts.look_up(names)
    assert facts.unknown(names) == ["b/gpt-1"]
    known = facts.of("fast")
    assert known is not None and known is facts.of("a/gpt-1")
    assert (known.context_tokens, known.capabilities.operations) == (1000, ("chat",))


def test_they_are_bounded() -> None:
    """Providers may list any number of models."""
    facts = ModelFacts((ListedProvider(name="a"),))
    for begin in range(0, 3 * FACTS_MAX, FACTS_MAX // 2):
        facts.look_up(f"a/{number}" for number in range(begin, begin + FACTS_MAX // 2))
    assert facts.of("a/0") is None and facts.of(f"a/{3 * FACTS_MAX - 1}") is not None
