"""Azure AI Content Safety: harmful content by severity, and attacks on prompts (Prompt Shields).

Sources: https://learn.microsoft.com/en-us/rest/api/contentsafety/text-operations/analyze-text,
https://learn.microsoft.com/en-us/azure/ai-services/content-safety/quickstart-jailbreak
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

_VERSION = "2024-09-01"
_SEVERITY_MAX = 7


class AzureSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the resource is, and what counts."""

    endpoint: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s?#]+$",
            description="Address of the resource: https://NAME.cognitiveservices.azure.com.",
        ),
    ]
    mode: Annotated[
        Literal["harm", "attack"], Meta(description="`harm`: categories of harm; `attack`: attacks on prompts.")
    ] = "harm"
    categories: Annotated[
        tuple[Literal["Hate", "SelfHarm", "Sexual", "Violence"], ...], Meta(min_length=1, description="`mode: harm`.")
    ] = ("Hate", "SelfHarm", "Sexual", "Violence")
    severity: Annotated[int, Meta(ge=1, le=7, description="`mode: harm`: severity from which a category counts.")] = 2
    blocklists: Annotated[
        tuple[str, ...], Meta(max_length=10, description="`mode: harm`: names of block lists.")
    ] = ()


class _Azure(Service):
    settings: AzureSettings
    chars_max = 10_000
    """Unicode code points in a request, of either operation."""

    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        if self.settings.mode == "attack":
            return {"userPrompt": text, "documents": []}
        return {
            "text": text,
            "categories": self.settings.categories,
            "blocklistNames": self.settings.blocklists,
            "outputType": "EightSeverityLevels",
        }

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`."""
        if self.settings.mode == "attack":
            if answer["userPromptAnalysis"]["attackDetected"]:
                yield "prompt_attack", 1.0
            return
        for one in answer["categoriesAnalysis"]:
            if one["severity"] >= self.settings.severity:
                yield str(one["category"]).lower(), one["severity"] / _SEVERITY_MAX
        for _ in answer.get("blocklistsMatch") or ():
            yield "blocklist", 1.0


def _make(settings: AzureSettings, credential: str) -> Asking:
    operation = "shieldPrompt" if settings.mode == "attack" else "analyze"
    url = f"{settings.endpoint.rstrip('/')}/contentsafety/text:{operation}?api-version={_VERSION}"
    judge = _Azure(url, {"ocp-apim-subscription-key": credential})
    judge.settings = settings
    return judge


CHECK = Check(
    name="azure_content_safety",
    sentence="Harmful content or attacks on prompts, by Azure AI Content Safety.",
    settings=AzureSettings,
    make=_make,
    spans=False,
    asks=True,
    credential="a key of the resource",
)
