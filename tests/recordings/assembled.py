"""Canonical replies and streams as plain data that can be compared, and a check of written streams.

`of_reply` and `of_events` give the same form for the same answer; `CLASSES` says which stop reasons mean the
same once a dialect lacks the finer word. The state machines read written bytes as raw JSON, not with asbru's
readers.
"""

from __future__ import annotations

import json
from typing import Any

from tests.recordings.corpus import OPENAI
from tests.recordings.reading import Event, events

from asbru.dialects.assemble import assemble

# What the other dialect says for a stop reason it has no word for.
CLASSES = {
    "stop": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "context_window": "length",
    "tool_calls": "tool_calls",
    "refusal": "refusal",
    "other": "other",
    None: None,
}


def json_or_text(text: str) -> Any:
    """Tool arguments as a value: "" means {}, and text that is not JSON stays text."""
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def of_choice(parts: list[dict[str, Any]], stop: Any) -> dict[str, Any]:
    """One choice: its text, refusal, thinking and tool calls in order, and how it stopped."""
    kinds = {"text": "", "refusal": "", "thinking": ""}
    tools, other = [], []
    for part in parts:
        kind = part["kind"]
        if kind in kinds:
            kinds[kind] += part["text"]
        elif kind == "tool_call":
            tools.append((part["name"], json_or_text(part["arguments"])))
        else:
            other.append(kind)
    return {**kinds, "tools": tools, "other": sorted(other), "stop": CLASSES.get(stop, stop)}


def _plain(part: Any) -> dict[str, Any]:
    kind = {
        "TextPart": "text",
        "ToolCallPart": "tool_call",
        "ThinkingPart": "thinking",
        "RefusalPart": "refusal",
    }
    name = kind.get(type(part).__name__, type(part).__name__)
    return {
        "kind": name,
        "text": getattr(part, "text", "") or "",
        "name": getattr(part, "name", "") or "",
        "arguments": getattr(part, "arguments", "") or "",
        "signature": getattr(part, "signature", None),
    }


def of_reply(reply: Any) -> dict[str, Any]:
    """A canonical reply as plain data."""
    choices = [of_choice([_plain(p) for p in c.parts], c.stop) for c in reply.choices]
    return {"choices": choices, "usage": of_usage(reply.usage)}


def of_usage(usage: Any) -> dict[str, int] | None:
    """The totals and the cache reads; None where nothing was reported."""
    if usage is None:
        return None
    return {
        "input_total": usage.input_total,
        "output_total": usage.output_total,
        "cache_read": usage.cache_read,
        "reasoning": usage.reasoning,
    }


def of_events(found: list[Any]) -> dict[str, Any]:
    """A canonical stream, put together, in the form of `of_reply`."""
    return of_reply(assemble(found).reply)


def machine(dialect: str, data: bytes, include_usage: bool) -> list[str]:
    """Departures of a written stream from the dialect's own order of events."""
    found = events(data)
    if not found or found[-1].end != len(data):
        return ["written stream: empty, or its last event is not complete"]
    return _openai_machine(found, include_usage) if dialect == OPENAI else _anthropic_machine(found)


def _anthropic_machine(found: list[Event]) -> list[str]:
    """message_start, blocks one after another with rising index, message_delta, message_stop."""
    reasons: list[str] = []
    kinds = []
    open_block, due = None, 0
    for event in found:
        data = event.parsed() or {}
        kind = data.get("type")
        if kind != event.name:
            reasons.append(f"event name {event.name} holds {kind}")
        if kind == "content_block_start":
            if open_block is not None or data["index"] != due:
                reasons.append(f"content_block_start {data['index']} while {open_block} is open, {due} is due")
            open_block, due = data["index"], due + 1
        elif kind in ("content_block_delta", "content_block_stop"):
            if data["index"] != open_block:
                reasons.append(f"{kind} {data['index']} while {open_block} is open")
            open_block = None if kind == "content_block_stop" else open_block
        if kind != "ping":
            kinds.append(kind)
    if kinds[0] != "message_start" or kinds.count("message_start") != 1:
        reasons.append(f"begins with {kinds[0]}, {kinds.count('message_start')} message_start")
    if kinds[-2:] != ["message_delta", "message_stop"] or kinds.count("message_stop") != 1:
        reasons.append(f"ends with {kinds[-2:]}")
    return [f"written stream: {r}" for r in reasons[:2]]


def _openai_machine(found: list[Event], include_usage: bool) -> list[str]:
    """Chunks of one id, each choice finished once and silent afterwards, usage as asked, [DONE] last."""
    reasons: list[str] = []
    if found[-1].data != b"[DONE]" or sum(e.data == b"[DONE]" for e in found) != 1:
        reasons.append("[DONE] is not the last event, or not once")
    chunks = [c for c in (e.parsed() for e in found) if isinstance(c, dict)]
    ids = {(c.get("id"), c.get("object")) for c in chunks}
    if len(ids) != 1 or next(iter(ids))[1] != "chat.completion.chunk":
        reasons.append(f"ids and objects differ: {sorted(map(str, ids))[:3]}")
    finished: set[int] = set()
    calls: dict[int, int] = {}
    for chunk in chunks:
        for choice in chunk.get("choices", ()):
            reasons += _openai_choice(choice, finished, calls)
    usages = sum(1 for c in chunks if c.get("usage"))
    if not include_usage and usages:
        reasons.append(f"{usages} usage chunks, none was asked for")
    elif include_usage and usages > 1:
        reasons.append(f"{usages} usage chunks")
    return [f"written stream: {r}" for r in reasons[:2]]


def _openai_choice(choice: dict[str, Any], finished: set[int], calls: dict[int, int]) -> list[str]:
    """One choice of one chunk: nothing after its finish, tool calls begin once and in order."""
    reasons: list[str] = []
    number = choice["index"]
    if number in finished and (choice.get("delta") or choice.get("finish_reason")):
        reasons.append(f"choice {number} goes on after its finish")
    for call in (choice.get("delta") or {}).get("tool_calls") or ():
        begun = calls.get(number, 0)
        if call.get("id"):
            if call["index"] != begun:
                reasons.append(f"tool call index {call['index']}, {begun} is due")
            calls[number] = begun + 1
        elif call["index"] >= begun:
            reasons.append(f"tool call {call['index']} has no start")
    if choice.get("finish_reason"):
        finished.add(number)
    return reasons


def dump(value: Any) -> str:
    """A value as short, stable text for a reason."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, default=str)
    return text if len(text) <= 160 else text[:157] + "..."
