"""What a provider of each dialect says: the same few words, whole or as a stream, as the bytes of an HTTP response.

For tests of what happens between a provider and a caller, on every pair of dialects. Not here: requests.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from tests.fakes.inside import answer
from tests.fakes.strict.bedrock import frame


def upstream_answer(dialect: str, words: Sequence[str], *, stream: bool) -> bytes:
    """What a provider of the dialect says: these words, one event each."""
    if dialect == "openai_chat":
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        if not stream:
            message = {"role": "assistant", "content": "".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return answer(200, json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode())
        chunks: list[dict[str, Any]] = [
            {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": word}}]} for word in words
        ]
        chunks.append({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        chunks.append({"id": "c", "model": "m", "choices": [], "usage": usage})
        body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in chunks) + b"data: [DONE]\n\n"
        return answer(200, body, content_type=b"text/event-stream")
    if dialect == "bedrock_converse":
        return _converse(words, stream=stream)
    if dialect == "gemini":
        return _generated(words, stream=stream)
    usage = {"input_tokens": 3, "output_tokens": 2}
    if dialect == "openai_responses":
        return _response(words, usage, stream=stream)
    if dialect == "cohere":
        return _cohere(words, usage, stream=stream)
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "usage": usage}
    message["stop_reason"] = "end_turn"
    if not stream:
        return answer(200, json.dumps({**message, "content": [{"type": "text", "text": "".join(words)}]}).encode())
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in words
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    if dialect == "bedrock_invoke":
        chunks = [{"bytes": base64.b64encode(json.dumps(one).encode()).decode()} for one in events]
        body = b"".join(frame("chunk", chunk) for chunk in chunks)
        return answer(200, body, content_type=b"application/vnd.amazon.eventstream")
    body = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)
    return answer(200, body, content_type=b"text/event-stream")


def _generated(words: Sequence[str], *, stream: bool) -> bytes:
    """The same in Gemini's dialect."""
    about = {
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        "modelVersion": "m",
        "responseId": "r",
    }
    pieces = words if stream else ["".join(words)]
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": one}]}, "index": 0}], **about}
        for one in pieces
    ]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    if not stream:
        return answer(200, json.dumps(events[0]).encode())
    body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in events)
    return answer(200, body, content_type=b"text/event-stream")


def _response(words: Sequence[str], usage: dict[str, int], *, stream: bool) -> bytes:
    """The same as a response."""
    content = [{"type": "output_text", "text": "".join(words), "annotations": []}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    whole = {"id": "r", "object": "response", "model": "m", "status": "completed", "output": [item], "usage": usage}
    if not stream:
        return answer(200, json.dumps(whole).encode())
    part = {"type": "output_text", "text": "", "annotations": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": word} for word in words),
        {"type": "response.content_part.done", **place, "part": content[0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    body = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)
    return answer(200, body, content_type=b"text/event-stream")


def _converse(words: Sequence[str], *, stream: bool) -> bytes:
    """The same as Bedrock says it."""
    end = {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {"latencyMs": 1}}
    if not stream:
        message = {"role": "assistant", "content": [{"text": "".join(words)}]}
        whole = {"output": {"message": message}, "stopReason": "end_turn", **end}
        return answer(200, json.dumps(whole).encode())
    frames = [
        frame("messageStart", {"role": "assistant"}),
        *(frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}) for word in words),
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "end_turn"}),
        frame("metadata", end),
    ]
    return answer(200, b"".join(frames), content_type=b"application/vnd.amazon.eventstream")


def _cohere(words: Sequence[str], usage: dict[str, int], *, stream: bool) -> bytes:
    """The same as Cohere says it."""
    end = {"finish_reason": "COMPLETE", "usage": {"billed_units": usage}}
    if not stream:
        message = {"role": "assistant", "content": [{"type": "text", "text": "".join(words)}]}
        return answer(200, json.dumps({"id": "c", "message": message, **end}).encode())
    contents: list[dict[str, Any]] = [{"text": word} for word in words]
    events: list[dict[str, Any]] = [
        {"type": "message-start", "id": "c"},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *({"type": "content-delta", "index": 0, "delta": {"message": {"content": one}}} for one in contents),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": end},
    ]
    body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in events)
    return answer(200, body, content_type=b"text/event-stream")
