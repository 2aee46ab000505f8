"""Streams as callers read them, on the wire: a state machine for each dialect, that complains about every step aside.

    check_stream("anthropic_messages", body)     the events; raises AssertionError for what a strict reader refuses

Readers of Asbru's own are tolerant, so they are not used here. A stream ends well, or with one event that is an error;
`fails` says which is expected. Members that a dialect does not know (`asbru`) may stand beside those that it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asbru.wire.eventstream import MessageReader

Event = tuple[str, dict[str, Any]]


class _MessagesStream:
    """The state machine of a Messages stream, as its official SDK reads one: complains about every step aside."""

    def __init__(self) -> None:
        self.started = self.delta_seen = self.ended = False
        self.open: int | None = None
        self.kind = ""
        self.next = 0
        self.ids: set[str] = set()

    def step(self, name: str, event: dict[str, Any]) -> None:
        """One event."""
        assert not self.ended, f"{name} after the end"
        assert event["type"] == name
        getattr(self, f"on_{name}")(event)

    def on_ping(self, event: dict[str, Any]) -> None:
        del event

    def on_error(self, event: dict[str, Any]) -> None:
        assert set(event["error"]) == {"type", "message"}
        self.ended = True

    def on_message_start(self, event: dict[str, Any]) -> None:
        assert not self.started
        self.started = True
        message = event["message"]
        assert message["type"] == "message" and message["role"] == "assistant" and message["content"] == []
        assert isinstance(message["usage"]["input_tokens"], int)
        assert isinstance(message["usage"]["output_tokens"], int)

    def on_content_block_start(self, event: dict[str, Any]) -> None:
        assert self.started and not self.delta_seen and self.open is None
        assert event["index"] == self.next
        self.open = event["index"]
        self.next += 1
        self.kind = event["content_block"]["type"]
        if self.kind == "tool_use":
            call = event["content_block"]["id"]
            assert call and call not in self.ids and event["content_block"]["input"] == {}
            self.ids.add(call)

    def on_content_block_delta(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        allowed = {
            "text": ("text_delta", "citations_delta"),
            "thinking": ("thinking_delta", "signature_delta"),
            "tool_use": ("input_json_delta",),
        }.get(self.kind)
        assert allowed is None or event["delta"]["type"] in allowed

    def on_content_block_stop(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        self.open = None

    def on_message_delta(self, event: dict[str, Any]) -> None:
        assert self.started and self.open is None and not self.delta_seen
        self.delta_seen = True
        assert {"stop_reason", "stop_sequence"} <= set(event["delta"])
        assert "output_tokens" in event["usage"]

    def on_message_stop(self, event: dict[str, Any]) -> None:
        del event
        assert self.delta_seen
        self.ended = True


def read_sse(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Name and JSON of every event, by the plainest of readers."""
    events: list[tuple[str, dict[str, Any]]] = []
    for block in data.decode().split("\n\n"):
        if block:
            name, line = block.split("\n")
            events.append((name.removeprefix("event: "), json.loads(line.removeprefix("data: "))))
    return events


