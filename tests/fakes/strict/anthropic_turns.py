"""The rules of Anthropic's messages about turns: roles, blocks, tool results, signed thinking.

Wordings: github.com/anthropics/claude-agent-sdk-typescript/issues/350 (roles), anthropics/claude-code/issues/8210 and
issues/13460 (tool results), issues/10627 (signatures), pydantic/pydantic-ai/issues/2075 (thinking first),
HKUDS/nanobot/pull/4356 (ids).
"""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.strict.facts import Model, fields
from tests.fakes.strict.refusal import Refusal
from tests.fakes.strict.signing import is_signed

ID = re.compile(r"[a-zA-Z0-9_-]+")
BLOCKS = (
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "search_result",
)


def check(asked: dict[str, Any], model: Model) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    messages = asked.get("messages")
    if not messages:
        raise Refusal("messages: at least one message is required")
    for at, message in enumerate(messages):
        _message(message, at, messages[:at], model)
    for at, block in enumerate(asked["system"] if isinstance(asked.get("system"), list) else ()):
        if not block.get("text", "").strip():
            raise Refusal(f"system.{at}: text content blocks must be non-empty")
    _order(messages, model)
    _results(messages)
    if (asked.get("thinking") or {}).get("type") == "enabled":
        _begins_with_thinking(messages)


def _message(message: dict[str, Any], at: int, before: list[dict[str, Any]], model: Model) -> None:
    role = message.get("role")
    if role == "system" and not model.system_anywhere:
        raise Refusal(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" '
            "as an input message role."
        )
    if role not in ("user", "assistant", "system"):
        raise Refusal(f"messages.{at}.role: Input should be 'user' or 'assistant'")
    if extra := message.keys() - {"role", "content"}:
        raise Refusal(f"messages.{at}.{min(extra)}: Extra inputs are not permitted")
    content = message.get("content")
    if not content and role == "user":
        raise Refusal(f"messages.{at}: user messages must have non-empty content")
    for number, block in enumerate(content if isinstance(content, list) else ()):
        _block(block, f"messages.{at}.content.{number}", before)


def _block(block: dict[str, Any], where: str, before: list[dict[str, Any]]) -> None:
    kind = block.get("type") or ""
    if kind not in BLOCKS:
        names = ", ".join(f"'{name}'" for name in BLOCKS)
        raise Refusal(
            f"{where}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {names}"
        )
    if extra := block.keys() - fields("anthropic", kind):
        raise Refusal(f"{where}.{kind}.{min(extra)}: Extra inputs are not permitted")
    if kind == "text" and not block["text"]:
        raise Refusal("messages: text content blocks must be non-empty")
    if kind == "tool_use" and not isinstance(block.get("input"), dict):
        raise Refusal(f"{where}.tool_use.input: Input should be a valid dictionary")
    member = {"tool_use": "id", "tool_result": "tool_use_id"}.get(kind)
    if member is not None and ID.fullmatch(block.get(member) or "") is None:
        raise Refusal(f"{where}.{kind}.{member}: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if kind == "thinking":
        if "signature" not in block:
            raise Refusal(f"{where}.thinking.signature: Field required")
        if not is_signed(block, before):
            raise Refusal(f"{where}: Invalid `signature` in `thinking` block")
    if kind == "redacted_thinking":
        raise Refusal(f"{where}: Invalid `data` in `redacted_thinking` block")  # this fake never redacts


def _order(messages: list[dict[str, Any]], model: Model) -> None:
    if messages[0]["role"] != "user":
        raise Refusal('messages: first message must use the "user" role')
    if messages[-1]["role"] != "assistant":
        return
    if model.thinking == "adaptive":
        raise Refusal(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    last = messages[-1]["content"]
    text = last if isinstance(last, str) else last[-1].get("text", "")
    if text != text.rstrip():
        raise Refusal("messages: final assistant content cannot end with trailing whitespace")


def _results(messages: list[dict[str, Any]]) -> None:
    """Every call is answered in the next message, and nothing else is."""
    seen: set[str] = set()
    for at, message in enumerate(messages):
        called = _ids(message, "tool_use", "id")
        if twice := [one for one in called if one in seen or called.count(one) > 1]:
            raise Refusal(f"messages.{at}.content: `tool_use` ids must be unique: {twice[0]}")
        seen.update(called)
        answered = _ids(messages[at + 1], "tool_result", "tool_use_id") if at + 1 < len(messages) else []
        if missing := [one for one in called if one not in answered]:
            raise Refusal(
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        allowed = _ids(messages[at - 1], "tool_use", "id") if at else []
        blocks = message["content"] if isinstance(message["content"], list) else []
        for number, block in enumerate(blocks):
            if block["type"] == "tool_result" and block["tool_use_id"] not in allowed:
                raise Refusal(
                    f"messages.{at}.content.{number}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block in "
                    "the previous message."
                )


def _ids(message: dict[str, Any], kind: str, member: str) -> list[str]:
    content = message["content"]
    return [block[member] for block in content if block["type"] == kind] if isinstance(content, list) else []


def _begins_with_thinking(messages: list[dict[str, Any]]) -> None:
    """In a tool loop, with a budget: the turn that called the tools begins with its thinking."""
    if not _ids(messages[-1], "tool_result", "tool_use_id"):
        return
    at = len(messages) - 2
    first = messages[at]["content"][0]["type"]
    if first not in ("thinking", "redacted_thinking"):
        raise Refusal(
            f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the "
            "lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
            "previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
