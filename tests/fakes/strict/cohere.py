"""Cohere's API (v2), as strict as its reference says: unknown members, tool calls and results that do not match, ranges
of settings, and embeddings without a purpose are refused. Sources: https://docs.cohere.com/reference/chat,
https://docs.cohere.com/reference/embed, https://docs.cohere.com/reference/rerank

It is no `StrictProvider`: besides chat it embeds (two numbers for each text) and ranks (the longest document first).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.strict.conversation import faults, parts
from tests.fakes.upstream import Reply, Seen

CHAT, EMBED, RERANK, MODELS = "/v2/chat", "/v2/embed", "/v2/rerank", "/v1/models"
MEMBERS = {
    CHAT: {
        *("model", "messages", "tools", "strict_tools", "documents", "citation_options", "response_format"),
        *("safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty"),
        *("presence_penalty", "k", "p", "logprobs", "tool_choice", "thinking", "priority", "stream"),
    },
    EMBED: {
        *("model", "texts", "images", "inputs", "input_type", "embedding_types", "output_dimension", "max_tokens"),
        *("truncate", "priority"),
    },
    RERANK: {"model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"},
}
MESSAGE_MEMBERS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_plan", "tool_calls", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
RANGES = {"p": (0.01, 0.99), "k": (0, 500), "frequency_penalty": (0, 1), "presence_penalty": (0, 1)}
STOPS_MAX = 5
THOUGHT = "The user wants to know."
PARTS = {"text": {"type", "text"}, "thinking": {"type", "thinking"}, "image_url": {"type", "image_url"}}
USAGE = {"billed_units": {"input_tokens": 9, "output_tokens": 4}, "tokens": {"input_tokens": 500, "output_tokens": 6}}
Speaker = Callable[[dict[str, Any]], "str | tuple[str, dict[str, Any]]"]
"""From the body of a chat to a text, or a tool and its arguments."""


class _Refused(Exception):
    """What is told, with its status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class StrictCohere:
    """See the module. `refused` holds the words of every refusal, in order."""

    def __init__(self, speaker: Speaker) -> None:
        self.refused: list[str] = []
        self._speaker = speaker
        self._count = 0

    def __call__(self, seen: Seen) -> Reply:
        try:
            return self._answer(seen)
        except _Refused as refused:
            self.refused.append(str(refused))
            return Reply.json({"id": "1", "message": str(refused)}, refused.status)

    def _answer(self, seen: Seen) -> Reply:
        if not seen.headers.get("authorization", "").startswith("Bearer "):
            raise _Refused("no api key supplied", 401)
        if seen.path == MODELS:
            return Reply.json({"models": [{"name": "command-a-03-2025", "endpoints": ["chat"]}]})
        if seen.path not in MEMBERS:
            raise _Refused("page not found", 404)
        asked = seen.json()
        for name in asked.keys() - MEMBERS[seen.path]:
            raise _Refused(f"unknown field: parameter '{name}' is not a valid field", 422)
        if "model" not in asked:
            raise _Refused("invalid request: model is required")
        if seen.path == EMBED:
            return _embed(asked)
        if seen.path == RERANK:
            return _rank(asked)
        _check_chat(asked)
        said = self._speaker(asked)
        self._count += 1
        thought = THOUGHT if (asked.get("thinking") or {}).get("type") == "enabled" else ""
        return (
            _streamed(said, thought, f"{self._count:08x}")
            if asked.get("stream")
            else _whole(said, thought, f"{self._count:08x}")
        )


def _check_chat(asked: dict[str, Any]) -> None:
    if not asked.get("messages"):
        raise _Refused("invalid request: list of messages must not be empty")
    calls: set[str] = set()
    for at, message in enumerate(asked["messages"]):
        _check_message(message, f"messages[{at}]", calls)
    for fault in faults(asked["messages"]):
        raise _Refused(f"invalid request: tool calls and results do not match: {fault}")
    for tool in asked.get("tools", ()):
        if tool["type"] != "function" or tool["function"]["parameters"].get("type") != "object":
            raise _Refused("invalid request: tools: parameters must be an object schema", 422)
    if asked.get("tool_choice") not in (None, "REQUIRED", "NONE") or (
        "tool_choice" in asked and "tools" not in asked
    ):
        raise _Refused("invalid request: tool_choice", 422)
    for name, (low, high) in RANGES.items():
        if not low <= asked.get(name, low) <= high:
            raise _Refused(f"invalid request: {name} must be between {low} and {high}")
    if len(asked.get("stop_sequences", ())) > STOPS_MAX:
        raise _Refused(f"invalid request: at most {STOPS_MAX} stop sequences")


