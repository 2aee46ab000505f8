"""Faults of streams for each family of dialects, passed on and translated to each other: cut at every byte, an error
inside, a frame whose sum is wrong.

Streams of two dialects in depth, with what may end them cleanly, are in `test_streaming_cuts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.fakes.strict.bedrock import frame

from asbru.core.chat import ChatRequest, TextPart, ToolCallPart
from asbru.core.errors import UpstreamError
from asbru.core.reply import (
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.usage import Usage
from asbru.dialects import Dialect, assemble, discover
from asbru.pipeline.completing import Completing
from asbru.pipeline.streaming import PassRelay, Relay
from asbru.pipeline.translating import TranslateRelay
from asbru.wire.errors import FramingError

FAMILIES = {
    name: one for name, one in discover().items() if one.surface.bases and not one.kin and one.operation("chat")
}
USAGE = Usage(input=3, output=2)
ASKED = ChatRequest(model="m", messages=(), stream=True, include_usage=True)
EVENTS: tuple[StreamEvent, ...] = (
    ReplyStart(id="r1", model="m", created_s=1, usage=USAGE),
    PartStart(index=0, part=TextPart(text="")),
    PartDelta(index=0, text="Hi you"),
    PartStop(index=0),
    PartStart(index=1, part=ToolCallPart(id="call_1", name="f", arguments="")),
    PartDelta(index=1, text='{"a":1}'),
    PartStop(index=1),
    ChoiceStop(stop="tool_calls"),
    UsageReport(usage=USAGE),
    ReplyEnd(),
)
FAULTS = {
    "anthropic_messages": b'event: error\ndata: {"type":"error","error":'
    b'{"type":"overloaded_error","message":"broken"}}\n\n',
    "bedrock_converse": frame("throttlingException", {"message": "broken"}, "exception"),
    "gemini": b'data: {"error":{"code":429,"message":"broken","status":"RESOURCE_EXHAUSTED"}}\n\n',
    "openai_chat": b'data: {"error":{"message":"broken","type":"rate_limit_error","code":"rate_limit_exceeded"}}\n\n',
    "openai_responses": b'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"broken",'
    b'"param":null,"sequence_number":3}\n\n',
}
"""As each provider sends them; Cohere has no event for them."""
STATUSES = {"anthropic_messages": 529}
PAIRS = [(one, other) for one in FAMILIES for other in FAMILIES]


def written(name: str, events: Sequence[StreamEvent] = EVENTS) -> bytes:
    """What a provider of the dialect sends."""
    return FAMILIES[name].chat.stream_writer(ASKED).write(events)


STREAMS = {name: written(name) for name in FAMILIES}
BEGUN = {name: written(name, EVENTS[:3]) for name in FAMILIES}


def relay_of(source: str, target: str) -> Relay:
    """From a provider of one dialect to a caller of another."""
    theirs, ours = FAMILIES[source], FAMILIES[target]
    if theirs is ours:
        return PassRelay(theirs, withhold=False, decoder=None)
    reader, writer = theirs.chat.stream_reader(), ours.chat.stream_writer(ASKED)
    return TranslateRelay(reader, writer, decoder=None, completing=Completing({}, 1, "id"))


class Out:
    """What left a relay, and how it ended. `refused`: nothing has left, another target may be asked."""

    def __init__(self, relay: Relay, *pieces: bytes) -> None:
        self.sent: list[bytes] = []
        self.refused: UpstreamError | None = None
        self.error: UpstreamError | None = None
        held = list(pieces)
        cut: UpstreamError | None = None
        try:
            while held and not relay.prelude(held.pop(0)):
                pass
        except UpstreamError as error:
            self.refused = error
            return
        try:
            relay.begin(self.sent.append)
            for piece in held:
                relay.feed(piece)
        except UpstreamError as error:
            cut = error
        error = relay.finish(cut)
        assert error is None or isinstance(error, UpstreamError)
        self.error, self.seen = error, relay.seen_fault

    @property
    def bytes(self) -> bytes:
        return b"".join(self.sent)


def are_whole(dialect: Dialect, sent: list[bytes]) -> bool:
    """Whether every piece ends at the border of an event."""
    for piece in sent:
        splitter = dialect.framing.splitter()
        splitter.feed(piece)
        if splitter.held:
            return False
    return True


def said(name: str, data: bytes) -> object:
    """What a caller of the dialect reads, but for usage."""
    reader = FAMILIES[name].chat.stream_reader()
    choices = assemble.assemble([*reader.feed(data), *reader.close()]).reply.choices
    return [(one.parts, one.stop) for one in choices]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_cut_at_every_byte(source: str, target: str) -> None:
    """However a stream arrives it is the same; wherever it ends too early the caller is told, and never gets half an
    event."""
    data = STREAMS[source]
    expected = Out(relay_of(source, target), data)
    assert expected.error is None and expected.refused is None and b"Hi you" in expected.bytes
    if source == target:
        assert expected.bytes == data
    step = 1 if source == target else 23  # a reader that is cut anywhere has tests of its own
    for at in range(1, len(data), step):
        out = Out(relay_of(source, target), data[:at], data[at:])
        assert out.bytes == expected.bytes and out.error is None, at
        assert are_whole(FAMILIES[target], out.sent), at
        short = Out(relay_of(source, target), data[:at])
        told = short.refused or short.error
        if told is None:  # the model had stopped: at most the usage, or the border of the last event, is missing
            assert said(target, short.bytes) == said(target, expected.bytes), at
            if source == target:
                short.sent.pop()
        assert are_whole(FAMILIES[target], short.sent), at


@pytest.mark.parametrize(("source", "target"), [(one, other) for one, other in PAIRS if one in FAULTS])
def test_an_error_inside(source: str, target: str) -> None:
    """Before content it leads on; after it the caller has it once, in its own dialect."""
    fault = FAULTS[source]
    for at in range(len(fault)):
        out = Out(relay_of(source, target), fault[:at], fault[at:])
        assert out.refused is not None and out.refused.status == STATUSES.get(source, 429), at
        assert out.sent == []
    out = Out(relay_of(source, target), BEGUN[source], fault)
    assert out.error is None and out.seen is not None and out.seen.status == STATUSES.get(source, 429)
    assert out.bytes.count(b"broken") == 1


@pytest.mark.parametrize("target", FAMILIES)
def test_a_frame_whose_sum_is_wrong(target: str) -> None:
    """Whichever byte it is of the last frame: what came before it stands, and the caller is told."""
    source = "bedrock_converse"
    last = frame("messageStop", {"stopReason": "end_turn"})
    for at in range(0, len(last), 3):
        wounded = bytearray(last)
        wounded[at] ^= 0x10
        out = Out(relay_of(source, target), BEGUN[source], bytes(wounded))
        assert b"Hi you" in out.bytes, at
        assert out.error is not None or (out.seen is not None and b"checksum" in out.bytes), at
        try:
            assert are_whole(FAMILIES[target], out.sent), at
        except FramingError:
            pytest.fail(f"a frame that is wrong went on: {at}")


def test_a_family_has_its_fault_here() -> None:
    """But for the one that has no event for it."""
    assert {*FAMILIES} - {*FAULTS} == {"cohere"}
    assert isinstance(
        FAMILIES["cohere"].chat.stream_reader().feed(b'data: {"message":"broken"}\n\n')[-1], StreamFault
    )
