"""Signatures of thinking: a MAC over a block, and over the conversation that led to it.

The real ones do the same (github.com/NousResearch/hermes-agent/issues/106426): thinking that was altered, moved to
another place or put behind another history is refused. Cache marks are no part of it: clients move them from turn to
turn. Neither is the system prompt, which agents change within a session.
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
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [message["role"], [_unmarked(block) for block in blocks]]


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unmarked(inner) for name, inner in value.items() if name != "cache_control"}
    return [_unmarked(inner) for inner in value] if isinstance(value, list) else value
