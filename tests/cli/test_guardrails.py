"""`asbru guardrails explain`: the table of where rules act, and what cannot be enforced."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from asbru.cli import commands

RULE = "guardrails:\n  rules:\n    - {name: r, checks: [%s], %s}\n"


def explain(tmp_path: Path, rule: str, *words: str) -> Result:
    """The command, over a file with one rule."""
    file = tmp_path / "config.yaml"
    file.write_text(rule)
    return CliRunner().invoke(commands()["guardrails"], ["explain", "--config", str(file), *words])


def test_the_table_is_printed(tmp_path: Path) -> None:
    """Each operation and stream mode, with how the rule is enforced; narrowed by surface; as JSON."""
    ran = explain(tmp_path, RULE % ("secrets", "action: redact"))
    assert ran.exit_code == 0, ran.output
    assert "enforced: redact" in ran.output and "passthrough" in ran.output and "refused" in ran.output
    rows = json.loads(
        explain(tmp_path, RULE % ("pii", "places: [output]"), "--surface", "openai.chat", "--json").output
    )
    assert [(row["stream"], row["verdict"]) for row in rows] == [(False, "enforced"), (True, "enforced")]


def test_what_cannot_be_enforced_is_refused(tmp_path: Path) -> None:
    """With the place in the file, the operations and the way out; so do `config check` and the start."""
    ran = explain(tmp_path, RULE % ("injection", "action: block"))
    assert ran.exit_code == 1
    for words in ("guardrails.rules.0", "anthropic.messages (streamed), output", "hold: true"):
        assert words in ran.output
    assert explain(tmp_path, RULE % ("injection", "hold: true")).exit_code == 0


def test_without_rules_there_is_no_table(tmp_path: Path) -> None:
    """It says so."""
    assert "no guardrail rule" in explain(tmp_path, RULE % ("pii", "enabled: false")).output
