"""Cygnal of Gray Swan AI: how likely a text violates policies.

Source: https://docs.grayswan.ai/cygnal/monitor-requests
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.asking import Service
from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Asking

__all__ = ["CHECK"]


class GraySwanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is a violation, and from which score."""

    threshold: Annotated[float, Meta(gt=0, le=1, description="Score from which it is a violation.")] = 0.5
    policy_id: Annotated[str, Meta(max_length=200, description="Policy to go by. Default: the account's.")] = ""
    rules: Annotated[dict[str, str], Meta(max_length=50, description="Rules in words, by name.")] = {}
    role: Annotated[Literal["user", "assistant"], Meta(description="Who is taken to have said a text.")] = "user"
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$", description="Address of the operation.")] = (
        "https://api.grayswan.ai/cygnal/monitor"
    )


class _Cygnal(Service):
    settings: GraySwanSettings

    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        body: dict[str, Any] = {"messages": [{"role": self.settings.role, "content": text}]}
        if self.settings.policy_id:
            body["policy_id"] = self.settings.policy_id
        if self.settings.rules:
            body["rules"] = self.settings.rules
        return body

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`."""
        score = float(answer["violation"])
        if score >= self.settings.threshold:
            yield "violation", score


def _make(settings: GraySwanSettings, credential: str) -> Asking:
    judge = _Cygnal(settings.url, {"grayswan-api-key": credential})
    judge.settings = settings
    return judge


CHECK = Check(
    name="gray_swan",
    sentence="Violations of policies, by Cygnal of Gray Swan AI.",
    settings=GraySwanSettings,
    make=_make,
    spans=False,
    asks=True,
    credential="an API key of Gray Swan",
)
