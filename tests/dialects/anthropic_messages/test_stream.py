"""Reading streams that are not quite what the API promises."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from asbru.core.chat import ForeignPart, TextPart, ToolCallPart
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
from asbru.dialects.anthropic_messages import DIALECT, stream
from asbru.dialects.anthropic_messages.stream import MessagesStreamReader
from asbru.dialects.assemble import assemble

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


def foreign_delta(**delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
GROWN: list[tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any] | None]] = [
    (SEARCH, [], None),
    (SEARCH, [foreign_delta(type="input_json_delta", partial_json="")], None),
    (
        SEARCH,
        [foreign_delta(type="input_json_delta", partial_json=piece) for piece in ('{"q":', '"bridge"}')],
        {**SEARCH, "input": {"q": "bridge"}},
    ),
    (SEARCH, [foreign_delta(type="input_json_delta", partial_json='{"q')], {**SEARCH, "input": '{"q'}),
    (
        {"type": "compaction", "content": None},
        [foreign_delta(type="compaction_delta", content=text) for text in ("So ", "far")],
        {"type": "compaction", "content": "So far"},
    ),
    ({"type": "dial", "turn": 1}, [foreign_delta(type="dial_delta", turn=2)], {"type": "dial", "turn": 2}),
]


@pytest.mark.parametrize(("block", "deltas", "whole"), GROWN, ids=lambda value: str(value)[:40])
def test_a_foreign_block_is_whole_when_it_stops(
    block: dict[str, Any], deltas: list[dict[str, Any]], whole: dict[str, Any] | None
) -> None:
    """A block that only this dialect knows stops with what its deltas made of it; without any, with nothing."""
    found = read(START, {"type": "content_block_start", "index": 0, "content_block": block}, *deltas, CLOSE, STOP)
    stop = next(event for event in found if isinstance(event, PartStop))
    part = stop.part
    assert (None if part is None else json.loads(bytes(part.raw))) == whole
    assert part is None or (part.kind, part.dialect) == (block["type"], DIALECT.name)
    assert not any(isinstance(event, StreamFault) for event in found)


def test_foreign_blocks_are_held_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that never ends a block nobody knows does not fill our memory: the stream ends with a fault."""
    monkeypatch.setattr(stream, "FOREIGN_BYTES_MAX", 200)
    start = {"type": "content_block_start", "index": 0, "content_block": SEARCH}
    delta = foreign_delta(type="input_json_delta", partial_json="x" * 50)
    assert not any(isinstance(event, StreamFault) for event in read(START, start, delta))
    fault = read(START, start, delta, delta)[-1]
    assert isinstance(fault, StreamFault)
    assert "at most 200 bytes" in fault.message


def test_a_foreign_part_is_put_back_together() -> None:
    """What a foreign block became is what a whole answer would have held."""
    start = {"type": "content_block_start", "index": 0, "content_block": SEARCH}
    delta = foreign_delta(type="input_json_delta", partial_json='{"q":1}')
    part = assemble(read(START, start, delta, CLOSE, STOP)).reply.choices[0].parts[0]
    assert isinstance(part, ForeignPart)
    answer = {"content": [{**SEARCH, "input": {"q": 1}}]}
    (whole,) = DIALECT.chat.read_reply(json.dumps(answer).encode()).choices[0].parts
    assert isinstance(whole, ForeignPart)
    assert json.loads(bytes(part.raw)) == json.loads(bytes(whole.raw))
