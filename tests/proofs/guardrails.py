"""Guardrails in figures: how many secrets of each shape are found, what clean text costs, and what a stream waits for.

Samples are made up from the shapes themselves, in prose; the texts are clean prose and code.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue, reportMissingModuleSource] -- to make up matches
from typing import Any

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


def made_up(pattern: str, chance: random.Random) -> str:
    """A text that the pattern matches."""
    return _write(parser.parse(pattern), chance)


def _write(parsed: Any, chance: random.Random) -> str:
    said: list[str] = []
    for kind, value in parsed:
        match str(kind):
            case "LITERAL":
                said.append(chr(value))
            case "IN":
                said.append(_one_of(value, chance))
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                count = chance.randint(least, min(int(most), least + 20))
                said += [_write(inner, chance) for _ in range(count)]
            case "SUBPATTERN":
                said.append(_write(value[3], chance))
            case "BRANCH":
                said.append(_write(chance.choice(value[1]), chance))
            case "NOT_LITERAL" | "ANY":
                said.append("x")
            case _:
                pass
    return "".join(said)


def _one_of(ranges: Any, chance: random.Random) -> str:
    chars: list[str] = []
    negated = False
    for kind, value in ranges:
        match str(kind):
            case "LITERAL":
                chars.append(chr(value))
            case "RANGE":
                chars += map(chr, range(value[0], value[1] + 1))
            case "NEGATE":
                negated = True
            case _:  # a class: those that the shapes use
                chars += " " if str(value).endswith("SPACE") else "ab1"
    if negated:  # white space is among what is not wanted
        chars = [char for char in "abcdefghijkmnpqrstuvwxyz23456789" if char not in chars]
    return chance.choice(chars)


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
    small, large = clean_text(10_000), clean_text(200_000)
    rule_set = RuleSet([GuardrailRule(name="r", checks=("secrets",), action="redact")], b"key")
    window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
    return [
        at_least("secrets found, of made-up ones of each shape", recall(), "share", 0.99),
        at_most("findings in 200 KB of clean text", len(judge.judge([large])), "findings", 0),
        at_most("secrets in 10 KB of clean text", took_ms(lambda: judge.judge([small])), "ms", 0.1, timed=True),
        at_most("secrets in 200 KB of clean text", took_ms(lambda: judge.judge([large])), "ms", 2.0, timed=True),
        at_most(
            "a piece of a stream through a secrets rule", took_ms(lambda: window.feed(" word")), "ms", 0.1, timed=True
        ),
    ]
