"""Rules: whose are asked first, what one that holds changes, and how chains end."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.routing.rules import Asked, Decision, RoutingRule, Rules, RuleTarget


def rule(name: str, when: str = "", *targets: str, **changes: Any) -> RoutingRule:
    """A rule; targets as `provider/model`, either part may be empty."""
    to = tuple(
        RuleTarget(provider=provider or None, model=model or None)
        for provider, _, model in (target.partition("/") for target in targets)
    )
    return RoutingRule(name=name, when=when, targets=to or (RuleTarget(model=name),), **changes)


def asked(provider: str = "openai", model: str = "gpt", **values: object) -> Asked:
    """A call of key k, of team t, of customer c."""
    maps: dict[str, object] = {"headers": {}, "params": {}, "tags": {}}
    return Asked(provider, model, "k", "t", "c", {**maps, **values})


def decided(rules: list[RoutingRule], call: Asked, chance: float = 0.0) -> str | None:
    """`provider/model`, or None."""
    decision = Rules(rules).decide(call, chance, [])
    return None if decision is None else f"{decision.provider}/{decision.model}"


def test_the_key_s_rules_come_first() -> None:
    """Key, team, customer, global, whatever the priorities; rules of others are not asked."""
    rules = [
        rule("global", priority=-9),
        rule("of-c", scope="customer", owner="c", priority=-5),
        rule("of-t", scope="team", owner="t"),
        rule("of-k", scope="virtual_key", owner="k", priority=7),
        rule("of-other", scope="virtual_key", owner="other", priority=-7),
    ]
    for left in ("of-k", "of-t", "of-c", "global"):
        assert decided(rules, asked()) == f"openai/{left}"
        rules = [one for one in rules if one.name != left]
    assert decided(rules, asked()) is None


def test_the_lower_priority_comes_first() -> None:
    """Inside a scope by priority, then as declared; what is not enabled is not asked."""
    rules = [
        rule("b", priority=2),
        rule("c", priority=1),
        rule("d", priority=1),
        rule("off", priority=0, enabled=False),
    ]
    assert decided(rules, asked()) == "openai/c"


def test_an_owner_without_a_name_has_no_rules() -> None:
    """A call without a team is not of the team named ""."""
    rules = [rule("x", scope="team", owner="t")]
    assert decided(rules, Asked("openai", "gpt", "", "", "", {})) is None


@pytest.mark.parametrize(
    ("target", "to"),
    [("groq/llama", "groq/llama"), ("groq/", "groq/gpt"), ("/mini", "openai/mini"), ("/", "openai/gpt")],
)
def test_what_is_not_set_stays(target: str, to: str) -> None:
    """A target without a provider or a model keeps the one asked for."""
    assert decided([rule("r", "", target)], asked()) == to


def test_targets_are_drawn_by_weight() -> None:
    """Seven of ten go here, three there."""
    heavy, light = RuleTarget(model="heavy", weight=0.7), RuleTarget(model="light", weight=0.3, key="special")
    rules = Rules([RoutingRule(name="r", targets=(heavy, light), fallbacks=("a/b",))])
    trail: list[str] = []
    assert rules.decide(asked(), 0.69, trail) == Decision("openai", "heavy", "", ("a/b",), drawn=True)
    assert rules.decide(asked(), 0.71, trail) == Decision("openai", "light", "special", ("a/b",), drawn=True)
    assert trail == ["rule 'r': openai/heavy (weight 0.7 of 1)", "rule 'r': openai/light (weight 0.3 of 1)"]


def test_conditions_decide() -> None:
    """The first that holds, by what the call is."""
    rules = [
        rule("spent", "budget_used > 80.0 && model.startsWith('gpt')", "/mini"),
        rule("agents", 'headers["user-agent"].contains("claude-cli")', "groq/llama"),
    ]
    assert decided(rules, asked(budget_used=80.0)) is None
    assert decided(rules, asked(budget_used=80.1)) == "openai/mini"
    agent = {"user-agent": "claude-cli/2.0"}
    assert decided(rules, asked(budget_used=0.0, headers=agent)) == "groq/llama"


def test_a_missing_name_does_not_hold() -> None:
    """Also where the condition says `!=`: nobody said anything to compare; the next rule is asked."""
    rules = [rule("not-x", 'headers["x"] != "a"'), rule("next")]
    assert decided(rules, asked()) == "openai/next"
    assert decided(rules, asked(headers={"x": "b"})) == "openai/not-x"


def test_what_cannot_be_evaluated_is_told() -> None:
    """An error of the engine makes the rule false, and the trail says so."""
    trail: list[str] = []
    rules = Rules([rule("sum", "size(model) + 9223372036854775807 > 0")])
    assert rules.decide(asked(), 0.0, trail) is None
    assert trail == ["rule 'sum' failed: OverflowError"]


def test_a_chain_goes_on_with_what_was_decided() -> None:
    """The rules are asked again with the new provider and model; the last decision holds, with its fallbacks."""
    rules = [
        rule("one", "model == 'gpt'", "groq/two", chain=True, fallbacks=("x/y",)),
        rule("two", "provider == 'groq' && model == 'two'", "/three", chain=True),
        rule("never", "model == 'gpt'", "/never"),
    ]
    trail: list[str] = []
    assert Rules(rules).decide(asked(), 0.0, trail) == Decision("groq", "three", "", ())
    assert trail == ["rule 'one': groq/two", "rule 'two': groq/three"]


def test_a_cycle_ends() -> None:
    """A decision that was taken before ends the chain, at it."""
    rules = [
        rule("there", "model == 'a'", "/b", chain=True),
        rule("back", "model == 'b'", "/a", chain=True),
    ]
    trail: list[str] = []
    assert Rules(rules).decide(asked(model="a"), 0.0, trail) == Decision("openai", "a", "", ())
    assert len(trail) == 2
    assert decided([rule("same", "", "/", chain=True)], asked()) == "openai/gpt"


def test_a_chain_has_ten_links() -> None:
    """However many rules follow each other."""
    rules = [rule(f"r{n}", f"model == 'm{n}'", f"/m{n + 1}", chain=True) for n in range(30)]
    assert decided(rules, asked(model="m0")) == "openai/m10"


def test_what_is_read_is_known() -> None:
    """Only what some enabled rule reads is asked of a call; bad conditions never get here in silence."""
    rules = Rules(
        [rule("a", 'tags["x"] == "1"'), rule("b", "budget_used > 1"), rule("c", "surface == ''", enabled=False)]
    )
    assert (rules.reads, rules.names) == ({"tags", "budget_used"}, {"tags": {"x"}})
    with pytest.raises(ValueError, match="cannot contain loops"):
        Rules([rule("loop", "[1].all(x, true)")])
