"""Streams put together: what each kind of event adds, and what a stream that broke off leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from asbru.core.chat import (
    AudioPart,
    Choice,
    ForeignPart,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import (
    ChatReply,
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
from asbru.dialects import discover
from asbru.dialects.assemble import Assembler, assemble, take_apart

CASES = Path(__file__).parents[1] / "cases"
START = ReplyStart(id="r", model="m", created_s=5, service_tier="flex", dialect="d", extra={"x": Raw(b"1")})
STOP = ChoiceStop(stop="stop", raw_stop="end_turn", stop_sequence="END", extra={"y": Raw(b"2")})
WEATHER = ForeignPart(dialect="d", kind="weather", raw=Raw(b'{"type":"weather"}'))


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def texts(*texts: str, index: int = 0, choice: int = 0) -> list[StreamEvent]:
    return [PartDelta(index=index, choice=choice, text=text) for text in texts]


def part_of(part: Part, *deltas: StreamEvent, stop: ForeignPart | None = None) -> Part:
    """The whole of one part that began as `part`."""
    events = [START, PartStart(index=0, part=part), *deltas, PartStop(index=0, part=stop), STOP, ReplyEnd()]
    return assemble(events).reply.choices[0].parts[0]


PARTS: list[tuple[Part, list[StreamEvent], Part]] = [
    (TextPart(text=""), texts("a", "b"), TextPart(text="ab")),
    (TextPart(text="a"), texts("b"), TextPart(text="ab")),
    (RefusalPart(text=""), texts("n", "o"), RefusalPart(text="no")),
    (
        ThinkingPart(text="", dialect="d", extra={"z": Raw(b"1")}),
        [*texts("h", "m"), PartDelta(index=0, signature="s")],
        ThinkingPart(text="hm", signature="s", dialect="d", extra={"z": Raw(b"1")}),
    ),
    (ThinkingPart(text="", signature="s"), texts("hm"), ThinkingPart(text="hm", signature="s")),
    (RedactedThinkingPart(data="r", dialect="d"), [], RedactedThinkingPart(data="r", dialect="d")),
    (
        ToolCallPart(id="c", name="f", arguments=""),
        texts('{"a"', ":1}"),
        ToolCallPart(id="c", name="f", arguments='{"a":1}'),
    ),
    (
        ToolCallPart(id="c", name="f", arguments="", custom=True),
        texts("go"),
        ToolCallPart(id="c", name="f", arguments="go", custom=True),
    ),
    (AudioPart(id="a"), [], AudioPart(id="a")),
    (WEATHER, [], WEATHER),
    (
        TextPart(text=""),
        [*texts("a"), PartDelta(index=0, citation=raw({"n": 1})), PartDelta(index=0, citation=raw({"n": 2}))],
        TextPart(text="a", citations=Raw(b'[{"n": 1},{"n": 2}]'), citations_dialect="d"),
    ),
    (
        TextPart(text="", citations=raw([1]), citations_dialect="d"),
        [PartDelta(index=0, citation=raw(2))],
        TextPart(text="", citations=Raw(b"[1,2]"), citations_dialect="d"),
    ),
    (
        TextPart(text="", citations=raw({}), citations_dialect="d"),
        [PartDelta(index=0, citation=raw(2))],
        TextPart(text="", citations=Raw(b"[{},2]"), citations_dialect="d"),
    ),
]


@pytest.mark.parametrize(("start", "deltas", "whole"), PARTS, ids=lambda value: type(value).__name__)
def test_deltas_extend_their_part(start: Part, deltas: list[StreamEvent], whole: Part) -> None:
    """Every kind of part is what it began as, with what came after in its place."""
    assert part_of(start, *deltas) == whole


def test_a_whole_stream_is_a_reply() -> None:
    """Who answered, the stops, the last usage and what rides along: all of it is in the reply."""
    first, last = Usage(input=1), Usage(input=1, output=2)
    events = [
        msgspec.structs.replace(START, usage=first),
        PartStart(index=0, part=TextPart(text="")),
        *texts("hi"),
        Ping(),
        PartStop(index=0),
        STOP,
        UsageReport(usage=last),
        ReplyEnd(),
    ]
    found = assemble(events)
    assert (found.complete, found.fault, found.foreign) == (True, None, ())
    assert found.reply == ChatReply(
        id="r",
        model="m",
        created_s=5,
        service_tier="flex",
        dialect="d",
        usage=last,
        extra={"x": Raw(b"1")},
        choices=(
            Choice(
                index=0,
                parts=(TextPart(text="hi"),),
                stop="stop",
                raw_stop="end_turn",
                stop_sequence="END",
                extra={"y": Raw(b"2")},
            ),
        ),
    )
    assert assemble(events[:5]).reply.usage == first


def test_choices_and_parts_are_told_apart() -> None:
    """Choices and parts that overlap stay apart, in the order of their numbers."""
    events: list[StreamEvent] = [
        START,
        PartStart(index=0, part=TextPart(text=""), choice=1),
        PartStart(index=1, part=ToolCallPart(id="b", name="g", arguments="")),
        PartStart(index=0, part=ToolCallPart(id="a", name="f", arguments="")),
        *texts("1", index=1),
        *texts("2"),
        *texts("3", index=1),
        *texts("second", choice=1),
        ChoiceStop(stop="length", choice=1),
        ChoiceStop(stop="tool_calls"),
    ]
    zero, one = assemble(events).reply.choices
    assert [part.arguments for part in zero.parts if isinstance(part, ToolCallPart)] == ["2", "13"]
    assert (zero.index, zero.stop) == (0, "tool_calls")
    assert (one.index, one.parts, one.stop) == (1, (TextPart(text="second"),), "length")


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([], None),
        ([{"content": [1], "refusal": None}], {"content": [1], "refusal": None}),
        ([{"content": [1], "refusal": None}, {"content": [2, 3], "n": 1}, {"content": None, "n": 2}],
         {"content": [1, 2, 3], "refusal": None, "n": 2}),
        ([{"content": [1]}, 5], 5),
    ],
)  # fmt: skip
def test_log_probabilities_go_on(pieces: list[Any], whole: Any) -> None:
    """The arrays of the pieces make one; of what is no array, or no object, the last counts."""
    deltas: list[StreamEvent] = [PartDelta(index=0, logprobs=raw(piece)) for piece in pieces]
    found = assemble([START, PartStart(index=0, part=TextPart(text="")), *deltas, STOP]).reply.choices[0].logprobs
    assert (None if found is None else json.loads(bytes(found))) == whole


def test_what_only_a_dialect_understands_is_kept_apart() -> None:
    """Foreign events and deltas are listed, unless the part's dialect put it together when it stopped."""
    grown = ForeignPart(dialect="d", kind="weather", raw=Raw(b'{"type":"weather","sun":1}'))
    delta = PartDelta(index=0, foreign=Raw(b'{"sun":1}'))
    assert part_of(WEATHER, delta, stop=grown) == grown
    event = ForeignEvent(dialect="d", event="e", data=b"{}")
    found = assemble([START, event, PartStart(index=0, part=WEATHER), delta, *texts("{"), PartStop(index=0)])
    assert found.reply.choices[0].parts == (WEATHER,)
    assert found.foreign == (event, delta, *texts("{"))
    stopped = [START, PartStart(index=0, part=WEATHER), delta, PartStop(index=0, part=grown)]
    assert assemble(stopped).foreign == ()


