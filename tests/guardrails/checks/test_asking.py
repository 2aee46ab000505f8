"""Checks that ask services: what they send, how answers are read, and that nonsense is an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from tests.guardrails.checks.outside import SERVICES, StrictPorts

from asbru.guardrails.checks import discover_checks, make_judge
from asbru.guardrails.findings import Answer, Finding


class Sample(NamedTuple):
    """`sent`: a part of the body; `found`: an answer and what is found by it; `clean`: one without findings."""

    settings: Mapping[str, Any]
    url: str
    sent: Mapping[str, Any]
    found: tuple[Any, list[tuple[str, float]]]
    clean: Any


SAMPLES: dict[str, Sample] = {
    "webhook": Sample(
        {"url": "https://checks.example/x"},
        "https://checks.example/x",
        {"text": "bad text"},
        ({"findings": [{"kind": "rude", "start": 0, "end": 3, "score": 0.9}]}, [("rude", 0.9)]),
        {"findings": []},
    ),
    "openai_moderation": Sample(
        {"categories": ["violence"]},
        "https://api.openai.com/v1/moderations",
        {"model": "omni-moderation-latest", "input": "bad text"},
        (
            {
                "results": [
                    {
                        "flagged": True,
                        "categories": {"violence": True, "hate": True},
                        "category_scores": {"violence": 0.8, "hate": 0.9},
                    }
                ]
            },
            [("violence", 0.8)],
        ),
        {"results": [{"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.1}}]},
    ),
    "bedrock_guardrails": Sample(
        {
            "guardrail": "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc1",
            "version": "1",
            "region": "eu-west-1",
        },
        "https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/"
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aguardrail%2Fabc1/version/1/apply",
        {"source": "INPUT", "content": [{"text": {"text": "bad text"}}]},
        (
            {
                "action": "GUARDRAIL_INTERVENED",
                "assessments": [
                    {
                        "contentPolicy": {"filters": [{"type": "HATE", "confidence": "HIGH", "action": "BLOCKED"}]},
                        "wordPolicy": {"customWords": [{"match": "bad", "action": "BLOCKED"}]},
                    }
                ],
            },
            [("hate", 1.0), ("custom_word", 1.0)],
        ),
        {"action": "NONE", "assessments": []},
    ),
    "azure_content_safety": Sample(
        {"endpoint": "https://r.cognitiveservices.azure.com/", "severity": 4},
        "https://r.cognitiveservices.azure.com/contentsafety/text:analyze?api-version=2024-09-01",
        {"text": "bad text", "outputType": "EightSeverityLevels"},
        (
            {"categoriesAnalysis": [{"category": "Hate", "severity": 7}, {"category": "Sexual", "severity": 2}]},
            [("hate", 1.0)],
        ),
        {"categoriesAnalysis": [], "blocklistsMatch": []},
    ),
    "patronus": Sample(
        {"evaluators": [{"evaluator": "judge", "criteria": "patronus:no-x"}], "judged_as": "input"},
        "https://api.patronus.ai/v1/evaluate",
        {"evaluated_model_input": "bad text"},
        (
            {"results": [{"status": "success", "criteria": "patronus:no-x", "evaluation_result": {"pass": False}}]},
            [("patronus:no-x", 1.0)],
        ),
        {"results": [{"status": "success", "evaluation_result": {"pass": True}}]},
    ),
    "gray_swan": Sample(
        {"rules": {"a": "no b"}},
        "https://api.grayswan.ai/cygnal/monitor",
        {"messages": [{"role": "user", "content": "bad text"}], "rules": {"a": "no b"}},
        ({"violation": 0.83}, [("violation", 0.83)]),
        {"violation": 0.2},
    ),
}


class Ports:
    """Answers whatever is asked, and keeps it."""

    def __init__(self, status: int, answer: bytes | str) -> None:
        self.answer = Answer(status, answer if isinstance(answer, bytes) else answer.encode())
        self.asked: list[tuple[str, Mapping[str, str], Any]] = []

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes, *, private: bool) -> Answer:
        assert not private
        self.asked.append((url, headers, json.loads(body)))
        return self.answer

    async def ask(self, model: str, system: str, text: str) -> str:
        self.asked.append((model, {}, (system, text)))
        return self.answer.body.decode()


def judge(name: str, ports: Ports, *texts: str, settings: Mapping[str, Any] | None = None) -> list[Finding]:
    """What the check finds."""
    made: Any = make_judge(name, SAMPLES[name].settings if settings is None else settings, "the-key")
    return asyncio.run(made.judge(list(texts), ports))


def test_every_asking_check_has_samples() -> None:
    """A new one stands in the table above; the judge is asked otherwise."""
    assert {name for name, check in discover_checks().items() if check.asks} == {*SAMPLES, "judge"}


@pytest.mark.parametrize("name", SAMPLES)
def test_services_are_asked_and_read(name: str) -> None:
    """One request for each text that says something, with the credential in a header."""
    sample = SAMPLES[name]
    ports = Ports(200, json.dumps(sample.found[0]))
    found = judge(name, ports, " ", "bad text")
    assert [(one.text, one.kind, pytest.approx(one.score)) for one in found] == [
        (1, kind, score) for kind, score in sample.found[1]
    ]
    ((url, headers, body),) = ports.asked
    assert url == sample.url and any("the-key" in value for value in headers.values())
    assert {member: body[member] for member in sample.sent} == sample.sent
    assert judge(name, Ports(200, json.dumps(sample.clean)), "fine") == []


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("answer", ["{}", "[]", "null", "<html>", '{"results": 3, "findings": [3], "action": null}'])
def test_nonsense_is_an_error(name: str, answer: str) -> None:
    """Never taken for a clean text."""
    with pytest.raises(ValueError, match=r"\w"):
        judge(name, Ports(200, answer), "text")


@pytest.mark.parametrize("name", SAMPLES)
def test_refusals_are_errors(name: str) -> None:
    """Of the service: wrong key, too many requests, out of order."""
    for status in (302, 401, 429, 500):
        with pytest.raises(ValueError, match=str(status)):
            judge(name, Ports(status, json.dumps(SAMPLES[name].clean)), "text")


def test_findings_of_a_webhook_lie_within_their_text() -> None:
    """Whatever it says."""
    for start, end in ((-1, 2), (2, 2), (0, 99)):
        with pytest.raises(ValueError, match="outside"):
            judge(
                "webhook", Ports(200, json.dumps({"findings": [{"kind": "x", "start": start, "end": end}]})), "text"
            )


def test_a_model_judges() -> None:
    """By criteria in the system text; the text is between marks that it cannot contain; other replies are errors."""
    settings = {"model": "openai/m", "criteria": "no poems"}
    ports = Ports(200, 'Sure: {"violation": true, "kind": "poem", "score": 0.9}')
    (found,) = judge("judge", ports, "roses are red", settings=settings)
    assert (found.kind, found.end, found.score) == ("poem", 13, 0.9)
    model, _, (system, text) = ports.asked[0]
    mark = text.splitlines()[0]
    assert model == "openai/m" and "no poems" in system and mark in system and text.endswith(mark)
    assert judge("judge", Ports(200, '{"violation": false}'), "x", settings=settings) == []
    for nonsense in ("I cannot judge that.", '{"violation": "yes"}', "{"):
        with pytest.raises(ValueError, match="verdict"):
            judge("judge", Ports(200, nonsense), "x", settings=settings)


def test_credentials_are_needed() -> None:
    """A rule without one is refused."""
    with pytest.raises(ValueError, match="credentials"):
        make_judge("gray_swan", {})


STRICT = [
    *((name, SAMPLES[name].settings) for name in SERVICES),
    ("openai_moderation", {"threshold": 0.5}),
    ("bedrock_guardrails", {"guardrail": "abc123", "source": "OUTPUT"}),
    ("azure_content_safety", {"endpoint": "https://r.example", "blocklists": ["mine"]}),
    ("azure_content_safety", {"endpoint": "https://r.example", "mode": "attack"}),
    ("patronus", {"evaluators": [{"evaluator": "a"}, {"evaluator": "b", "criteria": "c"}]}),
    ("gray_swan", {"policy_id": "p", "role": "assistant"}),
]


@pytest.mark.parametrize(("name", "settings"), STRICT)
def test_services_refuse_nothing_of_what_they_are_sent(name: str, settings: Mapping[str, Any]) -> None:
    """Each by its documentation: path, version, members, values, the header of the credential."""
    made: Any = make_judge(name, settings, "the-key")
    ports: Any = StrictPorts(name)
    found = asyncio.run(made.judge(["all is well", "a bad text", "ünïcode 🙂"], ports))
    assert [one.text for one in found] == [1] and ports.asked == 3
    wrong: Any = make_judge(name, settings, "another")
    with pytest.raises(ValueError, match="401"):
        asyncio.run(wrong.judge(["text"], ports))


@pytest.mark.parametrize("mode", ["harm", "attack"])
@pytest.mark.parametrize("at", [0, 9_998, 10_000, 19_797, 34_990])
def test_a_long_text_is_asked_about_in_pieces(mode: str, at: int) -> None:
    """Azure takes 10,000 characters: wherever the word lies, also across a border, it is found once, of the whole."""
    made: Any = make_judge("azure_content_safety", {"endpoint": "https://r.example", "mode": mode}, "the-key")
    ports: Any = StrictPorts("azure_content_safety")
    text = ("x" * at + "bad").ljust(35_000, "🙂")
    (found,) = asyncio.run(made.judge([text], ports))
    assert (found.start, found.end, ports.asked) == (0, len(text), 4)


def test_a_text_that_is_too_long_for_any_number_of_pieces_is_an_error() -> None:
    """Not a clean text; and one of white space costs nothing."""
    made: Any = make_judge("azure_content_safety", {"endpoint": "https://r.example"}, "the-key")
    ports: Any = StrictPorts("azure_content_safety")
    with pytest.raises(ValueError, match="700000 characters"):
        asyncio.run(made.judge(["x" * 700_000], ports))
    assert asyncio.run(made.judge([" " * 20_000], ports)) == []
    assert ports.asked == 0


@pytest.mark.parametrize("guardrail", ["", "ABC", "a/b", "arn:aws:bedrock:x:1:guardrail/a", "arn:aws:x/y"])
def test_what_is_no_guardrail_is_refused_at_the_start(guardrail: str) -> None:
    """By the pattern that AWS documents."""
    with pytest.raises(ValueError, match="guardrail"):
        make_judge("bedrock_guardrails", {"guardrail": guardrail}, "the-key")
