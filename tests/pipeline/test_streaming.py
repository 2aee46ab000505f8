"""Relays: how a stream ends for the caller, what the record hears of it, and what is kept for that."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from asbru.core.errors import UpstreamError
from asbru.core.usage import Usage
from asbru.dialects import TailFacts
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.pipeline.completing import Completing
from asbru.pipeline.streaming import _TAIL_SLACK, PRELUDE_BYTES_MAX, PassRelay, Relay
from asbru.pipeline.translating import TranslateRelay
from asbru.wire.eventstream import Header, MessageReader, write_message
from asbru.wire.framing import EVENT_STREAM

CUT = UpstreamError("the connection broke", kind="cut")


def event(**members: Any) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def delta(text: str = "", finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    return event(choices=[{"index": index, "delta": {"content": text}, "finish_reason": finish}], **more)


def named(kind: str, **members: Any) -> bytes:
    return b"event: %b\n%b" % (kind.encode(), event(type=kind, **members))


USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
KNOWN = Usage(input=10, output=5, reasoning_known=False)
HI, END, DONE = delta("Hi"), delta(finish="stop"), b"data: [DONE]\n\n"
ONLY_USAGE = event(choices=[], usage=USAGE)
ERROR = event(error={"message": "m"})


def played(relay: Relay, data: bytes, cut: UpstreamError | None, size: int = 1 << 20) -> tuple[bytes, Any]:
    """What the caller was sent of a stream that arrived in chunks, and the error still to be told."""
    sent: list[bytes] = []
    began = False
    for at in range(0, len(data), size):
        chunk = data[at : at + size]
        if began:
            relay.feed(chunk)
        elif relay.prelude(chunk):
            began = True
            relay.begin(sent.append)
    return b"".join(sent), (relay.finish(cut), b"".join(sent))


def passed(
    data: bytes, cut: UpstreamError | None = None, *, size: int = 1 << 20, choices: int = 1, dialect: Any = OPENAI
) -> tuple[PassRelay, bytes, UpstreamError | None]:
    """A stream of the same dialect: the relay, all the caller got, and the error still to be told."""
    relay = PassRelay(dialect, withhold=False, decoder=None, choices=choices)
    _, (error, sent) = played(relay, data, cut, size)
    return relay, sent, error


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("data", "cut", "whole"),
    [
        (HI + END + DONE, None, True),
        (HI + END + DONE, CUT, True),
        (HI + END, None, True),
        (HI + END, CUT, False),
        (HI + END + ONLY_USAGE, None, True),
        (HI + END + ONLY_USAGE, CUT, False),
        (HI, None, False),
        (HI, CUT, False),
        (delta("a", index=0) + delta("b", index=1) + delta(finish="stop", index=0), None, False),
        (delta("a", finish="stop") + delta("b", finish="stop", index=1), None, True),
        (delta("a", finish="stop") + delta("b", finish="stop", index=1), CUT, False),
    ],
)
def test_a_stream_is_whole_by_its_terminator_or_by_a_clean_end(
    data: bytes, cut: UpstreamError | None, whole: bool, size: int
) -> None:
    """`[DONE]` ends a stream whatever happens later; finish reasons of all choices do if the body ended cleanly."""
    _, sent, error = passed(data, cut, size=size)
    assert sent == data
    assert (error is None) is whole
    if not whole:
        assert error is not None and error.kind == "cut"


@pytest.mark.parametrize(
    ("held", "cut", "sent"),
    [
        (b"data: [DONE]", None, b"data: [DONE]"),
        (b"data: [DONE]", CUT, DONE),
        (b"data: [DONE]\n", CUT, DONE),
        (END + b": bye", None, END + b": bye"),
        (END.rstrip(), None, END.rstrip()),
    ],
)
def test_a_last_event_may_lack_its_line_ends(held: bytes, cut: UpstreamError | None, sent: bytes) -> None:
    """It goes on as it came at a clean end, and is made whole where the connection broke in its line ends."""
    _, got, error = passed(HI + held, cut)
    assert (got, error) == (HI + sent, None)


@pytest.mark.parametrize("held", [b'data: {"choi', b"dat", b"data: [DO"])
def test_a_clean_end_within_an_event_is_none(held: bytes) -> None:
    """A body that ends in the middle of an event was cut, also where the answer was finished before."""
    _, sent, error = passed(HI + END + held)
    assert sent == HI + END
    assert error is not None and error.kind == "cut"


@pytest.mark.parametrize("held", [END.rstrip(), b"data: [DON", b"data: {"])
def test_half_an_event_never_leaves(held: bytes) -> None:
    """What was cut within an event, or before its line ends without being the end, is not sent."""
    _, sent, error = passed(HI + held, CUT)
    assert (sent, error) == (HI, CUT)


@pytest.mark.parametrize("cut", [None, CUT])
def test_an_error_inside_is_told_once(cut: UpstreamError | None) -> None:
    """The provider's own error event reaches the caller, whole; nothing is added to it."""
    for data in (HI + ERROR, HI + ERROR + DONE):
        relay, sent, error = passed(data, cut)
        assert (sent, error) == (data, None)
        assert relay.seen_fault is not None
    relay, sent, error = passed(HI + ERROR.rstrip(), CUT)
    assert (sent, error) == (HI + ERROR, None)


