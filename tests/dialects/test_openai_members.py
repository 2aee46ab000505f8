"""What OpenAI's two APIs have in common goes from one to the other, and what they do not is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asbru.core.traits import Traits
from asbru.dialects import Dialect, discover

CASES = Path(__file__).parents[1] / "cases"
DIALECTS = discover()
CHAT, RESPONSES = DIALECTS["openai_chat"], DIALECTS["openai_responses"]


def case(dialect: Dialect) -> dict[str, Any]:
    """A request with all of the members."""
    return json.loads((CASES / dialect.name / "request_members.json").read_bytes())["wire"]


def across(source: Dialect, target: Dialect, asked: dict[str, Any], **traits: Any) -> tuple[dict[str, Any], set[str]]:
    """A request as it goes to the other API, and the members that were dropped."""
    request = source.chat.read_request(json.dumps(asked).encode())
    written = target.chat.write_request(request, "m", Traits(**traits))
    return json.loads(written.body), {note.field for note in written.notes if note.kind == "dropped"}


def test_chat_to_responses() -> None:
    """Every member has its counterpart; that the caller wants to store the reply is said, too."""
    asked = case(CHAT)
    body, dropped = across(CHAT, RESPONSES, asked)
    for name in ("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "metadata", "store"):
        assert body[name] == asked[name], name
    assert body["text"] == {"format": {"type": "json_object"}, "verbosity": "low"}
    assert body["stream_options"] == {"include_obfuscation": False}
    assert dropped == set()


def test_responses_to_chat() -> None:
    """The same the other way; chat refuses metadata of what it does not store, and stores nothing unasked."""
    asked = case(RESPONSES)
    body, dropped = across(RESPONSES, CHAT, asked)
    for name in ("prompt_cache_key", "prompt_cache_retention", "safety_identifier"):
        assert body[name] == asked[name], name
    assert (body["verbosity"], body["response_format"]) == ("low", {"type": "json_object"})
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert "store" not in body and dropped == {"metadata", "reasoning.display"}


@pytest.mark.parametrize(("source", "target"), [(CHAT, RESPONSES), (RESPONSES, CHAT)])
def test_obfuscation_is_of_streams(source: Dialect, target: Dialect) -> None:
    """Without a stream, both APIs refuse the member."""
    body, _ = across(source, target, {**case(source), "stream": False})
    assert "stream_options" not in body


@pytest.mark.parametrize(("source", "target"), [(CHAT, RESPONSES), (RESPONSES, CHAT)])
def test_what_a_provider_refuses_stays_out(source: Dialect, target: Dialect) -> None:
    """The members that a provider refuses are removed after the translation as before it."""
    body, dropped = across(source, target, case(source), strip=frozenset(("prompt_cache_key", "safety_identifier")))
    assert not {"prompt_cache_key", "safety_identifier"} & body.keys()
    assert {"prompt_cache_key", "safety_identifier"} <= dropped


@pytest.mark.parametrize(("source", "target"), [(CHAT, RESPONSES), (RESPONSES, CHAT)])
def test_unknown_members_are_named(source: Dialect, target: Dialect) -> None:
    """Also those inside the objects that are known, and objects that are none."""
    asked = {**case(source), "surprise": 1, "stream_options": {"include_obfuscation": True, "other": 1}}
    body, dropped = across(source, target, asked)
    assert "surprise" not in body and {"surprise", "stream_options.other"} <= dropped
    text = {**case(RESPONSES), "text": {"verbosity": "high", "shape": "round"}}
    if source is RESPONSES:
        body, dropped = across(source, target, text)
        assert body["verbosity"] == "high" and "text.shape" in dropped


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("anthropic_messages", lambda body: body["thinking"].get("display") == "summarized"),
        ("gemini", lambda body: body["generationConfig"]["thinkingConfig"]["includeThoughts"] is True),
    ],
)
def test_a_summary_of_the_reasoning_is_shown_thinking(target: str, shown: Any) -> None:
    """Who asks the Responses API for a summary sees the thinking of other models, and the other way round."""
    asked = {**case(RESPONSES), "max_output_tokens": 32_000}
    body, dropped = across(RESPONSES, DIALECTS[target], asked)
    assert shown(body) and not {"reasoning.summary", "reasoning.display"} & dropped
    request = DIALECTS[target].chat.read_request(json.dumps({**body, "model": "m"}).encode())
    back = json.loads(RESPONSES.chat.write_request(request, "m", Traits()).body)
    assert back["reasoning"]["summary"] == "auto"


@pytest.mark.parametrize("source", [CHAT, RESPONSES])
def test_a_safety_identifier_is_the_user_elsewhere(source: Dialect) -> None:
    """Anthropic has one member for who uses an application; `user`, where it is given, is the better word."""
    body, dropped = across(source, DIALECTS["anthropic_messages"], case(source))
    assert body["metadata"] == {"user_id": "u-7"} and "safety_identifier" not in dropped
    body, dropped = across(source, DIALECTS["anthropic_messages"], {**case(source), "user": "u-8"})
    assert body["metadata"] == {"user_id": "u-8"} and "safety_identifier" in dropped
    body, dropped = across(source, DIALECTS["anthropic_messages"], {**case(source), "safety_identifier": 7})
    assert "metadata" not in body and "safety_identifier" in dropped
