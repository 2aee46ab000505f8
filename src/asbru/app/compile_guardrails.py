"""Guardrail rules of the configuration, checked: settings that make no sense, conditions that cannot be evaluated, and
rules that could not be enforced somewhere where they apply are errors, with their place. What may go unchecked, since
the rule says so, is a warning.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigPath, nearest
from asbru.guardrails import GuardrailRule, uses_of
from asbru.mcp.protocol.dialect import MCP
from asbru.routing.rules import check_rule


def check_guardrails(rules: Sequence[GuardrailRule], findings: Findings) -> None:
    """Problems go to `findings`."""
    if not rules:
        return
    from asbru.pipeline.guarding import flaws_of  # loads what most configurations do not use

    seen: set[str] = set()
    for index, rule in enumerate(rules):
        path: ConfigPath = ("guardrails", "rules", index)
        if rule.name in seen:
            findings.error((*path, "name"), f"{rule.name!r} is used twice")
        seen.add(rule.name)
        for problem in check_rule(rule.when):
            findings.error((*path, "when"), str(problem))
        flaws = list(flaws_of(rule))
        for problem in flaws:
            findings.error(path, problem)
        if not flaws:
            _check_names(rule, path, findings)


def _check_names(rule: GuardrailRule, path: ConfigPath, findings: Findings) -> None:
    from asbru.dialects import discover

    known = {operation.name for dialect in (*discover().values(), MCP) for operation in dialect.operations}
    known.add("passthrough")
    for place, name in enumerate(rule.operations):
        if name != "*" and name not in known:
            findings.error((*path, "operations", place), f"there is no operation {name!r}; {nearest(name, known)}")
    used = {name for name, _ in uses_of(rule)}
    for name in rule.credentials:
        if name not in used:
            findings.error((*path, "credentials", name), f"the rule has no check {name!r}; {nearest(name, used)}")
    if rule.enabled and rule.unchecked == "allow":
        from asbru.pipeline.guarding import proof_of

        where = sorted({row.surface for row in proof_of(rule) if row.verdict == "unchecked"})
        if where:
            findings.warn(path, f"calls of {', '.join(where)} pass unchecked, as `unchecked: allow` says")