def test_a_stream_that_broke_off_is_what_came() -> None:
    """Without its end a reply is what came, not complete, and its choice has no stop; a fault is told."""
    cut = assemble([START, PartStart(index=0, part=TextPart(text="")), *texts("ha")])
    assert (cut.complete, cut.fault) == (False, None)
    assert cut.reply.choices == (Choice(index=0, parts=(TextPart(text="ha"),), stop=None),)
    fault = StreamFault(message="busy")
    assert assemble([START, fault]).fault == fault
    assert assemble([]).reply == ChatReply(id="", model="", choices=())
    assert assemble([*texts("no part is open"), PartStop(index=3)]).reply.choices[0].parts == ()


def test_a_reply_may_be_looked_at_while_it_comes() -> None:
    """Fed in pieces it is the same as at once, and looking does not disturb."""
    events = [
        START,
        PartStart(index=0, part=TextPart(text="")),
        *texts("a", "b"),
        PartStop(index=0),
        STOP,
        ReplyEnd(),
    ]
    assembler = Assembler()
    seen: list[str] = []
    for event in events:
        assembler.feed([event])
        parts = [part for choice in assembler.result().reply.choices for part in choice.parts]
        seen.append("".join(part.text for part in parts if isinstance(part, TextPart)))
    assert seen == ["", "", "a", "ab", "ab", "ab", "ab"]
    assert assembler.result() == assemble(events)


WHOLE = [
    pytest.param(name, path, id=f"{name}-{path.stem}")
    for name in sorted(discover())
    for path in sorted((CASES / name).glob("reply_*.json"))
]


@pytest.mark.parametrize(("name", "path"), WHOLE)
def test_a_reply_taken_apart_makes_the_same_reply(name: str, path: Path) -> None:
    """The events of every golden reply obey the grammar, and put together are that reply again."""
    reply = discover()[name].chat.read_reply(msgspec.json.encode(json.loads(path.read_text())["wire"]))
    events = take_apart(reply)
    assert isinstance(events[0], ReplyStart)
    assert isinstance(events[-1], ReplyEnd)
    made = assemble(events)
    assert made.complete
    choices = tuple(
        msgspec.structs.replace(choice, stop=choice.stop or "other", parts=tuple(map(same_citations, choice.parts)))
        for choice in reply.choices
    )
    remade = tuple(
        msgspec.structs.replace(choice, parts=tuple(map(same_citations, choice.parts)))
        for choice in made.reply.choices
    )
    assert msgspec.json.encode(remade) == msgspec.json.encode(choices)
    assert (made.reply.id, made.reply.model, made.reply.usage) == (reply.id, reply.model, reply.usage)


def same_citations(part: Part) -> Part:
    """A part whose citations are written without white space."""
    if isinstance(part, TextPart) and part.citations is not None:
        listed = Raw(msgspec.json.encode(msgspec.json.decode(part.citations)))
        return msgspec.structs.replace(part, citations=listed)
    return part
