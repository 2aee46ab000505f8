"""Guardrail rules over the management API: kept, tried on a text, explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import Managed, managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.guardrails.checks import discover_checks

TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with one rule in the file and one that is stored."""
    with managed(tmp_path, *COMPILED_KINDS) as one:
        declared = {"name": "from-file", "checks": ["pii"], "action": "redact", "with": "mask", "places": ["input"]}
        one.declare(**{"guardrails.rules": [declared]})
        one.ask("POST", "guardrails", {"name": "stored", "checks": ["secrets"]}, status=201)
        yield one


def test_rules_are_tried_on_a_text(api: Managed) -> None:
    """Of the file and stored ones: what is found, where, what it becomes, and what would refuse it."""
    text = f"🙂 mail me@example.org, key {TOKEN}"
    found = api.ask("POST", "guardrails/try", {"text": text})
    assert [(one["rule"], one["kind"], text[one["start"] : one["end"]]) for one in found["findings"]] == [
        ("from-file", "email", "me@example.org"),
        ("stored", "github_token", TOKEN),
    ]
    assert (found["blocked_by"], found["text"]) == ("stored", text.replace("me@example.org", "*" * 14))
    assert api.ask("POST", "guardrails/try", {"text": text, "place": "tool_results"})["findings"] == []


def test_an_unsaved_rule_is_tried(api: Managed) -> None:
    """Alone; one that makes no sense is told of, and nothing is stored."""
    rule: dict[str, Any] = {"checks": [{"regex": {"patterns": {"ticket": "TKT-[0-9]+"}}}], "action": "redact"}
    found = api.ask("POST", "guardrails/try", {"text": "see TKT-7", "rule": rule})
    assert (found["text"], found["findings"][0]["rule"]) == ("see [TICKET]", "unsaved")
    bad = api.ask("POST", "guardrails/try", {"text": "x", "rule": {"checks": ["nope"]}})
    assert "there is no check 'nope'" in bad["problems"][0]
    api.ask("POST", "guardrails/try", {"text": "x", "rule": {"checks": []}}, status=422)
    assert len(api.ask("GET", "guardrails")["items"]) == 2


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"checks": ["injection"]}, "set `hold: true`"),
        ({"checks": ["injection"], "action": "redact", "places": ["input"]}, "nothing to replace"),
        ({"checks": [{"regex": {"patterns": {"a": "("}}}]}, "pattern 'a' cannot be used"),
        ({"name": "explain", "checks": ["pii"]}, "cannot be called 'explain'"),
        ({"checks": [{"pii": {}, "secrets": {}}]}, "one name with its settings"),
    ],
)
def test_rules_that_cannot_be_enforced_are_refused(api: Managed, rule: dict[str, Any], says: str) -> None:
    """When they are made, with where and why."""
    error = api.ask("POST", "guardrails", {"name": "r", **rule}, status=422)
    assert says in str(error)


def test_the_table_says_where_rules_act(api: Managed) -> None:
    """For each operation and stream mode; narrowed by rule and surface."""
    rows = api.ask("GET", "guardrails/explain")["rows"]
    seen = {(row["surface"], row["stream"], row["place"]): row["verdict"] for row in rows if row["rule"] == "stored"}
    assert seen["openai.chat", True, "output"] == seen["anthropic.messages", False, "input"] == "enforced"
    assert seen["openai.completions", False, "output"] == "enforced"
    assert seen["passthrough", False, "input"] == "refused"
    assert seen["openai.embeddings", False, "output"] == "absent"
    assert not any(row["verdict"] == "impossible" for row in rows)
    narrowed = api.ask("GET", "guardrails/explain", query="rule=from-file&surface=openai.chat")["rows"]
    assert [(row["place"], row["stream"]) for row in narrowed] == [("input", False), ("input", True)]


def test_the_checks_are_listed(api: Managed) -> None:
    """All, with what their settings must be."""
    checks = {one["name"]: one for one in api.ask("GET", "guardrails/checks")["items"]}
    assert set(checks) == set(discover_checks())
    assert "patterns" in checks["regex"]["settings"]["properties"] and checks["pii"]["spans"]
