"""Guardrail rules of the configuration, checked: settings that make no sense, conditions that cannot be evaluated, and
rules that could not be enforced somewhere where they apply are errors, with their place. What may go unchecked, since
the rule says so, is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigPath, nearest
from asbru.guardrails import GuardrailRule, uses_of
from asbru.routing.rules import check_rule

if TYPE_CHECKING:
    from asbru.pipeline.guarding import ProofRow

_TOLD_MAX = 4


def check_guardrails(rules: Sequence[GuardrailRule], findings: Findings) -> None:
    """Problems go to `findings`."""
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        path: ConfigPath = ("guardrails", "rules", index)
        if rule.name in seen:
            findings.error((*path, "name"), f"{rule.name!r} is used twice")
        seen.add(rule.name)
        for problem in check_rule(rule.when):
            findings.error((*path, "when"), str(problem))
        for problem in flaws_of(rule):
            findings.error(path, problem)
        _check_names(rule, path, findings)


def flaws_of(rule: GuardrailRule) -> Iterator[str]:
    """Why a rule cannot be enforced: its settings, or where it would have to act. Whether it is enabled or not."""
    from asbru.guardrails.engine import compile_rule

    for one in rule.checks:
        if isinstance(one, dict) and len(one) != 1:
            yield "each of `checks` is a name, or one name with its settings"
            return
    try:
        compile_rule(rule)
    except ValueError as error:
        yield str(error)
        return
    impossible: dict[str, list[ProofRow]] = {}
    for row in proof_of(rule):
        if row.verdict == "impossible":
            impossible.setdefault(row.how, []).append(row)
    for how, rows in impossible.items():
        where = [f"{row.surface}{' streamed' if row.stream else ''} {row.place}" for row in rows]
        more = f" and {len(where) - _TOLD_MAX} more" if len(where) > _TOLD_MAX else ""
        yield f"the rule cannot be enforced in {', '.join(where[:_TOLD_MAX])}{more}: {how}"


def proof_of(rule: GuardrailRule) -> Iterator[ProofRow]:
    """What the rule does, operation by operation. Raises `ValueError` for settings that make no sense."""
    from asbru.dialects import discover
    from asbru.guardrails.engine import compile_rule
    from asbru.pipeline.guarding import prove

    return prove([compile_rule(rule)], discover())


def _check_names(rule: GuardrailRule, path: ConfigPath, findings: Findings) -> None:
    from asbru.dialects import discover

    known = {operation.name for dialect in discover().values() for operation in dialect.operations} | {"passthrough"}
    for place, name in enumerate(rule.operations):
        if name != "*" and name not in known:
            findings.error((*path, "operations", place), f"there is no operation {name!r}; {nearest(name, known)}")
    used = {name for name, _ in uses_of(rule)}
    for name in rule.credentials:
        if name not in used:
            findings.error((*path, "credentials", name), f"the rule has no check {name!r}; {nearest(name, used)}")
    if rule.enabled and rule.unchecked == "allow":
        try:
            rows = [row for row in proof_of(rule) if row.verdict == "unchecked"]
        except ValueError:
            return
        where = sorted({row.surface for row in rows})
        if where:
            findings.warn(path, f"calls of {', '.join(where)} pass unchecked, as `unchecked: allow` says")
