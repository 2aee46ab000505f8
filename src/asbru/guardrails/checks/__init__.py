"""The checks, each a folder with one `CHECK`, found like providers; what a rule's checks are made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from asbru.core.folders import find_folders
from asbru.guardrails.checks.kit import Check, Shape, ShapeJudge, WholeJudge
from asbru.guardrails.findings import Asking, Judge

__all__ = ["Check", "Shape", "ShapeJudge", "WholeJudge", "discover_checks", "make_judge"]


@cache
def discover_checks() -> dict[str, Check]:
    """All checks by name."""
    found: dict[str, Check] = {}
    for folder in find_folders(__name__, str(Path(__file__).parent)):
        check = folder.load().CHECK
        assert isinstance(check, Check) and check.name == folder.name, f"{folder.path} has no CHECK of its name"
        found[check.name] = check
    return found


def make_judge(name: str, settings: object, credential: str = "") -> Judge | Asking:
    """The judge of a check with these settings. Raises `ValueError`, which says what is wrong with them."""
    checks = discover_checks()
    check = checks.get(name)
    if check is None:
        raise ValueError(f"there is no check '{name}'; expected one of {', '.join(checks)}")
    if check.credential and not credential:
        raise ValueError(f"'{name}' needs {check.credential}: set `credentials: {{{name}: env.NAME}}`")
    try:
        read = msgspec.convert(settings, check.settings)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {_said(error)}") from None
    try:
        return check.make(read, credential)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _said(error: msgspec.ValidationError) -> str:
    text = str(error)
    return f"{text[:1].lower()}{text[1:]}".replace(" - at `$", " - at `settings")