def test_choices_that_ended_early_are_remembered() -> None:
    """With n > 1 each choice must finish, also when the first one did so long before the end."""
    long = b"".join(delta("x" * 500, index=1) for _ in range(40))
    both = delta(finish="stop") + long + delta(finish="stop", index=1)
    assert passed(both, size=600, choices=2)[2] is None
    assert passed(long + delta(finish="stop", index=1), size=600, choices=2)[2] is not None


@pytest.mark.parametrize("size", [1, 64, 1 << 20])
def test_usage_is_found_before_many_small_events(size: int) -> None:
    """The last 4 KiB are kept, however small the pieces in which they come."""
    extras = b"".join(event(choices=[], moderation={"n": n}) for n in range(60))
    relay, _, error = passed(HI + END + ONLY_USAGE + extras + DONE, size=size)
    assert (relay.usage, error) == (KNOWN, None)


def test_usage_is_found_before_a_large_event() -> None:
    """The last eight pieces are kept, however large they are."""
    relay = passed(HI + END + ONLY_USAGE + event(choices=[], extra="x" * 9000) + DONE, size=400)[0]
    assert relay.usage == KNOWN


def test_what_is_kept_is_bounded() -> None:
    """A long stream leaves a few kilobytes behind, not itself."""
    relay = passed(HI * 5000 + END + DONE, size=len(HI))[0]
    kept = sum(map(len, relay._recent))
    assert 4096 <= kept < 2 * 4096 + (_TAIL_SLACK + 2) * len(HI)


START = named("message_start", message={"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}})
BLOCK = named("content_block_start", index=0, content_block={"type": "text", "text": ""})
TEXT = named("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"})
TOLD = named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4})
STOP = named("message_stop")


@pytest.mark.parametrize(
    ("data", "cut", "usage"),
    [
        (START + BLOCK + TEXT, CUT, None),
        (START + BLOCK + TEXT + TOLD, CUT, Usage(input=3, output=4, reasoning_known=False)),
        (b": ping\n\n" + START + BLOCK + TEXT + TOLD + STOP, None, Usage(input=3, output=4, reasoning_known=False)),
    ],
)
@pytest.mark.parametrize("size", [20, 1 << 20])
def test_the_placeholder_of_message_start_is_no_usage(
    data: bytes, cut: UpstreamError | None, usage: Usage | None, size: int
) -> None:
    """An Anthropic stream tells what came out in message_delta; cut before that, its usage is unknown."""
    relay = passed(data, cut, dialect=ANTHROPIC, size=size)[0]
    translated = translate(ANTHROPIC, OPENAI)
    played(translated, data, cut, size)
    assert (relay.usage, translated.usage) == (usage, usage)


def translate(source: Any, target: Any) -> TranslateRelay:
    ask = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}], "stream": True}
    request = target.chat.read_request(json.dumps(ask).encode())
    return TranslateRelay(
        source.chat.stream_reader(),
        target.chat.stream_writer(request),
        decoder=None,
        completing=Completing({}, 1, "id"),
    )


@pytest.mark.parametrize(
    ("data", "cut", "whole"),
    [
        (HI + END + DONE, CUT, True),
        (HI + END + b"data: [DONE]", CUT, True),
        (HI + END, None, True),
        (HI + END, CUT, False),
        (HI, None, False),
    ],
)
def test_translated_streams_end_by_the_same_rules(data: bytes, cut: UpstreamError | None, whole: bool) -> None:
    """The caller of the other dialect sees an end only of a whole stream; else the error is still to be told."""
    relay = translate(OPENAI, ANTHROPIC)
    sent: list[bytes] = []
    assert relay.prelude(data)
    relay.begin(sent.append)
    error = relay.finish(cut)
    assert (error is None) is whole
    assert (b"message_stop" in b"".join(sent)) is whole


TOKENS = [write_message([Header(":event-type", kind)], data) for kind, data in (("text", b"Hi"), ("text", b"\n\n"))]
LAST = write_message([Header(":event-type", "end")], b"")


def _kinds(data: bytes) -> list[object]:
    return [message.header(":event-type") for message in MessageReader().feed(data)]


BINARY = msgspec.structs.replace(
    OPENAI,
    framing=EVENT_STREAM,
    passing=msgspec.structs.replace(
        OPENAI.passing,
        prelude=lambda data: "text" in _kinds(data),
        tail=lambda data, choices: TailFacts(usage=None, complete="end" in _kinds(data)),
    ),
)
"""A made-up dialect in AWS event streams."""


