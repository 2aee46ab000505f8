"""Writing streams from events of other dialects: one open block at a time, whatever overlaps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asbru.core.chat import (
    AudioPart,
    ChatRequest,
    ForeignPart,
    Part,
    Raw,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import (
    ChoiceStop,
    ForeignEvent,
    PartDelta,
    PartStart,
    PartStop,
    Ping,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT, stream_writer

Check = Callable[[bytes], list[tuple[str, dict[str, Any]]]]
REQUEST = ChatRequest(model="m", messages=())
START = ReplyStart(id="chatcmpl-1", model="gpt", dialect="openai_chat")


def write(*events: StreamEvent) -> tuple[bytes, list[str]]:
    """The bytes and the notes as text."""
    writer = DIALECT.chat.stream_writer(REQUEST)
    data = b"".join(writer.write([event]) for event in events)
    return data, [str(note) for note in writer.notes]


def call(index: int, call_id: str = "", **fields: Any) -> PartStart:
    """A call begins."""
    return PartStart(index=index, part=ToolCallPart(id=call_id, name="f", arguments="", **fields))


def blocks(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[dict[str, Any], str]]:
    """Each block with its deltas joined."""
    found: list[tuple[dict[str, Any], str]] = []
    for name, event in events:
        if name == "content_block_start":
            found.append((event["content_block"], ""))
        elif name == "content_block_delta":
            delta = {key: value for key, value in event["delta"].items() if key != "type"}
            found[-1] = (found[-1][0], found[-1][1] + "".join(map(str, delta.values())))
    return found


def test_interleaved_calls_come_out_one_after_the_other(check_stream: Check) -> None:
    """Fragments of parallel calls that interleave are sorted into blocks, in order, with unique ids."""
    data, notes = write(
        START,
        PartStart(index=0, part=TextPart(text="")),
        PartDelta(index=0, text="Both."),
        call(1, "same"),
        call(2, "same"),
        call(3),
        PartDelta(index=2, text='{"b":'),
        PartDelta(index=1, text='{"a":'),
        PartDelta(index=3, text="{}"),
        PartStop(index=3),
        PartStop(index=0),
        PartDelta(index=2, text="2}"),
        PartDelta(index=1, text="1}"),
        PartStop(index=1),
        PartStop(index=2),
        ChoiceStop(stop="tool_calls"),
        UsageReport(usage=Usage(input=8, cache_read=4, output=6)),
        ReplyEnd(),
    )
    events = check_stream(data)
    found = blocks(events)
    assert [text for _, text in found] == ["Both.", '{"a":1}', '{"b":2}', "{}"]
    assert len({block["id"] for block, _ in found[1:]}) == 3
    assert events[-2][1]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    usage = events[-2][1]["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (8, 4, 6)
    assert [note.split(" (")[0] for note in notes] == ["changed tool_calls[1].id", "changed tool_calls[2].id"]


def test_live_part_is_written_at_once() -> None:
    """A delta of the open block is not held back for others that overlap."""
    writer = DIALECT.chat.stream_writer(REQUEST)
    writer.write([START, call(0, "a"), call(1, "b")])
    assert b'"{1"' in writer.write([PartDelta(index=0, text="{1")])
    assert writer.write([PartDelta(index=1, text="{2")]) == b""


def test_usage_that_nobody_reported_is_null(check_stream: Check) -> None:
    """The start shows zeros because SDKs add to them; the end shows that the counts are unknown."""
    data, _ = write(START, ChoiceStop(stop="stop"), ReplyEnd())
    events = check_stream(data)
    assert events[0][1]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert events[1][1]["usage"] == {"input_tokens": None, "output_tokens": None}


def test_what_has_no_block_is_noted(check_stream: Check) -> None:
    """Other choices, foreign parts and events, audio, logprobs and citations are named, and their deltas vanish."""
    data, notes = write(
        START,
        PartStart(index=0, part=ForeignPart(dialect="gemini", kind="code", raw=Raw(b"{}"))),
        PartDelta(index=0, text="x"),
        PartStop(index=0),
        PartStart(index=1, part=AudioPart()),
        PartStop(index=1),
        PartStart(index=2, part=TextPart(text="")),
        PartDelta(index=2, logprobs=Raw(b"[]")),
        PartDelta(index=2, citation=Raw(b"{}")),
        PartDelta(index=2, text="y"),
        PartStop(index=2),
        PartStart(index=0, choice=1, part=TextPart(text="")),
        PartDelta(index=0, choice=1, text="z"),
        PartStop(index=0, choice=1),
        ForeignEvent(dialect="gemini", event="e", data=b"{}"),
        Ping(),
        ChoiceStop(stop="stop"),
        ChoiceStop(stop="length", choice=1),
        ReplyEnd(),
    )
    events = check_stream(data)
    assert blocks(events) == [({"type": "text", "text": ""}, "y")]
    assert events[-2][1]["delta"]["stop_reason"] == "end_turn"
    assert [note.split(" (")[0].removeprefix("dropped ") for note in notes] == [
        *("choices[0].parts[0]", "choices[0].parts[1]", "logprobs", "citations", "choices[1]", "event e"),
    ]


def test_refusal_thinking_and_custom_calls(check_stream: Check) -> None:
    """A refusal is text with its stop reason, thinking carries a foreign signature, free text becomes an object."""
    data, _ = write(
        START,
        PartStart(index=0, part=ThinkingPart(text="", dialect="gemini")),
        PartDelta(index=0, text="t"),
        PartDelta(index=0, signature="QUJD"),
        PartStop(index=0),
        PartStart(index=1, part=RefusalPart(text="")),
        PartDelta(index=1, text="no"),
        PartStop(index=1),
        ChoiceStop(stop="stop"),
        ReplyEnd(),
    )
    events = check_stream(data)
    assert [text for _, text in blocks(events)] == ["tasbru:gemini:QUJD", "no"]
    assert events[-2][1]["delta"]["stop_reason"] == "refusal"
    data, _ = write(
        START,
        call(0, "a", custom=True),
        PartDelta(index=0, text="SEL"),
        PartDelta(index=0, text="ECT"),
        PartStop(index=0),
        ReplyEnd(),
    )
    assert json.loads(blocks(check_stream(data))[0][1]) == {"input": "SELECT"}


def test_fault_is_an_error_event_and_the_end(check_stream: Check) -> None:
    """A fault is told in the API's words at any point, and nothing follows."""
    fault = StreamFault(message="gone", type="server_error", status=503)
    data, _ = write(START, call(0, "a"), fault, PartStop(index=0), ReplyEnd())
    assert check_stream(data)[-1] == (
        "error",
        {"type": "error", "error": {"type": "overloaded_error", "message": "gone"}},
    )


