"""Streams of servers that leave out events of the Responses API."""

from __future__ import annotations

import json
from typing import Any

from asbru.core.chat import TextPart, ThinkingPart, ToolCallPart
from asbru.core.reply import StreamFault
from asbru.dialects.assemble import assemble
from asbru.dialects.openai_responses import DIALECT

TEXT = {"type": "output_text", "text": "whole", "annotations": []}
MESSAGE = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [TEXT]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"x":1}'}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}


def stream(*events: dict[str, Any], output: list[dict[str, Any]]) -> bytes:
    """A stream with these events between its start and its end, which repeats `output`."""
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress"}
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    ended = {**response, "status": "completed", "output": output, "usage": usage}
    told = [
        {"type": "response.created", "response": {**response, "output": []}},
        *events,
        {"type": "response.completed", "response": ended},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in told)


def said(data: bytes) -> tuple[list[Any], str | None]:
    """What the stream says, shortened, and why it stopped."""
    reader = DIALECT.chat.stream_reader()
    events = reader.feed(data) + reader.close(clean=True)
    assert not [event for event in events if isinstance(event, StreamFault)]
    whole = assemble(events)
    assert whole.complete
    short: list[Any] = []
    for part in whole.reply.choices[0].parts:
        match part:
            case TextPart() | ThinkingPart():
                short.append(part.text)
            case ToolCallPart():
                short.append((part.name, part.arguments))
            case _:
                short.append(part)
    return short, whole.reply.choices[0].stop


def test_an_item_that_is_told_when_it_is_done() -> None:
    """An item that no event has added is read from the event that says that it is done."""
    events = [
        {"type": "response.output_item.done", "output_index": at, "item": item}
        for at, item in enumerate((THOUGHT, MESSAGE, CALL))
    ]
    assert said(stream(*events, output=[])) == (["hm", "whole", ("f", '{"x":1}')], "tool_calls")


def test_items_that_are_told_at_the_end() -> None:
    """A reply of which only the last event tells is no empty reply."""
    assert said(stream(output=[MESSAGE, CALL])) == (["whole", ("f", '{"x":1}')], "tool_calls")


def test_an_output_that_is_repeated_is_read_once() -> None:
    """What events have told is not read again from the last one."""
    done = {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}
    assert said(stream(done, output=[MESSAGE])) == (["whole"], "stop")
