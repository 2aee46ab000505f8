"""Evaluators of Patronus AI: what they do not let pass.

Source: https://docs.patronus.ai/docs/api_ref (POST /v1/evaluate)
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


class Evaluator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An evaluator with what it goes by."""

    evaluator: Annotated[str, Meta(min_length=1, max_length=200, description="Id or alias, such as `judge`.")]
    criteria: Annotated[str, Meta(max_length=200, description="Its criteria, such as `patronus:is-concise`.")] = ""


class PatronusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which evaluators judge."""

    evaluators: Annotated[tuple[Evaluator, ...], Meta(min_length=1, max_length=10, description="Evaluators.")]
    judged_as: Annotated[Literal["input", "output"], Meta(description="What a text is to the evaluators.")] = "output"
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$", description="Address of the operation.")] = (
        "https://api.patronus.ai/v1/evaluate"
    )


class _Patronus(Service):
    settings: PatronusSettings

    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        evaluators = [
            {"evaluator": one.evaluator, **({"criteria": one.criteria} if one.criteria else {})}
            for one in self.settings.evaluators
        ]
        return {"evaluators": evaluators, f"evaluated_model_{self.settings.judged_as}": text, "capture": "none"}

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`. An evaluator that could not judge is an error."""
        for one in answer["results"]:
            if one.get("status") != "success":
                raise ValueError("an evaluator did not succeed")
            result = one["evaluation_result"]
            if result["pass"] is not True:
                yield str(one.get("criteria") or one.get("evaluator_id") or "failed"), 1.0


def _make(settings: PatronusSettings, credential: str) -> Asking:
    judge = _Patronus(settings.url, {"x-api-key": credential})
    judge.settings = settings
    return judge


CHECK = Check(
    name="patronus",
    sentence="What evaluators of Patronus AI do not let pass.",
    settings=PatronusSettings,
    make=_make,
    spans=False,
    asks=True,
    credential="an API key of Patronus",
)
