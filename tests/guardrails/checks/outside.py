"""Outside services as their documentation has them: what they would refuse is refused here with the status they give.

OpenAI       https://platform.openai.com/docs/api-reference/moderations
AWS          https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
Azure        https://learn.microsoft.com/en-us/rest/api/contentsafety/text-operations/analyze-text
             https://learn.microsoft.com/en-us/rest/api/contentsafety/text-operations/detect-text-jailbreak
Patronus     https://docs.patronus.ai/docs/api_ref
Gray Swan    https://docs.grayswan.ai/cygnal/monitor-requests

None of them was ever asked in earnest: there are no accounts. A word `bad` is what each of them finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from msgspec import Meta

from asbru.guardrails.findings import Answer

KEY = "the-key"


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A body whose members are all known."""


class ModerationBody(Strict):
    """OpenAI's."""

    input: Annotated[str, Meta(min_length=1)]
    model: Literal["omni-moderation-latest", "text-moderation-latest", "text-moderation-stable"] | None = None


class BedrockText(Strict):
    """A block's text."""

    text: str
    qualifiers: list[Literal["grounding_source", "query", "guard_content"]] = []


class BedrockBlock(Strict):
    """A block of content."""

    text: BedrockText


class BedrockBody(Strict):
    """`ApplyGuardrail`."""

    source: Literal["INPUT", "OUTPUT"]
    content: list[BedrockBlock]
    outputScope: Literal["INTERVENTIONS", "FULL"] | None = None  # noqa: N815 -- the wire's own word


AzureText = Annotated[str, Meta(max_length=10_000)]


class AnalyzeBody(Strict):
    """Azure's analysis of a text."""

    text: AzureText
    categories: list[Literal["Hate", "SelfHarm", "Sexual", "Violence"]] | None = None
    blocklistNames: list[str] | None = None  # noqa: N815 -- the wire's own word
    haltOnBlocklistHit: bool | None = None  # noqa: N815 -- likewise
    outputType: Literal["FourSeverityLevels", "EightSeverityLevels"] | None = None  # noqa: N815 -- likewise


class ShieldBody(Strict):
    """Azure's Prompt Shields."""

    userPrompt: AzureText = ""  # noqa: N815 -- the wire's own word
    documents: Annotated[list[AzureText], Meta(max_length=5)] = []


class PatronusEvaluator(Strict):
    """One evaluator."""

    evaluator: str
    criteria: str | None = None
    explain_strategy: Literal["never", "on-fail", "on-success", "always"] = "always"


class PatronusBody(Strict):
    """What is evaluated."""

    evaluators: Annotated[list[PatronusEvaluator], Meta(min_length=1, max_length=10)]
    evaluated_model_input: str | None = None
    evaluated_model_output: str | None = None
    capture: Literal["all", "fails-only", "none"] = "all"


class SwanMessage(Strict):
    """A message."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class SwanBody(Strict):
    """What is monitored."""

    messages: Annotated[list[SwanMessage], Meta(min_length=1)]
    policy_id: str | None = None
    rules: dict[str, str] | None = None
    reasoning_mode: Literal["off", "hybrid", "thinking"] | None = None


def _openai(path: str, query: Mapping[str, Any], body: bytes) -> Any:
    assert (path, query) == ("/v1/moderations", {})
    bad = "bad" in msgspec.json.decode(body, type=ModerationBody).input
    result = {"flagged": bad, "categories": {"violence": bad}, "category_scores": {"violence": 0.8 if bad else 0.1}}
    return {"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}


def _bedrock(path: str, query: Mapping[str, Any], body: bytes) -> Any:
    found = re.fullmatch(r"/guardrail/([^/]+)/version/([^/]+)/apply", path)
    assert found is not None and not query
    name = r"[a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+"
    assert re.fullmatch(name, unquote(found[1])) and re.fullmatch(r"[1-9][0-9]{0,7}|DRAFT", found[2])
    read = msgspec.json.decode(body, type=BedrockBody)
    if not any("bad" in block.text.text for block in read.content):
        return {"action": "NONE", "outputs": [], "assessments": [{}], "usage": {}}
    filters = [{"type": "HATE", "confidence": "HIGH", "action": "BLOCKED"}]
    return {"action": "GUARDRAIL_INTERVENED", "outputs": [], "assessments": [{"contentPolicy": {"filters": filters}}]}


def _azure(path: str, query: Mapping[str, Any], body: bytes) -> Any:
    assert query == {"api-version": ["2024-09-01"]}
    if path == "/contentsafety/text:shieldPrompt":
        bad = "bad" in msgspec.json.decode(body, type=ShieldBody).userPrompt
        return {"userPromptAnalysis": {"attackDetected": bad}, "documentsAnalysis": []}
    assert path == "/contentsafety/text:analyze"
    bad = "bad" in msgspec.json.decode(body, type=AnalyzeBody).text
    return {"blocklistsMatch": [], "categoriesAnalysis": [{"category": "Hate", "severity": 7 if bad else 0}]}


def _patronus(path: str, query: Mapping[str, Any], body: bytes) -> Any:
    assert (path, query) == ("/v1/evaluate", {})
    read = msgspec.json.decode(body, type=PatronusBody)
    bad = "bad" in f"{read.evaluated_model_input}{read.evaluated_model_output}"
    result = {"evaluator_id": "judge-large", "pass": not bad, "score_raw": 0.0 if bad else 1.0}
    return {"results": [{"evaluator_id": "judge-large", "status": "success", "evaluation_result": result}]}


def _gray_swan(path: str, query: Mapping[str, Any], body: bytes) -> Any:
    assert (path, query) == ("/cygnal/monitor", {})
    read = msgspec.json.decode(body, type=SwanBody)
    bad = any("bad" in message.content for message in read.messages)
    return {"violation": 0.9 if bad else 0.1, "violated_rules": [], "mutation": False, "ipi": False}


SERVICES: dict[str, tuple[str, str, Callable[[str, Mapping[str, Any], bytes], Any]]] = {
    "openai_moderation": ("authorization", f"Bearer {KEY}", _openai),
    "bedrock_guardrails": ("authorization", f"Bearer {KEY}", _bedrock),
    "azure_content_safety": ("ocp-apim-subscription-key", KEY, _azure),
    "patronus": ("x-api-key", KEY, _patronus),
    "gray_swan": ("grayswan-api-key", KEY, _gray_swan),
}
"""The header of the credential, what it holds, and the service."""


class StrictPorts:
    """Ports before the service of a check. `asked`: how often."""

    def __init__(self, name: str) -> None:
        self._header, self._key, self._service = SERVICES[name]
        self.asked = 0

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes, *, private: bool) -> Answer:
        assert not private
        self.asked += 1
        parts = urlsplit(url)
        if headers.get(self._header) != self._key:
            return Answer(401, b'{"error": "unauthorized"}')
        try:
            answer = self._service(parts.path, parse_qs(parts.query), body)
        except AssertionError:
            return Answer(404, b'{"error": "not found"}')
        except msgspec.ValidationError as error:
            return Answer(400, msgspec.json.encode({"error": str(error)}))
        return Answer(200, msgspec.json.encode(answer))
