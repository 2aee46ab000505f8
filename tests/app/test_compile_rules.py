"""Routing rules of the file: what workers get, which mistakes refuse the file, and what is only worth a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import ConfigRefusedError
from asbru.app.snapshot import read_snapshot, write_snapshot
from asbru.routing.rules import RoutingRule, RuleTarget


@pytest.fixture
def build(tmp_path: Path):
    """Compile a YAML text."""

    def build(text: str) -> Compiled:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return compile_config(Options(data_dir=tmp_path / "data", config=path), {})

    return build


RULES = """
version: 1
providers:
  groq:
    keys: [{{name: k1, value: secret}}]
  mock: {{}}
routing_rules:
{rules}
"""


def test_routing_rules_reach_the_snapshot(build: Any) -> None:
    """As they are written, in their order; names of the file are `to` and `when`."""
    rules = """
  - name: cheap
    when: budget_used > 80.0
    to: [{provider: groq, key: k1, weight: 3}, {model: small}]
    fallbacks: [mock/echo]
    scope: team
    owner: blue
    priority: 2
    chain: true
"""
    compiled = build(RULES.format(rules=rules))
    (found,) = read_snapshot(write_snapshot(compiled.snapshot)).routing_rules
    assert found == RoutingRule(
        name="cheap",
        when="budget_used > 80.0",
        targets=(RuleTarget(provider="groq", key="k1", weight=3.0), RuleTarget(model="small")),
        fallbacks=("mock/echo",),
        scope="team",
        owner="blue",
        priority=2,
        chain=True,
    )


@pytest.mark.parametrize(
    ("rule_lines", "where", "words"),
    [
        ("when: 'modl == 1', to: [{provider: groq}]", "when", "line 1, column 1: unknown variable 'modl'"),
        ("when: 'model ==', to: [{provider: groq}]", "when", "line 1, column 9: Syntax error"),
        ("to: []", "to", "1 or more"),
        ("to: [{provider: grok}]", "to.0.provider", "did you mean 'groq'?"),
        ("to: [{provider: groq, key: k2}]", "to.0.key", "did you mean 'k1'?"),
        ("to: [{key: k1}]", "to.0.key", "set `provider` beside it"),
        ("to: [{provider: groq, weight: 0}]", "to.0.weight", "more than 0"),
        ("to: [{provider: groq}], fallbacks: [nobody/x]", "fallbacks.0", "there is no provider 'nobody'"),
        ("to: [{provider: groq}], scope: team", "0", "names its `owner`"),
        ("to: [{provider: groq}], owner: blue", "0", "a global one none"),
    ],
)
def test_a_rule_that_could_never_decide_is_refused(build: Any, rule_lines: str, where: str, words: str) -> None:
    """With the place of the setting, and inside the condition the line and column."""
    with pytest.raises(ConfigRefusedError) as refused:
        build(RULES.format(rules=f"  - {{name: r, {rule_lines}}}"))
    (problem,) = refused.value.problems
    assert ".".join(str(part) for part in problem.path).endswith(where)
    assert words in problem.message
    assert problem.line == 8


def test_two_rules_of_one_owner_have_two_names(build: Any) -> None:
    """The name tells them apart in records; rules of different owners may share one."""
    one = "  - {name: r, to: [{provider: groq}]}\n"
    build(RULES.format(rules=one + "  - {name: r, scope: team, owner: t, to: [{provider: groq}]}\n"))
    with pytest.raises(ConfigRefusedError, match="'r' is used twice"):
        build(RULES.format(rules=one + one))


def test_a_rule_of_an_owner_that_is_not_there_is_a_warning(build: Any) -> None:
    """It may come over the management API; until then the rule has no effect. One that is there needs no word."""
    rules = "".join(
        f"  - {{name: r, scope: {scope}, owner: {owner}, to: [{{provider: groq}}]}}\n"
        for scope, owner in (("team", "blu"), ("team", "blue"), ("virtual_key", "k"), ("customer", "acme"))
    )
    text = RULES.format(rules=rules) + "teams: [{name: blue}]\n"
    warned = [str(one).partition("routing_rules")[2] for one in build(text).warnings if "no effect" in str(one)]
    assert warned == [
        ".0.owner: there is no team 'blu', so this rule has no effect; did you mean 'blue'?",
        ".2.owner: there is no virtual key 'k', so this rule has no effect; none is configured",
        ".3.owner: there is no customer 'acme', so this rule has no effect; none is configured",
    ]
