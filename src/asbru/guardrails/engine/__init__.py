"""Rules at work: what they find in texts, whole or in pieces, and the texts anew."""

from asbru.guardrails.engine.masking import PLACEHOLDER
from asbru.guardrails.engine.redaction import redact
from asbru.guardrails.engine.rule_set import Rule, RuleSet, Seen, blocks, compile_rule, for_place, look, scan
from asbru.guardrails.engine.window import HELD_CHARS_MAX, Window

__all__ = [
    "HELD_CHARS_MAX",
    "PLACEHOLDER",
    "Rule",
    "RuleSet",
    "Seen",
    "Window",
    "blocks",
    "compile_rule",
    "for_place",
    "look",
    "redact",
    "scan",
]
