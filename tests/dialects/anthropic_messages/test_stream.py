"""Reading streams that are not quite what the API promises."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from asbru.core.chat import TextPart, ToolCallPart
from asbru.core.reply import (
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT
from asbru.dialects.anthropic_messages.stream import MessagesStreamReader

START = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 5}}}
TEXT = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
HI = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
CLOSE = {"type": "content_block_stop", "index": 0}
STOP = {"type": "message_stop"}


def read(*events: Any, named: bool = True) -> list[StreamEvent]:
    """The canonical events; bytes go in as they are."""
    reader = DIALECT.chat.stream_reader()
    found: list[StreamEvent] = []
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        name = f"event: {event['type']}\n".encode() if named and isinstance(event, dict) else b""
        found += reader.feed(name + b"data: " + data + b"\n\n")
    return found + reader.close()


BAD: list[tuple[Any, ...]] = [
    (b"{not json",),
    (b"[]",),
    (b"5",),
    (b"{}",),
    (b"[" * 100_000,),
    (b'{"type":"\xff"}',),
    (HI,),
    (STOP,),
    (START, START),
    (START, HI),
    (START, TEXT, TEXT),
    (START, {"type": "content_block_start", "index": 0, "content_block": 5}),
    (START, {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}),
    (START, {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}),
    (START, TEXT, {"type": "content_block_delta", "index": 0}),
    (START, TEXT, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}}),
    (START, {"type": "message_delta", "delta": {"stop_reason": 7}}),
    ({"type": "message_start"},),
]


@pytest.mark.parametrize("events", BAD, ids=lambda events: str(events[-1])[:60])
def test_garbage_is_a_fault_and_the_end(events: tuple[Any, ...]) -> None:
    """What cannot be read is one StreamFault of type protocol_error, and nothing after it is read."""
    found = read(*events, HI, STOP)
    assert isinstance(found[-1], StreamFault)
    assert found[-1].type == "protocol_error"
    assert sum(isinstance(event, StreamFault) for event in found) == 1


def test_event_names_are_not_needed() -> None:
    """Imitations that leave out `event:` are read by the type in the data."""
    events = (START, TEXT, HI, CLOSE, STOP)
    assert read(*events, named=False) == read(*events)


def test_blocks_left_open_are_closed() -> None:
    """message_stop closes what was not, once, and gives the choice a stop."""
    found = read(START, TEXT, HI, STOP, HI, STOP)
    assert found[1:] == [
        PartStart(index=0, part=TextPart(text="")),
        PartDelta(index=0, text="hi"),
        PartStop(index=0),
        ChoiceStop(stop="other"),
        UsageReport(usage=Usage(input=5, reasoning_known=False)),
        ReplyEnd(),
    ]


def test_stray_stop_is_ignored() -> None:
    """A stop of a block that is not open harms nobody."""
    assert read(START, CLOSE, TEXT, CLOSE, CLOSE)[1:] == [
        PartStart(index=0, part=TextPart(text="")),
        PartStop(index=0),
    ]


def test_blocks_may_come_whole() -> None:
    """Text or a call's input given at the start of the block becomes a delta, as in a whole answer."""
    text = {**TEXT, "content_block": {"type": "text", "text": "all"}}
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}
    found = read(START, text, CLOSE, {**TEXT, "index": 7, "content_block": call}, {**CLOSE, "index": 7})
    assert found[1:] == [
        PartStart(index=0, part=TextPart(text="")),
        PartDelta(index=0, text="all"),
        PartStop(index=0),
        PartStart(index=1, part=ToolCallPart(id="1", name="f", arguments="")),
        PartDelta(index=1, text='{"a": 1}'),
        PartStop(index=1),
    ]


def test_second_message_delta_only_updates_usage() -> None:
    """A choice stops once; later totals replace earlier ones."""
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
    later = {**delta, "usage": {"output_tokens": 9, "cache_read_input_tokens": 4}}
    found = read(START, delta, later, STOP)
    assert [event for event in found if isinstance(event, ChoiceStop)] == [
        ChoiceStop(stop="stop", raw_stop="end_turn")
    ]
    reports = [event.usage for event in found if isinstance(event, UsageReport)]
    assert reports[-1] == Usage(input=5, cache_read=4, output=9, reasoning_known=False)


def test_error_without_details() -> None:
    """An error event that says nothing is still a fault."""
    fault = read(START, {"type": "error"})[-1]
    assert isinstance(fault, StreamFault)
    assert (fault.type, fault.status) == ("api_error", 500)


def test_a_reader_is_gone_with_its_stream() -> None:
    """A reader that has served holds no cycle: it goes at once, without a collection."""
    gc.collect()
    gc.disable()
    try:
        read(START, TEXT, HI, CLOSE, STOP)
        assert not any(type(one) is MessagesStreamReader for one in gc.get_objects())
    finally:
        gc.enable()


def test_endless_event_is_a_fault() -> None:
    """An event over the limit ends the stream instead of filling the memory."""
    reader = DIALECT.chat.stream_reader()
    chunk = b"x" * 1_000_000
    found = [event for _ in range(20) for event in reader.feed(chunk)]
    assert len(found) == 1
    assert isinstance(found[0], StreamFault)
