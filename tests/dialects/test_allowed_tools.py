"""The choice among some of the tools, from each dialect that can say it to each other one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.traits import Traits
from asbru.dialects import discover

DIALECTS = {one.name: one for one in discover().values() if one.operation("chat") is not None}
ANY = {
    "openai_chat": "required",
    "openai_responses": {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
    },
    "anthropic_messages": {"type": "any"},
    "bedrock_invoke": {"type": "any"},
    "bedrock_converse": {"any": {}},
    "cohere": "REQUIRED",
    "gemini": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
}
"""A choice between f and g, one of which must be called, in the words of each dialect."""
SCHEMA = {"type": "object", "properties": {}}


def asked(dialect: str, *names: str, mode: str = "required") -> bytes:
    """A request whose caller allows some of three tools."""
    if dialect == "gemini":
        calling = {"mode": "ANY" if mode == "required" else "AUTO", "allowedFunctionNames": names}
        body: dict[str, Any] = {
            "contents": [{"role": "user", "parts": [{"text": "q"}]}],
            "tools": [{"functionDeclarations": [{"name": name, "parametersJsonSchema": SCHEMA} for name in "fgh"]}],
            "toolConfig": {"functionCallingConfig": calling},
        }
    elif dialect == "openai_chat":
        tools = [{"type": "function", "function": {"name": name}} for name in names]
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": "q"}],
            "tools": [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in "fgh"],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}},
        }
    else:
        tools = [{"type": "function", "name": name} for name in names]
        body = {
            "model": "m",
            "input": "q",
            "tools": [{"type": "function", "name": name, "parameters": SCHEMA} for name in "fgh"],
            "tool_choice": {"type": "allowed_tools", "mode": mode, "tools": tools},
        }
    return json.dumps(body).encode()


def chosen(source: str, target: str, *names: str, mode: str = "required") -> tuple[Any, list[str]]:
    """The choice as it goes to the provider, and the notes of it."""
    request = DIALECTS[source].chat.read_request(asked(source, *names, mode=mode))
    written = DIALECTS[target].chat.write_request(request, "m", Traits())
    body = json.loads(written.body)
    if target == "gemini":
        choice = body.get("toolConfig", {}).get("functionCallingConfig")
    elif target == "bedrock_converse":
        choice = body["toolConfig"].get("toolChoice")
    else:
        choice = body.get("tool_choice")
    return choice, [str(note) for note in written.notes if "tool_choice" in str(note)]


@pytest.mark.parametrize("source", ["openai_chat", "openai_responses", "gemini"])
@pytest.mark.parametrize("target", sorted(ANY))
def test_a_call_that_is_asked_for_is_asked_for(source: str, target: str) -> None:
    """A caller who asks for a call of one of some tools gets a call: of one of them where the provider can be told
    which, else of any, and that is noted."""
    if source == target:
        return
    choice, notes = chosen(source, target, "f", "g")
    assert choice == ANY[target]
    exact = target in ("openai_responses", "gemini")
    form = f"from the form of {source}" if exact else "any tool, not only f, g"
    assert notes == [f"changed tool_choice ({form})"]


@pytest.mark.parametrize("source", ["openai_chat", "openai_responses"])
def test_one_that_is_allowed_is_the_one(source: str) -> None:
    """Where one tool is allowed and must be called, it is named."""
    assert chosen(source, "anthropic_messages", "f") == ({"type": "tool", "name": "f"}, [])


@pytest.mark.parametrize("source", ["openai_chat", "openai_responses"])
def test_a_choice_that_forces_nothing_is_dropped(source: str) -> None:
    """Where no call is asked for, the model's free choice remains, and what is lost is noted."""
    assert chosen(source, "anthropic_messages", "f", "g", mode="auto") == (
        None,
        ["dropped tool_choice (no equivalent)"],
    )


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "gemini"])
def test_a_choice_goes_back_as_it_came(dialect: str) -> None:
    """In its own dialect the choice keeps its form."""
    choice, notes = chosen(dialect, dialect, "f", "g")
    body = json.loads(asked(dialect, "f", "g"))
    assert notes == []
    assert choice == (body["toolConfig"]["functionCallingConfig"] if dialect == "gemini" else body["tool_choice"])
