"""Bodies of sample calls: conversations with tools and images, in the form of each surface, whole or streamed.

They look like what callers send and get, and are nobody's.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Talk(NamedTuple):
    """A question and its reply. `tool`: one that the reply calls, with its arguments; `image`: whether one is asked
    about."""

    question: str
    reply: str
    tool: tuple[str, dict[str, Any]] | None = None
    image: bool = False


TALKS: Final = (
    Talk("Summarise the incident report in three sentences.", "The provider was slow for 25 minutes. Half of the calls "
         "failed over. No data was lost."),
    Talk("What is the weather in Oslo tomorrow?", "", ("get_weather", {"city": "Oslo", "days": 1})),
    Talk("What does this chart show?", "A rise of requests between nine and eleven, then a plateau.", image=True),
    Talk("Write a regular expression for ISO dates.", "```\n\\d{4}-\\d{2}-\\d{2}\n```\nIt accepts `2026-02-31`, too."),
    Talk("Look up order 4711 and tell me its state.", "", ("find_order", {"number": 4711})),
    Talk("Render <b>this</b> & that <script>alert(1)</script> as text.", "<b>this</b> &amp; that, as text."),
)  # fmt: skip


def write_talk(number: int, surface: str, model: str, *, stream: bool) -> tuple[bytes, bytes]:
    """The bodies of a call, request and response; `number` chooses the conversation."""
    talk = TALKS[number % len(TALKS)]
    if surface == "anthropic.messages":
        request, response = _anthropic(talk, model)
        events = _anthropic_events(response)
    else:
        request, response = _openai(talk, model)
        events = _openai_events(response)
    if stream:
        return _json({**request, "stream": True}), events
    return _json(request), _json(response)


def _openai(talk: Talk, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content: Any = talk.question
    if talk.image:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}"}}
        content = [{"type": "text", "text": talk.question}, image]
    request: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": content}]}
    message: dict[str, Any] = {"role": "assistant", "content": talk.reply or None}
    if talk.tool is not None:
        name, arguments = talk.tool
        request["tools"] = [{"type": "function", "function": {"name": name, "parameters": _schema(arguments)}}]
        function = {"name": name, "arguments": json.dumps(arguments)}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    finish = "stop" if talk.tool is None else "tool_calls"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return request, {"id": "chatcmpl-sample", "object": "chat.completion", "model": model, "choices": [choice]}


def _openai_events(response: dict[str, Any]) -> bytes:
    (choice,) = response["choices"]
    message = choice["message"]
    calls = [{"index": 0, **one} for one in message.get("tool_calls", ())]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": f"{word} "} for word in (message["content"] or "").split(" ") if word]
    deltas += [{"tool_calls": calls}] if calls else []
    head = {"id": response["id"], "object": "chat.completion.chunk", "model": response["model"]}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    return b"".join(b"data: %b\n\n" % _json(chunk) for chunk in chunks) + b"data: [DONE]\n\n"


def _anthropic(talk: Talk, model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content: Any = talk.question
    if talk.image:
        source = {"type": "base64", "media_type": "image/png", "data": _PNG}
        content = [{"type": "image", "source": source}, {"type": "text", "text": talk.question}]
    request: dict[str, Any] = {"model": model, "max_tokens": 4096, "messages": [{"role": "user", "content": content}]}
    blocks: list[dict[str, Any]] = [{"type": "text", "text": talk.reply}] if talk.reply else []
    if talk.tool is not None:
        name, arguments = talk.tool
        request["tools"] = [{"name": name, "input_schema": _schema(arguments)}]
        blocks.append({"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments})
    stop = "end_turn" if talk.tool is None else "tool_use"
    told = {"id": "msg_sample", "type": "message", "role": "assistant", "model": model}
    return request, {**told, "content": blocks, "stop_reason": stop, "stop_sequence": None}


def _anthropic_events(response: dict[str, Any]) -> bytes:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**response, "content": []}}]
    for index, block in enumerate(response["content"]):
        if block["type"] == "text":
            begun: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": f"{word} "} for word in block["text"].split(" ")]
        else:
            begun = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": response["stop_reason"]}, "usage": {}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _json(event)) for event in events)


def _schema(arguments: dict[str, Any]) -> dict[str, Any]:
    kinds = {str: "string", int: "integer"}
    return {"type": "object", "properties": {name: {"type": kinds[type(one)]} for name, one in arguments.items()}}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
