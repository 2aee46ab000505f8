"""Phrases by which text tries to take a model over, each with the score that it adds; the sum is at most 1.

English only. What is worded otherwise is not found.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.guardrails.checks.kit import Shape, ShapeJudge, WholeJudge
from asbru.guardrails.findings import Finding

_ORDERS = r"(?:instructions?|prompts?|rules?|guidelines?|directions?|commands?|context|messages?|programming)"
_BEFORE = r"(?:previous|prior|above|preceding|earlier|former|foregoing|existing|initial|original|system|your|all|any)"

PHRASES: tuple[tuple[str, float, str], ...] = (
    (
        "override",
        0.8,
        r"(?i)\b(?:ignore|disregard|forget|override|bypass|discard|do not follow|don't follow|stop following)\s+"
        rf"(?:(?:all|any|of|the|these|those|my|every|and)\s+){{0,4}}(?:{_BEFORE}\s+){{1,3}}(?:and\s+\w+\s+)?{_ORDERS}",
    ),
    (
        "override",
        0.8,
        r"(?i)\b(?:ignore|disregard|forget)\s+(?:everything|all)\s+(?:above|before|you (?:were|have been) told|so far|"
        r"that (?:came|was said) before)",
    ),
    (
        "new_orders",
        0.5,
        r"(?i)\b(?:new|updated|real|actual|revised)\s+(?:system\s+)?(?:instructions?|prompt|directives?)\s*:",
    ),
    (
        "leak",
        0.8,
        r"(?i)\b(?:reveal|print|show|repeat|output|display|disclose|leak|tell me|give me|write out|recite)\s+"
        r"(?:me\s+)?(?:(?:all|the|your|full|exact|entire|complete|hidden|secret|original|initial|of)\s+){1,5}"
        r"(?:system\s+(?:prompt|message|instructions?)|hidden\s+(?:prompt|instructions?)|initial\s+(?:prompt|instructions?))",
    ),
    (
        "persona",
        0.5,
        r"(?i)\byou\s+are\s+(?:now|no longer)\s+(?:an?\s+)?(?:\w+\s+){0,3}"
        r"(?:DAN|jailbroken|unrestricted|unfiltered|uncensored|free of|bound by|evil|developer mode|god mode)",
    ),
    (
        "persona",
        0.5,
        r"(?i)\b(?:do anything now|developer mode (?:enabled|on)|jailbreak mode|god mode enabled|DAN mode)\b",
    ),
    (
        "no_limits",
        0.4,
        r"(?i)\b(?:without|no|free (?:of|from)|ignoring)\s+(?:any\s+|all\s+|your\s+)?"
        r"(?:ethical|moral|safety|content)\s+(?:restrictions?|guidelines?|filters?|limits?|limitations?|constraints?|polic(?:y|ies))",
    ),
    (
        "concealment",
        0.5,
        r"(?i)\b(?:do not|don't|never|without)\s+(?:tell|telling|inform|informing|mention|mentioning|notify|notifying|"
        r"alert|alerting)\s+(?:this\s+(?:to\s+)?|it\s+(?:to\s+)?|to\s+)?(?:the\s+)?(?:user|human|operator|anyone)",
    ),
    (
        "forged_turn",
        0.6,
        r"(?i)(?:<\|im_(?:start|end)\|>|<\|(?:system|assistant|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<<SYS>>|"
        r"<(?:important|system)>|^\s{0,4}#{2,4}\s*(?:system|instruction)s?\s*:|\n\s{0,4}(?:system|assistant)\s*:\s)",
    ),
    (
        "exfiltration",
        0.6,
        r"(?i)\b(?:send|post|upload|forward|exfiltrate|transmit|append|include|pass)\s+(?:\w+\s+){0,6}"
        r"(?:password|secret|credential|api[ _-]?key|token|private key|conversation|chat history|system prompt|"
        r"environment variable|\.env|id_rsa|ssh key)s?\s+(?:\w+\s+){0,4}(?:to|at|via|as|in)\b",
    ),
    (
        "tool_order",
        0.5,
        r"(?i)\b(?:before|prior to|instead of)\s+(?:using|calling|answering|responding|doing anything)\b[^.\n]{0,80}"
        r"\b(?:you must|always|first)\s+(?:read|call|send|use|execute|run)\b",
    ),
)


class InjectionJudge(WholeJudge):
    """See the module. Its findings are the phrases of texts whose score is high enough."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._phrases = ShapeJudge([Shape(kind, pattern, None, score) for kind, score, pattern in PHRASES])

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """See `Judge`."""
        findings: list[Finding] = []
        for index, text in enumerate(texts):
            found = self._phrases.judge([text])
            strongest: dict[str, float] = {}
            for one in found:
                strongest[one.kind] = max(one.score, strongest.get(one.kind, 0.0))
            score = min(1.0, sum(strongest.values()))
            if found and score >= self._threshold:
                findings += [one._replace(text=index, score=score) for one in found]
        return findings
