"""What is said in journeys: requests, answers and streams in both dialects, as data."""

from __future__ import annotations

import json
from typing import Any

CHAT_PATH = "/v1/chat/completions"
MESSAGES_PATH = "/anthropic/v1/messages"
COUNT_PATH = "/anthropic/v1/messages/count_tokens"


def chat(model: str = "openai/gpt-x", **more: Any) -> dict[str, Any]:
    """An OpenAI chat request."""
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}


def messages(model: str = "anthropic/claude-x", **more: Any) -> dict[str, Any]:
    """An Anthropic messages request."""
    return {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}], **more}


CHAT_REPLY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi you"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}
MESSAGES_REPLY: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hi you"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
}


def event(value: object, name: str = "") -> bytes:
    """One server-sent event."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def _delta(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [choice]})


CHAT_START = _delta({"role": "assistant", "content": ""})
CHAT_WORDS = (_delta({"content": "Hi"}), _delta({"content": " you"}))
CHAT_STOP = _delta({}, "stop")
CHAT_USAGE = event(
    {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-x",
        "choices": [],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
)
CHAT_DONE = event("[DONE]")
CHAT_STREAM = (CHAT_START, *CHAT_WORDS, CHAT_STOP, CHAT_USAGE, CHAT_DONE)
CHAT_STREAM_SHOWN = b"".join((CHAT_START, *CHAT_WORDS, CHAT_STOP, CHAT_DONE))
"""What a caller gets who did not ask for usage."""


def _named(value: dict[str, Any]) -> bytes:
    return event(value, value["type"])


MESSAGES_START = _named(
    {
        "type": "message_start",
        "message": {
            **MESSAGES_REPLY,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 5, "output_tokens": 0},
        },
    }
) + _named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
MESSAGES_WORDS = tuple(
    _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
    for text in ("Hi", " you")
)
MESSAGES_STOP = (
    _named({"type": "content_block_stop", "index": 0})
    + _named(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        }
    )
    + _named({"type": "message_stop"})
)
MESSAGES_STREAM = (MESSAGES_START, *MESSAGES_WORDS, MESSAGES_STOP)


def events(body: bytes) -> list[dict[str, Any] | str]:
    """The data of every event in a body that must consist of whole events; `[DONE]` stays text."""
    assert not body or body.endswith(b"\n\n"), f"half an event at the end: {body[-80:]!r}"
    found: list[dict[str, Any] | str] = []
    for block in body.decode().split("\n\n"):
        data = "\n".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data:
            found.append(data if data == "[DONE]" else json.loads(data))
    return found


def chat_text(body: bytes) -> str:
    """The words in a chat stream."""
    chunks = [one for one in events(body) if isinstance(one, dict) and one.get("choices")]
    parts = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    return "".join(part or "" for part in parts)


def messages_text(body: bytes) -> str:
    """The words in a messages stream."""
    deltas = [one["delta"] for one in events(body) if one["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)