@pytest.mark.parametrize("chunked", [False, True])
def test_a_binary_framing_is_forwarded_by_whole_messages(chunked: bool) -> None:
    """The relay knows no framing: messages cut anywhere leave it whole, also where HTTP frames them as chunks."""
    data = b"".join((*TOKENS, LAST))
    first = len(TOKENS[0])
    borders = {first, first + len(TOKENS[1]), len(data)}
    for start, cut in ((one, two) for one in (first, first + 3) for two in range(one + 1, len(data))):
        relay = PassRelay(BINARY, withhold=False, decoder=None)
        sent: list[bytes] = []
        take = relay.pass_chunks(lambda chunk, begin, to=sent: to.append(chunk[begin:-2]))
        assert take is not None and relay.prelude(data[:start])
        relay.begin(sent.append)
        for piece in (data[start:cut], data[cut:]):
            take(b"%04x\r\n%b\r\n" % (len(piece), piece), 6) if chunked else relay.feed(piece)
            assert len(b"".join(sent)) in borders, cut
        assert (b"".join(sent), relay.finish(CUT)) == (data, None), cut


def test_a_message_cut_short_or_corrupt_never_leaves() -> None:
    """What is left of a message cannot be closed, and one whose sum is wrong is a protocol error."""
    for cut in (None, CUT):
        relay = PassRelay(BINARY, withhold=False, decoder=None)
        _, (error, sent) = played(relay, TOKENS[0] + LAST[:-1], cut)
        assert sent == TOKENS[0] and error is not None and error.kind == "cut"
    relay = PassRelay(BINARY, withhold=False, decoder=None)
    assert relay.prelude(TOKENS[0])
    relay.begin(lambda data: None)
    with pytest.raises(UpstreamError, match="checksum") as raised:
        relay.feed(LAST[:-1] + b"x")
    assert raised.value.kind == "protocol"


BAD = b'data: {"choices": [\n\n'


def test_a_malformed_event_ends_a_passed_stream() -> None:
    """What came before it in its piece is sent, it and the rest are not, and the error is still to be told."""
    sent: list[bytes] = []
    relay = PassRelay(OPENAI, withhold=False, decoder=None)
    assert relay.prelude(HI)
    relay.begin(sent.append)
    relay.feed(HI)
    with pytest.raises(UpstreamError) as caught:
        relay.feed(HI + BAD)
    assert relay.finish(caught.value) is caught.value is relay.seen_fault
    assert b"".join(sent) == HI * 3


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
def test_a_malformed_event_among_others_is_told_at_the_end(dialect: Any) -> None:
    """One that hides in a piece which ends well has gone along; the end of the stream tells it all the same."""
    start, stop = (
        (HI, END + DONE)
        if dialect is OPENAI
        else (
            named("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"}),
            named("message_stop"),
        )
    )
    relay = PassRelay(dialect, withhold=False, decoder=None)
    assert relay.prelude(start)
    relay.begin(lambda data: None)
    relay.feed(BAD + start)
    relay.feed(stop)
    error = relay.finish(None)
    assert error is not None and error is relay.seen_fault and error.code == "upstream_protocol"


def test_a_malformed_event_beside_the_first_content() -> None:
    """While nothing was sent it is an error like any other, also behind the first content."""
    relay = PassRelay(OPENAI, withhold=False, decoder=None)
    with pytest.raises(UpstreamError):
        relay.prelude(HI + BAD)


def test_so_many_bytes_without_content_begin_a_translated_stream() -> None:
    """What is held while nothing is said is bounded; then the stream counts as begun."""
    relay = translate(OPENAI, ANTHROPIC)
    choice = {"index": 0, "delta": {"role": "assistant", "content": ""}}
    quiet = (
        b"data: %b\n\n" % json.dumps({"id": "c", "choices": [choice], "pad": "x" * (PRELUDE_BYTES_MAX // 4)}).encode()
    )
    assert [relay.prelude(quiet) for _ in range(4)] == [False, False, False, True]


def test_keep_alives_begin_a_translated_stream() -> None:
    """The provider's second keep-alive before any content reaches the caller, and those after it; a ping that every
    stream of its dialect begins with does not."""
    out: list[bytes] = []
    relay = translate(OPENAI, ANTHROPIC)
    assert not relay.prelude(b": first\n\n")
    assert relay.prelude(b": second\n\n")
    relay.begin(out.append)
    relay.feed(b": third\n\n")
    assert b"".join(out).count(b"event: ping\n") == 3
    start = {"type": "message_start", "message": {"id": "m", "model": "m", "content": [], "usage": {}}}
    data = b"event: message_start\ndata: %b\n\n" % json.dumps(start).encode()
    relay = translate(ANTHROPIC, OPENAI)
    assert not relay.prelude(data)
    assert not relay.prelude(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert relay.prelude(b'event: ping\ndata: {"type":"ping"}\n\n')
