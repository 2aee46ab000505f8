"""Why an answer stopped: the family's words to the canonical ones and back.

Providers that say "stop" (or nothing) although the model called tools are read as `tool_calls`, for agents
of other dialects go on only then. The provider's own word is kept as `raw_stop`.
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import StopReason
from asbru.dialects.openai_chat.types import NAME

FAILED: Final = frozenset(("error", "insufficient_system_resource", "network_error"))
"""Words that tell of a provider that broke off, and of no reply: OpenRouter's, DeepSeek's, Z.ai's (2026-11).
https://openrouter.ai/docs/api-reference/overview, https://api-docs.deepseek.com/api/create-chat-completion,
https://docs.z.ai/api-reference/llm/chat-completion"""

_READ: Final[dict[str, StopReason]] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "context_window",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}
_WRITE: Final[dict[StopReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "stop_sequence": "stop",
    "refusal": "content_filter",
    "pause": "stop",
    "context_window": "length",
    "other": "stop",
}


def read_stop(word: str | None, has_calls: bool) -> StopReason:
    """The canonical reason. Nothing, where the answer is known to be complete, is a plain stop."""
    stop = _READ.get(word, "other") if word else "stop"
    return "tool_calls" if stop == "stop" and has_calls else stop


def write_stop(stop: StopReason | None, raw_stop: str | None, dialect: str) -> str | None:
    """The `finish_reason`; what has no canonical word goes back as it came to its own dialect."""
    if stop is None:
        return None
    if stop == "other" and dialect == NAME and raw_stop:
        return raw_stop
    return _WRITE[stop]
