"""Why a rule cannot be enforced: settings that make no sense, and places where it could not act."""

from __future__ import annotations

from collections.abc import Iterator

from asbru.dialects import discover
from asbru.guardrails import GuardrailRule, ProofRow
from asbru.guardrails.engine import compile_rule
from asbru.pipeline.guarding.proof import prove

TOLD_MAX = 4
"""Places that are named."""
RESERVED = ("checks", "explain", "try")
"""Names by which the management API has something else."""


def flaws_of(rule: GuardrailRule) -> Iterator[str]:
    """Why it cannot be enforced, in words; nothing if it can. Whether it is enabled or not."""
    if rule.name in RESERVED:
        yield f"a rule cannot be called '{rule.name}'"
    if any(isinstance(one, dict) and len(one) != 1 for one in rule.checks):
        yield "each of `checks` is a name, or one name with its settings"
        return
    try:
        rows = list(proof_of(rule))
    except ValueError as error:
        yield str(error)
        return
    impossible: dict[str, list[ProofRow]] = {}
    for row in rows:
        if row.verdict == "impossible":
            impossible.setdefault(row.how, []).append(row)
    for how, found in impossible.items():
        where = [f"{row.surface}{' (streamed)' if row.stream else ''}, {row.place}" for row in found]
        more = f" and {len(where) - TOLD_MAX} more" if len(where) > TOLD_MAX else ""
        yield f"the rule cannot be enforced in {'; '.join(where[:TOLD_MAX])}{more}: {how}"


def proof_of(rule: GuardrailRule) -> Iterator[ProofRow]:
    """What the rule does, operation by operation. Raises `ValueError` for settings that make no sense."""
    return prove([compile_rule(rule)], discover())
