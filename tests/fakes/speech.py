"""What models say, in both dialects, ready to be put into a `Reply`: whole answers, streams and errors.

Written by hand from the providers' documentation, apart from `asbru.dialects`, whose mistakes must not be mirrored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.upstream import Reply

TEXT = "Hello from upstream."
EMPTY: Mapping[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}
"""What a streamed Anthropic block begins with, by type."""


def openai_text(
    text: str = TEXT,
    *,
    model: str = "m",
    stream: bool = False,
    tokens: tuple[int, int] = (5, 7),
    reasoning: tuple[str, str] | None = None,
) -> Reply:
    """A chat completion with text; streamed in words, usage at the end. `reasoning`: a member's name and value."""
    thought = dict([reasoning]) if reasoning else {}
    if stream:
        deltas = [{"role": "assistant", "content": "", **thought}, *({"content": word} for word in _words(text))]
        return _openai_stream(deltas, "stop", model, tokens)
    return _openai_whole({"role": "assistant", "content": text, **thought}, "stop", model, tokens)


def openai_tool_call(
    name: str,
    arguments: Any,
    *,
    model: str = "m",
    stream: bool = False,
    call_id: str = "call_1",
    reasoning: tuple[str, str] | None = None,
) -> Reply:
    """A chat completion that asks for one tool. `reasoning`: as in `openai_text`."""
    thought = dict([reasoning]) if reasoning else {}
    written = json.dumps(arguments)
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": written}}
    if not stream:
        message = {"role": "assistant", "content": None, "tool_calls": [call], **thought}
        return _openai_whole(message, "tool_calls", model, (5, 7))
    first = {"index": 0, **call, "function": {"name": name, "arguments": ""}}
    middle = len(written) // 2
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None, **thought}, {"tool_calls": [first]}]
    deltas += [
        {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        for piece in (written[:middle], written[middle:])
    ]
    return _openai_stream(deltas, "tool_calls", model, (5, 7))


def openai_error(status: int, message: str = "it failed", kind: str = "server_error", **headers: str) -> Reply:
    """An error answer."""
    return Reply.json({"error": {"message": message, "type": kind, "param": None, "code": None}}, status, **headers)


def anthropic_text(
    text: str = TEXT,
    *,
    model: str = "m",
    stream: bool = False,
    tokens: tuple[int, int] = (5, 7),
    thinking: dict[str, Any] | None = None,
) -> Reply:
    """A message with text, after a thinking block if one is given."""
    blocks = [*([thinking] if thinking else ()), {"type": "text", "text": text}]
    return _anthropic(blocks, "end_turn", stream, (model, tokens))


def anthropic_tool_call(
    name: str,
    arguments: Any,
    *,
    model: str = "m",
    stream: bool = False,
    call_id: str = "toolu_1",
    thinking: dict[str, Any] | None = None,
) -> Reply:
    """A message that asks for one tool, after a thinking block if one is given."""
    blocks = [
        *([thinking] if thinking else ()),
        {"type": "tool_use", "id": call_id, "name": name, "input": arguments},
    ]
    return _anthropic(blocks, "tool_use", stream, (model, (5, 7)))


def anthropic_error(status: int, message: str = "it failed", kind: str = "api_error", **headers: str) -> Reply:
    """An error answer."""
    return Reply.json({"type": "error", "error": {"type": kind, "message": message}}, status, **headers)


def sse(data: Any, event: str | None = None) -> bytes:
    """One event."""
    written = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "").encode() + b"data: " + written.encode() + b"\n\n"


def _words(text: str) -> list[str]:
    return [word if number == 0 else f" {word}" for number, word in enumerate(text.split(" "))]


def _openai_whole(message: dict[str, Any], stop: str, model: str, tokens: tuple[int, int]) -> Reply:
    choice = {"index": 0, "message": message, "finish_reason": stop, "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return Reply.json({**head, "choices": [choice], "usage": _openai_usage(tokens)})


def _openai_stream(deltas: list[dict[str, Any]], stop: str, model: str, tokens: tuple[int, int]) -> Reply:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    ends: list[tuple[dict[str, Any], str | None]] = [*((delta, None) for delta in deltas), ({}, stop)]
    events = [sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}) for delta, end in ends]
    usage = sse({**head, "choices": [], "usage": _openai_usage(tokens)})
    return Reply.events(*events, usage, sse("[DONE]"))


def _openai_usage(tokens: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def _anthropic(blocks: list[dict[str, Any]], stop: str, stream: bool, about: tuple[str, tuple[int, int]]) -> Reply:
    model, tokens = about
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model}
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    if not stream:
        return Reply.json({**head, "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": usage})
    begun = {
        **head,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    events = [_named("message_start", message=begun)]
    for index, block in enumerate(blocks):
        events.append(_named("content_block_start", index=index, content_block={**block, **EMPTY[block["type"]]}))
        events += [_named("content_block_delta", index=index, delta=delta) for delta in _deltas(block)]
        events.append(_named("content_block_stop", index=index))
    ended = {"stop_reason": stop, "stop_sequence": None}
    events.append(_named("message_delta", delta=ended, usage={"output_tokens": tokens[1]}))
    return Reply.events(*events, _named("message_stop"))


def _deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": word} for word in _words(block["text"])]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": word} for word in _words(block["thinking"])]
        return [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
    written = json.dumps(block["input"])
    middle = len(written) // 2
    return [{"type": "input_json_delta", "partial_json": piece} for piece in (written[:middle], written[middle:])]


def _named(name: str, **data: Any) -> bytes:
    return sse({"type": name, **data}, name)