def _check_message(message: dict[str, Any], where: str, calls: set[str]) -> None:
    """`calls`: the ids so far, to which those of the message are added."""
    role = message.get("role")
    if role not in MESSAGE_MEMBERS or message.keys() - MESSAGE_MEMBERS[role]:
        raise _Refused(f"invalid request: {where}: invalid message", 422)
    for part in parts(message):
        if part.get("type") in PARTS and part.keys() - PARTS[part["type"]]:
            raise _Refused(f"invalid request: {where}: invalid content", 422)
    if role == "tool" and message.get("tool_call_id") not in calls:
        raise _Refused(f"invalid tool message at {where}: tool call id not found in previous tool calls")
    calls |= {call["id"] for call in message.get("tool_calls", ())}
    if role != "tool" and not message.get("content") and not message.get("tool_calls"):
        raise _Refused(f"invalid request: {where}: message must be at least 1 token long")


def _message(said: str | tuple[str, dict[str, Any]], thought: str, number: str) -> dict[str, Any]:
    content = [{"type": "thinking", "thinking": thought}] if thought else []
    if isinstance(said, str):
        return {"role": "assistant", "content": [*content, {"type": "text", "text": said}]}
    name, arguments = said
    function = {"name": name, "arguments": json.dumps(arguments)}
    message = {
        "role": "assistant",
        "tool_calls": [{"id": f"{name}_{number}", "type": "function", "function": function}],
    }
    return message | ({"content": content} if content else {"tool_plan": "I will look."})


def _whole(said: str | tuple[str, dict[str, Any]], thought: str, number: str) -> Reply:
    why = "COMPLETE" if isinstance(said, str) else "TOOL_CALL"
    return Reply.json({"id": "c-1", "message": _message(said, thought, number), "finish_reason": why, "usage": USAGE})


def _streamed(said: str | tuple[str, dict[str, Any]], thought: str, number: str) -> Reply:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    events: list[dict[str, Any]] = [{"type": "message-start", "id": "c-1", "delta": {"message": start}}]
    if thought:
        events += _content("thinking", thought, 0)
    if isinstance(said, str):
        events += _content("text", said, 1 if thought else 0)
    else:
        (call,) = _message(said, "", number)["tool_calls"]
        function = {"name": said[0], "arguments": ""}
        if not thought:
            events.append({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will look."}}})
        events.append(_event("tool-call-start", tool_calls={**call, "function": function}))
        arguments = call["function"]["arguments"]
        events.append(_event("tool-call-delta", tool_calls={"function": {"arguments": arguments}}))
        events.append({"type": "tool-call-end", "index": 0})
    why = "COMPLETE" if isinstance(said, str) else "TOOL_CALL"
    events.append({"type": "message-end", "delta": {"finish_reason": why, "usage": USAGE}})
    return Reply.events(*(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events))


def _content(kind: str, text: str, index: int) -> list[dict[str, Any]]:
    """The events of a content part."""
    begun = _event("content-start", content={"type": kind, kind: ""})
    pieces = [_event("content-delta", content={kind: piece}) for piece in (text[:3], text[3:])]
    return [{**one, "index": index} for one in (begun, *pieces, {"type": "content-end"})]


def _event(kind: str, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": 0, "delta": {"message": message}}


def _embed(asked: dict[str, Any]) -> Reply:
    if "input_type" not in asked:
        raise _Refused("invalid request: valid input_type must be provided with the provided model")
    texts = asked.get("texts", [])
    found = {kind: [[float(len(text)), 0.5] for text in texts] for kind in asked.get("embedding_types", ["float"])}
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 2 * len(texts)}}
    body = {"id": "e-1", "embeddings": found, "texts": texts, "meta": meta, "response_type": "embeddings_by_type"}
    return Reply.json(body)


def _rank(asked: dict[str, Any]) -> Reply:
    documents = asked.get("documents") or []
    if not documents or not all(isinstance(one, str) for one in documents):
        raise _Refused("invalid request: list of documents must not be empty")
    order = sorted(range(len(documents)), key=lambda at: -len(documents[at]))[: asked.get("top_n")]
    results = [{"index": at, "relevance_score": 1 / (1 + place)} for place, at in enumerate(order)]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return Reply.json({"id": "r-1", "results": results, "meta": meta})
