"""Guardrails in figures: how many secrets of each shape are found, what clean text costs, and what a stream waits for.

Samples are made up from the shapes themselves, in prose; the texts are clean prose and code.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.proofs.made_up import made_up
from tests.proofs.rows import Row, at_least, at_most

from asbru.guardrails import GuardrailRule
from asbru.guardrails.checks import make_judge
from asbru.guardrails.checks.secrets.shapes import SHAPES
from asbru.guardrails.engine import RuleSet, Window

SAMPLES = 5
RUNS = 40
_WORDS = (
    *(
        "the",
        "model",
        "answers",
        "quickly",
        "def function(value):",
        "return token",
        "user_id",
        "12345",
        "path/to/file",
    ),
    *("https://example.org/a?b=c", "secret sauce", "is not a secret", "import os"),
)


def recall() -> float:
    """The share of made-up secrets that are found, each in a text of its own."""
    chance = random.Random(7)
    judge: Any = make_judge("secrets", {})
    found = total = 0
    for shape in SHAPES:
        for _ in range(SAMPLES):
            total += 1
            found += bool(judge.judge([f"It is: {made_up(shape.pattern, chance)} , as said."]))
    return found / total


def leaks() -> int:
    """How often a made-up secret that is cut in two leaves a stream otherwise than one that is whole: each is cut at
    every character."""
    chance = random.Random(11)
    rule_set = RuleSet([GuardrailRule(name="r", checks=("secrets",), action="redact")], b"key")
    leaked = 0
    for shape in SHAPES:
        secret = made_up(shape.pattern, chance)[:400]
        whole = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
        wanted = whole.feed(f"It is: {secret} , as said.") + whole.close()
        for at in range(1, len(secret)):
            window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
            said = window.feed(f"It is: {secret[:at]}") + window.feed(f"{secret[at:]} , as said.") + window.close()
            leaked += said != wanted
    return leaked


def first_token_ms() -> float:
    """What the first word of a stream waits for at most, 99 times in 100: the rule's own time, with its pieces."""
    rule_set = RuleSet([GuardrailRule(name="r", checks=("secrets",), action="redact")], b"key")
    times: list[float] = []
    for word in clean_text(20_000).split(" ")[:1000]:
        began = time.perf_counter()
        window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
        window.feed(f"{word} ")
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[int(len(times) * 0.99)]


def clean_text(chars: int) -> str:
    """Prose and code without a secret."""
    chance = random.Random(1)
    return " ".join(chance.choice(_WORDS) for _ in range(chars))[:chars]


def took_ms(work: Callable[[], object]) -> float:
    """The median time."""
    work()
    times: list[float] = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def prove_guardrails() -> Sequence[Row]:
    """See the module."""
    judge: Any = make_judge("secrets", {})
    prompt, small, large = clean_text(2_000), clean_text(10_000), clean_text(200_000)
    rule_set = RuleSet([GuardrailRule(name="r", checks=("secrets",), action="redact")], b"key")
    window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
    return [
        at_least("secrets found, of made-up ones of each shape", recall(), "share", 0.99),
        at_most("findings in 200 KB of clean text", len(judge.judge([large])), "findings", 0),
        at_most("secrets that leave a stream, cut at every character", leaks(), "secrets", 0),
        at_most("the first word of a stream, p99", first_token_ms(), "ms", 5, timed=True),
        at_most("secrets in a prompt of 2 KB", took_ms(lambda: judge.judge([prompt])), "ms", 0.04, timed=True),
        at_most("secrets in 10 KB of clean text", took_ms(lambda: judge.judge([small])), "ms", 0.1, timed=True),
        at_most("secrets in 200 KB of clean text", took_ms(lambda: judge.judge([large])), "ms", 2.0, timed=True),
        at_most(
            "a piece of a stream through a secrets rule", took_ms(lambda: window.feed(" word")), "ms", 0.1, timed=True
        ),
    ]
