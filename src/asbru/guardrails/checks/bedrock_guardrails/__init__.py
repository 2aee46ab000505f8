"""Guardrails of AWS Bedrock (`ApplyGuardrail`), with an API key of Bedrock.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.asking import Service
from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Asking

__all__ = ["CHECK"]

_POLICIES = (
    ("topicPolicy", "topics", "name"),
    ("contentPolicy", "filters", "type"),
    ("wordPolicy", "customWords", ""),
    ("wordPolicy", "managedWordLists", "type"),
    ("sensitiveInformationPolicy", "piiEntities", "type"),
    ("sensitiveInformationPolicy", "regexes", "name"),
    ("contextualGroundingPolicy", "filters", "type"),
)
"""Where an assessment tells what was found, and by which member it is called; words are not repeated."""


class BedrockSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which guardrail is applied."""

    guardrail: Annotated[
        str,
        Meta(
            max_length=2048,
            pattern=r"^([a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+)$",
            description="Id or ARN of the guardrail.",
        ),
    ]
    version: Annotated[str, Meta(pattern=r"^([1-9][0-9]{0,7}|DRAFT)$", description="Its version.")] = "DRAFT"
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{2,30}$", description="AWS region.")] = "us-east-1"
    source: Annotated[
        Literal["INPUT", "OUTPUT"], Meta(description="Whether texts are judged as input or output.")
    ] = "INPUT"
    url: Annotated[str, Meta(max_length=2000, description="Address of the runtime. Default: that of the region.")] = (
        ""
    )


class _Bedrock(Service):
    source = "INPUT"

    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        return {"source": self.source, "content": [{"text": {"text": text}}]}

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`."""
        if answer["action"] == "NONE":
            return
        if answer["action"] != "GUARDRAIL_INTERVENED":
            raise ValueError("expected the action NONE or GUARDRAIL_INTERVENED")
        kinds = [
            str(one[member]) if member else "custom_word"
            for assessment in answer.get("assessments", ())
            for policy, listed, member in _POLICIES
            for one in assessment.get(policy, {}).get(listed, ())
            if one.get("action") != "NONE"
        ]
        for kind in kinds or ["intervened"]:
            yield kind.lower(), 1.0


def _make(settings: BedrockSettings, credential: str) -> Asking:
    base = (settings.url or f"https://bedrock-runtime.{settings.region}.amazonaws.com").rstrip("/")
    url = f"{base}/guardrail/{quote(settings.guardrail, safe='')}/version/{settings.version}/apply"
    judge = _Bedrock(url, {"authorization": f"Bearer {credential}"})
    judge.source = settings.source
    return judge


CHECK = Check(
    name="bedrock_guardrails",
    sentence="What a guardrail of AWS Bedrock finds.",
    settings=BedrockSettings,
    make=_make,
    spans=False,
    asks=True,
    credential="an API key of Bedrock",
)
