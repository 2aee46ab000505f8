"""The proof "secrets": against the rules of gitleaks and recorded prompts, where they are (see `make recordings`).

Texts are made up from the rules' patterns. Rules that look for any random text near a vendor's name are not counted:
the check finds tokens by their own shape. `LEFT_OUT` has the others that it does not list.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.proofs.made_up import made_up
from tests.proofs.rows import Row, at_least, at_most
from tests.recordings import corpus

from asbru.guardrails.checks import make_judge

RULES = "gitleaks-rules.toml"
NEAR_A_NAME = r"[\w.-]{0,50}?"
"""What stands before a vendor's name in rules that look near it."""
LEFT_OUT = frozenset(
    (
        *("airtable-personnal-access-token", "authress-service-client-access-key", "curl-auth-header"),
        *("curl-auth-user", "facebook-access-token", "flutterwave-public-key", "freemius-secret-key", "jwt-base64"),
        *("kubernetes-secret-yaml", "maxmind-license-key", "nuget-config-password", "sentry-org-token"),
    )
)
"""Of no fixed shape, public, or such that no text could flow while the shape is looked for."""
SAMPLES = 5


def recall(rules: Sequence[dict[str, Any]]) -> tuple[float, list[str]]:
    """The share of made-up secrets of the rules that are found, and the rules of those that are not."""
    chance = random.Random(5)
    judge: Any = make_judge("secrets", {"generic": True})
    found = total = 0
    missed: list[str] = []
    for rule in rules:
        pattern = rule.get("regex")
        if pattern is None or NEAR_A_NAME in pattern or rule["id"] in LEFT_OUT:
            continue
        pattern = pattern.replace("(?i)", "").replace(r"\z", r"\Z").replace("(?-i:", "(?:")
        pattern = pattern.replace("[[:alnum:]]", "[a-zA-Z0-9]")
        for _ in range(SAMPLES):
            total += 1
            if judge.judge([f"It is: {made_up(pattern, chance)} , as said."]):
                found += 1
            else:
                missed.append(rule["id"])
    return found / total, missed


def prompts(path: Path) -> Iterator[str]:
    """Texts of recorded requests."""
    for line in corpus.lines_of(path):
        yield from _texts(line.get("request_body"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not value.startswith("data:"):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


async def prove_secrets() -> Sequence[Row]:
    """See the module; nothing where there are no recordings."""
    path = corpus.find()
    if path is None:
        return []
    judge: Any = make_judge("secrets", {})
    chars = findings = 0
    for text in prompts(path):
        chars += len(text)
        findings += len(judge.judge([text]))
    rows = [at_most(f"findings in {chars // 1_000_000} MB of recorded prompts", findings, "findings", 3)]
    rules = path.parent / RULES
    if rules.is_file():
        share, missed = recall(tomllib.loads(rules.read_text("utf-8"))["rules"])
        told = f" (missed: {', '.join(sorted(set(missed)))})" if missed else ""
        rows.append(at_least(f"secrets found of the shapes of gitleaks' rules{told}", share, "share", 0.95))
    return rows
