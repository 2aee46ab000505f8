"""The strict fakes refuse what the providers refuse, in their words, and serve the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.happening import Happening
from tests.fakes.strict.facts import models
from tests.fakes.strict.provider import StrictProvider, ToolCall, Turn
from tests.fakes.upstream import Reply, Seen

from asbru.core.traits import resolve
from asbru.providers import discover

USER = {"role": "user", "content": "hi"}
SCHEMA = {"type": "object", "properties": {}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOLD = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}]}
UNSIGNED = {"type": "thinking", "thinking": "hm", "signature": "s"}
HEADERS = {
    "openai": ("/v1/chat/completions", [("authorization", "Bearer k")]),
    "groq": ("/openai/v1/chat/completions", [("authorization", "Bearer k")]),
    "deepseek": ("/v1/chat/completions", [("authorization", "Bearer k")]),
    "anthropic": ("/v1/messages", [("x-api-key", "k"), ("anthropic-version", "2023-06-01")]),
}


def tool(name: str = "clock", **function: Any) -> dict[str, Any]:
    """A chat tool."""
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA, **function}}


def use(name: str = "clock", **members: Any) -> dict[str, Any]:
    """An Anthropic tool."""
    return {"name": name, "input_schema": SCHEMA, **members}


def answer(turn: Turn) -> str | ToolCall:
    """Calls the first tool, once; else speaks."""
    return "done" if turn.results or not turn.tools else ToolCall(turn.tools[0], {})


def ask(provider: str, model: str, **members: Any) -> tuple[int, Any]:
    """What the fake says to a request."""
    path, headers = HEADERS[provider]
    limit = {"max_tokens": 2048} if provider == "anthropic" else {}
    body = {"model": model, "messages": [USER], **limit, **members}
    seen = Seen(0, Happening("gone"), "POST", path, headers, json.dumps(body).encode())
    return said(StrictProvider(provider, answer)(seen))


def said(reply: Reply) -> tuple[int, Any]:
    """Status and body of a whole reply."""
    (step,) = reply.steps
    assert isinstance(step, bytes)
    return reply.status, json.loads(step)


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("openai", "gpt-4o", {"top_k": 5}, "Unknown parameter: 'top_k'."),
    ("openai", "gpt-4o", {"thinking": {"type": "enabled"}}, "Unknown parameter: 'thinking'."),
    ("openai", "gpt-4o", {"reasoning_effort": "low"}, "Unrecognized request argument supplied: reasoning_effort"),
    ("openai", "gpt-4o", {"max_tokens": 20480}, "max_tokens is too large: 20480. This model supports at most 16384"),
    (
        "openai",
        "gpt-4o",
        {"user": "u" * 65},
        "Invalid 'user': string too long. Expected a string with maximum length 64",
    ),
    ("openai", "gpt-4o", {"tools": [tool()] * 129}, "Invalid 'tools': array too long."),
    (
        "openai",
        "gpt-4o",
        {"tools": [tool("a.b")]},
        "Invalid 'tools[0].function.name': string does not match pattern.",
    ),
    ("openai", "gpt-4o", {"tools": [tool("a" * 65)]}, "Invalid 'tools[0].function.name': string too long."),
    ("openai", "gpt-4o", {"tools": [tool(parameters={"type": "object"})]}, "object schema missing properties"),
    ("openai", "gpt-4o", {"tools": [tool(parameters={**SCHEMA, "anyOf": []})]}, "at the top level."),
    ("openai", "gpt-4o", {"tools": [tool(strict=True)]}, "'additionalProperties' is required to be supplied"),
    ("openai", "gpt-4o", {"tools": []}, "Invalid 'tools': empty array."),
    ("openai", "gpt-4o", {"tool_choice": "auto"}, "'tool_choice' is only allowed when 'tools' are specified."),
    ("openai", "gpt-4o", {"stop": ["a"] * 5}, "Invalid 'stop': array too long."),
    ("openai", "gpt-4o", {"messages": []}, "empty array"),
    (
        "openai",
        "gpt-4o",
        {"messages": [{**USER, "cache_control": {}}]},
        "Unknown parameter: 'messages[0].cache_control'.",
    ),
    ("openai", "gpt-4o", {"messages": [USER, CALLED]}, "did not have response messages: call_1"),
    ("openai", "gpt-4o", {"messages": [USER, TOLD]}, "must be a response to a preceeding message with 'tool_calls'"),
    (
        "openai",
        "gpt-4o",
        {
            "messages": [
                USER,
                {**CALLED, "tool_calls": [{**CALL, "id": "c" * 41}]},
                {**TOLD, "tool_call_id": "c" * 41},
            ]
        },
        "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40",
    ),
    (
        "openai",
        "gpt-4o",
        {"messages": [USER, {**CALLED, "reasoning_content": "hm"}, TOLD]},
        "Unknown parameter: 'messages[1].reasoning_content'.",
    ),
    (
        "openai",
        "gpt-4o",
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        "Invalid 'messages[0]'",
    ),
    ("openai", "gpt-5", {"max_tokens": 5}, "Use 'max_completion_tokens' instead."),
    ("openai", "gpt-5", {"temperature": 0.5}, "'temperature' does not support 0.5 with this model."),
    ("openai", "gpt-5", {"top_p": 0.5}, "Unsupported parameter: 'top_p' is not supported with this model."),
    (
        "openai",
        "gpt-5",
        {"reasoning_effort": "none"},
        "Supported values are: 'minimal', 'low', 'medium', and 'high'.",
    ),
    (
        "openai",
        "gpt-5.5",
        {"reasoning_effort": "low", "tools": [tool()]},
        "Function tools with reasoning_effort are not",
    ),
    ("openai", "gpt-5.5", {"temperature": 0}, "Only the default (1) value is supported."),
    ("groq", "llama-3.3-70b-versatile", {"store": True}, "property 'store' is unsupported"),
    (
        "groq",
        "llama-3.3-70b-versatile",
        {"reasoning_effort": "low"},
        "`reasoning_effort` is not supported with this model",
    ),
    (
        "groq",
        "llama-3.3-70b-versatile",
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        "content must be a string",
    ),
    ("groq", "llama-3.3-70b-versatile", {"max_completion_tokens": 40000}, "must be less than or equal to `32768`"),
    ("groq", "llama-3.3-70b-versatile", {"n": 2}, "'n' : number must be at most 1"),
    ("groq", "qwen/qwen3-32b", {"reasoning_effort": "low"}, "`reasoning_effort` must be one of `none` or `default`"),
    ("groq", "openai/gpt-oss-120b", {"reasoning_effort": "none"}, "must be one of `low`, `medium`, or `high`"),
    ("groq", "openai/gpt-oss-120b", {"tools": [tool()] * 129}, "'tools' : maximum number of items is 128"),
    (
        "groq",
        "openai/gpt-oss-120b",
        {"messages": [USER, {**CALLED, "reasoning_content": "hm"}, TOLD]},
        "('messages.1' : property 'reasoning_content' is unsupported)",
    ),
    (
        "deepseek",
        "deepseek-v4-pro",
        {"messages": [USER, CALLED, TOLD]},
        "The `reasoning_content` in the thinking mode must",
    ),
    ("deepseek", "deepseek-v4-pro", {"messages": [USER, CALLED]}, "(insufficient tool messages following tool_calls"),
    (
        "deepseek",
        "deepseek-v4-pro",
        {"messages": [{"role": "developer", "content": "x"}]},
        "unknown variant `developer`",
    ),
    (
        "deepseek",
        "deepseek-v4-pro",
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        "unknown variant `image_url`",
    ),
    (
        "deepseek",
        "deepseek-v4-pro",
        {"tools": [tool()], "tool_choice": "required"},
        "does not support this tool_choice",
    ),
    ("deepseek", "deepseek-v4-pro", {"max_tokens": 400000}, "the valid range of max_tokens is [1, 393216]"),
    ("anthropic", "claude-haiku-4-5", {"seed": 1}, "seed: Extra inputs are not permitted"),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"context_management": {}},
        "context_management: Extra inputs are not permitted",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"max_tokens": 64001},
        "max_tokens: 64001 > 64000, which is the maximum allowed",
    ),
    ("anthropic", "claude-haiku-4-5", {"max_tokens": None}, "max_tokens: Field required"),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"metadata": {"user_id": "u" * 257}},
        "metadata.user_id: String should have at most",
    ),
    ("anthropic", "claude-haiku-4-5", {"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported"),
    (
        "anthropic",
        "claude-sonnet-4-5",
        {"output_config": {"effort": "low"}},
        "does not support the effort parameter.",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    (
        "anthropic",
        "claude-opus-4-8",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        '"thinking.type.enabled" is not supported for this model.',
    ),
    (
        "anthropic",
        "claude-opus-4-8",
        {"output_config": {"effort": "minimal"}},
        "effort level 'minimal'. Supported levels",
    ),
    ("anthropic", "claude-opus-4-8", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
    ("anthropic", "claude-opus-4-8", {"messages": [USER, {"role": "assistant", "content": "a"}]}, "message prefill"),
    ("anthropic", "claude-haiku-4-5", {"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
    ("anthropic", "claude-haiku-4-5", {"tools": [use("a.b")]}, "tools.0.custom.name: String should match pattern"),
    ("anthropic", "claude-haiku-4-5", {"tools": [use("a" * 129)]}, "String should have at most 128 characters"),
    ("anthropic", "claude-haiku-4-5", {"tools": [use(), use()]}, "tools: Tool names must be unique."),
    ("anthropic", "claude-haiku-4-5", {"tools": [use(input_schema={})]}, "input_schema.type: Field required"),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"tool_choice": {"type": "any"}},
        "may only be specified while providing tools",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"messages": [USER, {"role": "system", "content": "x"}]},
        'Unexpected role "system"',
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"messages": [USER, USE]},
        "`tool_use` ids were found without `tool_result` blocks",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"messages": [USER, USER, RESULT]},
        "unexpected `tool_use_id` found in `tool_result`",
    ),
    ("anthropic", "claude-haiku-4-5", {"messages": [USE, RESULT]}, 'first message must use the "user" role'),
    ("anthropic", "claude-haiku-4-5", {"messages": [{"role": "user", "content": ""}]}, "must have non-empty content"),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"messages": [USER, {"role": "assistant", "content": [UNSIGNED]}, USER]},
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {"messages": [USER, USE, RESULT], "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
    ),
    (
        "anthropic",
        "claude-haiku-4-5",
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "x"}}] * 5}
            ]
        },
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
]


@pytest.mark.parametrize(("provider", "model", "members", "words"), REFUSED, ids=[row[-1] for row in REFUSED])
def test_refused(provider: str, model: str, members: dict[str, Any], words: str) -> None:
    """A request that the provider does not serve gets its status and its words, in its form of error."""
    status, body = ask(provider, model, **members)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    assert words in body["error"]["message"]


@pytest.mark.parametrize("provider", HEADERS)
def test_unknown_models_are_not_there(provider: str) -> None:
    """A model the provider does not have is refused by its name."""
    status, body = ask(provider, "gpt-9")
    assert status == (400 if provider == "deepseek" else 404)
    assert "gpt-9" in body["error"]["message"]


CHAT = [(provider, model) for provider in ("openai", "groq", "deepseek") for model in models(provider)]


@pytest.mark.parametrize(("provider", "model"), CHAT)
def test_a_tool_loop_is_served(provider: str, model: str) -> None:
    """A tool call, sent back with its result as it came, is served: what the fake says it also takes."""
    status, first = ask(provider, model, tools=[tool()])
    assert status == 200
    message = first["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "noon"}
    status, second = ask(provider, model, tools=[tool()], messages=[USER, message, result])
    assert (status, second["choices"][0]["message"]["content"]) == (200, "done")


def _thinking(model: str) -> dict[str, Any]:
    style = models("anthropic")[model].thinking
    return {"type": "adaptive"} if style == "adaptive" else {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize("model", models("anthropic"))
def test_a_thinking_tool_loop_is_served(model: str) -> None:
    """Signed thinking is taken back as it came, and refused once the block or what came before it was altered."""
    about: dict[str, Any] = {"tools": [use()], "thinking": _thinking(model)}
    status, first = ask("anthropic", model, **about)
    assert status == 200
    thought, called = first["content"]
    result = {"type": "tool_result", "tool_use_id": called["id"], "content": "noon"}

    def again(before: Any, thought: Any) -> tuple[int, Any]:
        turns = [before, {"role": "assistant", "content": [thought, called]}, {"role": "user", "content": [result]}]
        return ask("anthropic", model, messages=turns, **about)

    marked = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    assert again(USER, thought)[0] == again({"role": "user", "content": [marked]}, thought)[0] == 200
    for before, altered in ((USER, {**thought, "thinking": "other"}), ({**USER, "content": "other"}, thought)):
        status, body = again(before, altered)
        assert (status, body["error"]["message"]) == (
            400,
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        )


KNOWN = [model for name in ("openai", "groq", "anthropic") for model in models(name).values()]


@pytest.mark.parametrize("model", KNOWN, ids=lambda model: model.name)
def test_both_tables_agree(model: Any) -> None:
    """What Asbru knows of a model and what the fake knows, written apart from each other, do not contradict."""
    provider = discover()[model.provider]
    traits = resolve(provider.traits, provider.trait_rules, model.name)
    assert traits.max_output_tokens == model.max_output_tokens
    assert set(traits.efforts) - {"none"} == set(model.efforts) - {"none"}
    assert ("image" in traits.refuse_inputs) is not model.images
    assert traits.sampling or model.sampling == "default"
