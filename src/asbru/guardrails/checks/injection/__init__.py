"""Prompt injection, by heuristics: text that gives a model orders against those that it has.

A phrase alone is weak; together they add up to a score. It finds what is written plainly, and no more: a determined
attacker words it otherwise, for which there are checks that ask a model.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


class InjectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sure the check must be."""

    threshold: Annotated[
        float, Meta(gt=0, le=1, description="The least score of a text; one clear order alone has 0.8.")
    ] = 0.8


def _make(settings: InjectionSettings, credential: str) -> Judge:
    del credential
    from asbru.guardrails.checks.injection.judge import InjectionJudge  # loads RE2

    return InjectionJudge(settings.threshold)


CHECK = Check(
    name="injection",
    sentence="Prompt injection, by heuristics: orders against the instructions of a model.",
    settings=InjectionSettings,
    make=_make,
    spans=False,
)
