"""What guardrail rules would do, worked out for `guardrail_trial`, which describes it.

It needs the path of a call, whose size the control process is spared until somebody tries a rule.
"""

from __future__ import annotations

import msgspec

from asbru.admin.guardrail_trial import (
    GuardrailCheck,
    GuardrailFinding,
    GuardrailFindings,
    GuardrailProof,
    GuardrailText,
)
from asbru.guardrails import GuardrailRule, ProofRow
from asbru.guardrails.checks import discover_checks
from asbru.guardrails.engine import RuleSet, Seen, blocks, for_place, look, redact
from asbru.pipeline.guarding import flaws_of, proof_of

_KEY = b"a key of no installation"


def try_rules(trial: GuardrailText, rules: list[GuardrailRule]) -> GuardrailFindings:
    """What `rules` find in a text."""
    problems = [f"{rule.name}: {flaw}" for rule in rules for flaw in flaws_of(rule)]
    if problems:
        return GuardrailFindings((), trial.text, "", problems=tuple(problems))
    rule_set = RuleSet(rules, _KEY)
    concerned = for_place(rule_set.rules, trial.place)
    seen = [look(rule, [trial.text]) for rule in concerned]
    refused = blocks(seen)
    return GuardrailFindings(
        tuple(_findings(seen)),
        redact([trial.text], seen, rule_set.masking).texts[0],
        refused.rule.name if refused is not None else "",
        tuple(f"{rule.name}: {name}" for rule in concerned for name, _ in rule.asking),
        tuple(f"{one.rule.name}: the check '{one.failed}' failed" for one in seen if one.failed),
    )


def _findings(seen: list[Seen]) -> list[GuardrailFinding]:
    found = [
        GuardrailFinding(one.rule.name, each.kind, each.start, each.end, round(each.score, 3))
        for one in seen
        for each in one.findings
    ]
    return sorted(found, key=lambda one: (one.start, one.end))


def explain(rules: list[GuardrailRule], name: str, surface: str) -> GuardrailProof:
    """Where rules act; only the one of a name, only on one surface; "" for all."""
    rows: list[ProofRow] = []
    problems: list[str] = []
    for rule in rules:
        if name not in ("", rule.name):
            continue
        flaws = list(flaws_of(rule))
        problems += [f"{rule.name}: {flaw}" for flaw in flaws]
        if not flaws:
            rows += [row for row in proof_of(rule) if surface in ("", row.surface)]
    return GuardrailProof(tuple(rows), tuple(problems))


def list_checks() -> list[GuardrailCheck]:
    """The checks there are."""
    return [
        GuardrailCheck(
            check.name,
            check.sentence,
            check.spans,
            check.asks,
            check.credential,
            msgspec.json.schema_components([check.settings], ref_template="#/$defs/{name}")[1][
                check.settings.__name__
            ],
        )
        for check in discover_checks().values()
    ]