def check_messages(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of Anthropic."""
    checker = _MessagesStream()
    events = read_sse(data)
    for name, event in events:
        if hasattr(checker, f"on_{name}"):
            checker.step(name, event)
    assert checker.ended
    assert (events[-1][0] == "error") is fails
    return events


def check_chat(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of Chat Completions."""
    *blocks, rest = data.decode().split("\n\n")
    assert rest == ""
    assert (blocks[-1] == "data: [DONE]") is not fails
    chunks = [json.loads(block.removeprefix("data: ")) for block in blocks[: None if fails else -1]]
    if fails:
        assert {"message", "type"} <= set(chunks[-1]["error"])
        chunks.pop()
    calls: set[str] = set()
    finished = ""
    for at, chunk in enumerate(chunks):
        assert (chunk["object"], chunk["id"]) == ("chat.completion.chunk", chunks[0]["id"])
        if not chunk["choices"]:
            assert finished and at == len(chunks) - 1 and chunk["usage"]
            continue
        (choice,) = chunk["choices"]
        delta = choice["delta"]
        assert not finished
        assert ("role" in delta) is (at == 0)
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                assert call["index"] == len(calls) and call["id"] not in calls and call["function"]["name"]
                calls.add(call["id"])
            assert call["index"] == len(calls) - 1 and isinstance(call["function"]["arguments"], str)
        finished = choice["finish_reason"] or ""
    assert fails or finished == ("tool_calls" if calls else "stop")
    return [("", chunk) for chunk in chunks]


def check_responses(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of the Responses API; several items may be open."""
    events = read_sse(data)
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    assert all(event["type"] == name for name, event in events)
    assert [name for name, _ in events[:2]] == ["response.created", "response.in_progress"]
    done: dict[int, dict[str, Any]] = {}
    ids: list[str] = []
    parts: dict[str, list[str]] = {}
    for name, event in events[2:-1]:
        at = event["output_index"]
        if name == "response.output_item.added":
            assert at == len(ids) and event["item"]["id"] not in ids
            ids.append(event["item"]["id"])
            parts[ids[at]] = []
            continue
        assert event.get("item_id", ids[at]) == ids[at] and at not in done
        texts = parts[ids[at]]
        match name:
            case "response.output_item.done":
                assert event["item"]["id"] == ids[at]
                done[at] = event["item"]
            case "response.content_part.added":
                assert event["content_index"] == len(texts)
                texts.append("")
            case "response.output_text.delta":
                assert event["content_index"] == len(texts) - 1
                texts[-1] += event["delta"]
            case "response.output_text.done":
                assert event["text"] == texts[-1]
            case "response.content_part.done":
                assert event["content_index"] == len(texts) - 1 and event["part"]["text"] == texts[-1]
            case "response.function_call_arguments.delta":
                texts.append(event["delta"])
            case "response.function_call_arguments.done":
                assert event["arguments"] == "".join(texts)
            case _:
                raise AssertionError(f"{name} is not known here")
    name, last = events[-1]
    assert name == ("response.failed" if fails else "response.completed")
    assert last["response"]["id"] == events[0][1]["response"]["id"]
    assert fails or last["response"]["output"] == [done[at] for at in range(len(ids))]
    assert fails or last["response"]["usage"]["output_tokens"] > 0
    assert not fails or last["response"]["error"]["message"]
    return events


def check_gemini(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of Gemini, as events."""
    *blocks, rest = data.decode().replace("\r\n", "\n").split("\n\n")
    assert rest == ""
    chunks = [json.loads(block.removeprefix("data: ")) for block in blocks]
    if fails:
        assert {"code", "message", "status"} <= set(chunks.pop()["error"])
    finished = False
    for chunk in chunks:
        assert chunk["responseId"] == chunks[0]["responseId"]
        (candidate,) = chunk["candidates"]
        assert not finished and candidate["content"]["role"] == "model"
        assert all(len(part) == 1 for part in candidate["content"]["parts"])
        finished = "finishReason" in candidate
    assert finished is not fails
    assert fails or chunks[-1]["usageMetadata"]["candidatesTokenCount"] > 0
    return [("", chunk) for chunk in chunks]


def check_cohere(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of Cohere: every kind of part has indexes of its own, and several may be open."""
    events = read_sse(data)
    assert all(event["type"] == name for name, event in events)
    assert events[0][0] == "message-start"
    opened: dict[str, set[int]] = {"content": set(), "tool-call": set()}
    seen = {"content": 0, "tool-call": 0}
    for name, event in events[1:-1]:
        kind, _, step = name.rpartition("-")
        if step == "start":
            assert event["index"] == seen[kind]
            opened[kind].add(seen[kind])
            seen[kind] += 1
            continue
        assert event["index"] in opened[kind]
        if step == "end":
            opened[kind].discard(event["index"])
        else:
            assert step == "delta"
    assert fails or not any(opened.values())
    name, last = events[-1]
    assert name == "message-end"
    reason = "TOOL_CALL" if seen["tool-call"] else "COMPLETE"
    assert last["delta"]["finish_reason"] == ("ERROR" if fails else reason)
    assert fails or last["delta"]["usage"]["tokens"]["output_tokens"] > 0
    return events


def check_bedrock(data: bytes, *, fails: bool = False) -> list[Event]:
    """Of Bedrock's Converse; several blocks may be open."""
    reader = MessageReader()
    messages = reader.feed(data)
    assert reader.close() == b""
    kinds = [str(one.header(":message-type")) for one in messages]
    assert kinds == ["event"] * (len(kinds) - 1) + ["exception" if fails else "event"]
    named = [(str(one.header(":event-type")), json.loads(one.payload)) for one in messages]
    if fails:
        assert named.pop()[1]["message"]
    assert named[0] == ("messageStart", {"role": "assistant", **_padding(named[0][1])})
    opened: set[int] = set()
    seen = 0
    for name, event in named[1 : len(named) if fails else -2]:
        at = event["contentBlockIndex"]
        if at not in opened:  # a text begins with its first words
            assert at == seen and name in ("contentBlockStart", "contentBlockDelta")
            assert name == "contentBlockDelta" or event["start"]["toolUse"]["name"]
            opened.add(at)
            seen += 1
        else:
            assert name in ("contentBlockDelta", "contentBlockStop")
            if name == "contentBlockStop":
                opened.discard(at)
    if not fails:
        assert not opened
        assert [name for name, _ in named[-2:]] == ["messageStop", "metadata"]
        assert named[-2][1]["stopReason"] in ("end_turn", "tool_use")
        assert named[-1][1]["usage"]["outputTokens"] > 0
    return named


def _padding(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name == "p"}


_CHECKS: dict[str, Callable[..., list[Event]]] = {
    "anthropic_messages": check_messages,
    "bedrock_converse": check_bedrock,
    "cohere": check_cohere,
    "gemini": check_gemini,
    "openai_chat": check_chat,
    "openai_responses": check_responses,
}


def check_stream(dialect: str, data: bytes, *, fails: bool = False) -> list[Event]:
    """See the module."""
    return _CHECKS[dialect](data, fails=fails)
