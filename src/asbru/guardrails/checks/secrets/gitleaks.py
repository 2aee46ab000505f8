"""Rules of gitleaks, read from a TOML file: what is found by text alone. Rules on paths find nothing here.

Format: https://github.com/gitleaks/gitleaks#configuration
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from asbru.guardrails.checks.secrets.shapes import SecretShape
from asbru.guardrails.patterns import PatternError, beginnings_of, compiled

FILE_BYTES_MAX = 4 << 20
RULES_MAX = 2000


def read_rules(file: str, ignored: Collection[str]) -> tuple[list[SecretShape], str]:
    """The rules of a file, and its version. Raises `ValueError`, which repeats nothing of the file."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'not a file name'}") from None
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"{file} is larger than {FILE_BYTES_MAX} bytes")
    try:
        read: dict[str, Any] = tomllib.loads(data.decode())
        rules: list[dict[str, Any]] = read.get("rules", [])
        shapes = [shape for rule in rules[:RULES_MAX] if (shape := _shape(rule)) and shape.kind not in ignored]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError, KeyError):
        raise ValueError(f"{file} does not contain rules of gitleaks") from None
    if not shapes:
        raise ValueError(f"{file} contains no rules that can be used")
    return shapes, hashlib.sha256(data).hexdigest()


def _shape(rule: dict[str, Any]) -> SecretShape | None:
    """A rule as a shape; None for one about paths, or without keywords, or with a pattern that RE2 does not take."""
    pattern, keywords = str(rule.get("regex", "")), tuple(str(word).lower() for word in rule.get("keywords", ()))
    if not pattern or not keywords:
        return None
    try:
        compiled(pattern)
        compiled(f"(?:{beginnings_of(pattern)})\\z")
    except PatternError:
        return None
    return SecretShape(str(rule["id"]).replace("-", "_"), keywords, pattern, float(rule.get("entropy", 0)))
