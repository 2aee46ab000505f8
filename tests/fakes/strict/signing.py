"""Signatures of thinking: a MAC over a block, and over the conversation that led to it.

The real ones do the same (github.com/NousResearch/hermes-agent/issues/106426): thinking that was altered, moved to
another place or put behind another history is refused. Cache marks are no part of it: clients move them from turn to
turn. Neither is the system prompt, which agents change within a session. A signature is good for Claude wherever it is
served (https://platform.claude.com/docs/en/build-with-claude/extended-thinking), so Converse has the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

_KEY = b"a fake's own key"


def sign(thinking: str, before: list[dict[str, Any]]) -> str:
    """The signature of a thinking block that comes after the messages `before`."""
    covered = json.dumps([thinking, [_turn(message) for message in before]], sort_keys=True).encode()
    return hmac.new(_KEY, covered, hashlib.sha256).hexdigest()


def is_signed(block: dict[str, Any], before: list[dict[str, Any]]) -> bool:
    """Whether the block is as it was when it was signed, behind the same history."""
    return hmac.compare_digest(block["signature"].encode(), sign(block["thinking"], before).encode())


def _turn(message: dict[str, Any]) -> list[Any]:
    """A message of Anthropic's or of Converse, in a form that is the same for both."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [message["role"], [_block(block) for block in blocks if "cachePoint" not in block]]


def _block(block: dict[str, Any]) -> Any:
    match block:
        case {"type": "text", "text": text} | {"text": text}:
            return [text]
        case {"type": "thinking", "thinking": text} | {"reasoningContent": {"reasoningText": {"text": text}}}:
            return ["thinking", text]
        case {"type": "tool_use", "id": call_id, "name": name, "input": given}:
            return ["call", call_id, name, given]
        case {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}:
            return ["call", call_id, name, given]
        case {"type": "tool_result", "tool_use_id": call_id, "content": str(text)}:
            return ["result", call_id, [[text]]]
        case {"type": "tool_result", "tool_use_id": call_id, "content": content}:
            return ["result", call_id, [_block(inner) for inner in content]]
        case {"toolResult": {"toolUseId": call_id, "content": content}}:
            return ["result", call_id, [_block(inner) for inner in content]]
        case _:
            return {name: inner for name, inner in block.items() if name != "cache_control"}
