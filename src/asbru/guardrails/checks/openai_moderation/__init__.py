"""OpenAI's moderation: harmful content by category.

Source: https://platform.openai.com/docs/api-reference/moderations
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.asking import Service
from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Asking

__all__ = ["CHECK"]


class ModerationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which categories count, and from which score."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$", description="Address of the operation.")] = (
        "https://api.openai.com/v1/moderations"
    )
    model: Annotated[str, Meta(min_length=1, max_length=200, description="Model of the moderation.")] = (
        "omni-moderation-latest"
    )
    categories: Annotated[
        tuple[str, ...], Meta(max_length=64, description="Categories that count, such as `violence`; none: all.")
    ] = ()
    threshold: Annotated[
        float | None, Meta(description="Score from which a category counts. Default: where OpenAI flags it.")
    ] = None


class _Moderation(Service):
    settings: ModerationSettings

    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        return {"model": self.settings.model, "input": text}

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`."""
        wanted, threshold = self.settings.categories, self.settings.threshold
        (result,) = answer["results"]
        for name, flagged in result["categories"].items():
            score = result["category_scores"][name]
            if (not wanted or name in wanted) and (flagged if threshold is None else score >= threshold):
                yield name, score


def _make(settings: ModerationSettings, credential: str) -> Asking:
    judge = _Moderation(settings.url, {"authorization": f"Bearer {credential}"})
    judge.settings = settings
    return judge


CHECK = Check(
    name="openai_moderation",
    sentence="Harmful content, by OpenAI's moderation.",
    settings=ModerationSettings,
    make=_make,
    spans=False,
    asks=True,
    credential="an API key of OpenAI",
)