def test_waiting_parts_are_bounded(monkeypatch: pytest.MonkeyPatch, check_stream: Check) -> None:
    """Too much held for a block that may not open yet ends the stream with an error."""
    monkeypatch.setattr(stream_writer, "HELD_BYTES_MAX", 1000)
    deltas = [PartDelta(index=1, text="x" * 100)] * 10
    data, _ = write(START, call(0, "a"), call(1, "b"), *deltas, ReplyEnd())
    assert check_stream(data)[-1][0] == "error"


def test_raw_json_with_line_breaks_stays_one_event(check_stream: Check) -> None:
    """A part that rides along raw may have been written over several lines; its event may not be."""
    part = ForeignPart(dialect=DIALECT.name, kind="new", raw=Raw(b'{\n "type": "new",\r\n "a": "b c"\n}'))
    data, _ = write(START, PartStart(index=0, part=part), PartStop(index=0), ReplyEnd())
    assert blocks(check_stream(data))[0][0] == {"type": "new", "a": "b c"}


PARTS: list[Part] = [
    TextPart(text=""),
    ThinkingPart(text=""),
    ToolCallPart(id="x", name="f", arguments=""),
    RefusalPart(text=""),
    ForeignPart(dialect="gemini", kind="k", raw=Raw(b"{}")),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the fixture holds no state
@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["delta", "stop"])), max_size=30),
    faulty=st.booleans(),
)
def test_every_interleaving_obeys_the_state_machine(
    check_stream: Check, parts: list[Part], steps: list[tuple[int, str]], faulty: bool
) -> None:
    """Whatever the order of deltas and stops, each part's text arrives whole, in blocks that never overlap."""
    events: list[StreamEvent] = [START]
    texts = [""] * len(parts)
    stopped: set[int] = set()
    started = 0
    for number, what in steps:
        if number >= len(parts) or number > started:
            continue
        if number == started:
            events.append(PartStart(index=number, part=parts[number]))
            started += 1
        elif number not in stopped and what == "delta":
            events.append(PartDelta(index=number, text=f"<{number}>"))
            texts[number] += f"<{number}>"
        elif number not in stopped:
            events.append(PartStop(index=number))
            stopped.add(number)
    events.append(StreamFault(message="x") if faulty else ReplyEnd())
    data, _ = write(*events)
    seen = check_stream(data)
    found = blocks(seen)
    forwarded = [n for n in range(started) if not isinstance(parts[n], ForeignPart)]
    if not faulty:
        assert [text for _, text in found] == [texts[n] for n in forwarded]
