"""Guardrails: what texts of calls must not contain, and what happens where they do.

It knows texts, not calls; `pipeline.guarding` gives it those of a call. Checks and RE2 are loaded with the first rule.
"""

from asbru.guardrails.findings import Answer, Finding, Ports
from asbru.guardrails.proof_row import ProofRow, Verdict
from asbru.guardrails.rule import (
    PLACES,
    CheckSettings,
    GuardrailRule,
    GuardrailSettings,
    Place,
    uses_of,
)

__all__ = [
    "PLACES",
    "Answer",
    "CheckSettings",
    "Finding",
    "GuardrailRule",
    "GuardrailSettings",
    "Place",
    "Ports",
    "ProofRow",
    "Verdict",
    "uses_of",
]
