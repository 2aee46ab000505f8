"""Relays with every cut of short streams in both dialects: never half an event, and one end whatever the cut."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from asbru.core.errors import UpstreamError
from asbru.dialects import Dialect
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.pipeline.completing import Completing
from asbru.pipeline.streaming import PRELUDE_BYTES_MAX, PassRelay, Relay
from asbru.pipeline.translating import TranslateRelay
from asbru.wire.content_coding import decoder
from asbru.wire.sse import EventSplitter

CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'  # noqa: E501 -- one event
USAGE_CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)
CHAT = (
    CHUNK % (b'{"role":"assistant","content":""}', b"null")
    + CHUNK % (b'{"content":"Hi"}', b"null")
    + CHUNK % (b"{}", b'"stop"')
    + USAGE_CHUNK
    + b"data: [DONE]\n\n"
)
MESSAGES = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    b'"model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":'
    b'{"type":"text","text":""}}\n\n'
    b'event: ping\ndata: {"type":"ping"}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"text_delta","text":"Hi"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":2}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
STREAMS: dict[str, tuple[Dialect, Dialect, bytes]] = {
    "openai": (OPENAI, ANTHROPIC, CHAT),
    "anthropic": (ANTHROPIC, OPENAI, MESSAGES),
}
_FINISHED = CHAT.index(USAGE_CHUNK)
CLEAN_ENDS = {
    "openai": (*range(_FINISHED - 2, _FINISHED + 1), *range(len(CHAT) - 16, len(CHAT) - 13)),
    "anthropic": (),
}
"""Where a connection that ends cleanly leaves a whole stream: every choice finished, and no event half sent."""

FAULTS = {
    "openai": b'data: {"error":{"message":"broken","type":"server_error","code":"x"}}\n\n',
    "anthropic": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"broken"}}\n\n',
}
BOTH = pytest.mark.parametrize("name", STREAMS)
Make = Callable[[], Relay]


def passing(name: str, *, withhold: bool = False) -> Relay:
    """A relay of a dialect to itself."""
    return PassRelay(STREAMS[name][0], withhold=withhold, decoder=None)


def translating(name: str) -> Relay:
    """A relay of a dialect to the other."""
    source, other, _ = STREAMS[name]
    body = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"q"}],"stream":true}'
    return TranslateRelay(
        source.chat.stream_reader(),
        other.chat.stream_writer(other.chat.read_request(body)),
        decoder=None,
        completing=Completing({}, 1, "id"),
    )


class Out:
    """What left a relay, and how it ended."""

    def __init__(self, relay: Relay, pieces: list[bytes], cut: UpstreamError | None = None) -> None:
        self.sent: list[bytes] = []
        self.relay = relay
        held = list(pieces)
        while held and not relay.prelude(held.pop(0)):
            pass
        relay.begin(self.sent.append)
        for piece in held:
            relay.feed(piece)
        self.error = relay.finish(cut)

    @property
    def bytes(self) -> bytes:
        return b"".join(self.sent)


def whole_events(sent: list[bytes]) -> bool:
    """Whether every piece ends at an event border."""
    for piece in sent:
        splitter = EventSplitter()
        splitter.feed(piece)
        if splitter.held:
            return False
    return True


@BOTH
def test_passed_bytes_are_the_bytes_at_any_cut(name: str) -> None:
    """Cut at every byte and byte by byte: the same bytes, whole events only, complete, with the provider's usage."""
    data = STREAMS[name][2]
    pieces = [[data[:cut], data[cut:]] for cut in range(1, len(data))]
    for cut in (*pieces, [data], [data[at : at + 1] for at in range(len(data))]):
        out = Out(passing(name), cut)
        assert out.bytes == data and whole_events(out.sent) and out.error is None
        usage = out.relay.usage
        assert usage is not None and (usage.input_total, usage.output_total) == (3, 2)


@BOTH
def test_translated_bytes_are_the_same_at_any_cut(name: str) -> None:
    """The other dialect's events, whatever the cut; each piece whole."""
    data = STREAMS[name][2]
    expected = Out(translating(name), [data])
    assert expected.error is None and b"Hi" in expected.bytes
    for cut in range(1, len(data)):
        out = Out(translating(name), [data[:cut], data[cut:]])
        assert out.bytes == expected.bytes and whole_events(out.sent) and out.error is None, cut
        assert out.relay.usage == expected.relay.usage is not None


@BOTH
@pytest.mark.parametrize("make", [passing, translating])
def test_a_stream_cut_short_is_told_at_any_byte(name: str, make: Callable[[str], Relay]) -> None:
    """Unless the dialect's own end was seen, the caller must still be told; half an event never leaves."""
    data = STREAMS[name][2]
    cut = UpstreamError("cut", kind="cut")
    clean = CLEAN_ENDS[name]
    for end in range(1, len(data)):
        for error in (None, cut):
            out = Out(make(name), [data[:end]], error)
            if end >= len(data) - 2:
                assert out.error is None, end
                continue
            if clean and end >= clean[0] and error is None:
                assert out.error is None or end not in clean, end
                continue  # half an event after the finish reason, at a clean end: the relays differ, neither sends it
            assert out.error is not None and out.error.kind == "cut"
            assert error is None or out.error is error
            assert whole_events(out.sent) and b"[DONE]" not in out.bytes and b"message_stop" not in out.bytes


@BOTH
@pytest.mark.parametrize("make", [passing, translating])
def test_a_fault_before_any_content_is_an_error(name: str, make: Callable[[str], Relay]) -> None:
    """It leads to a retry or a fallback: nothing has left yet."""
    for at in range(len(FAULTS[name])):
        relay = make(name)
        with pytest.raises(UpstreamError, match="broken") as raised:
            relay.prelude(FAULTS[name][:at])
            relay.prelude(FAULTS[name][at:])
        assert raised.value.kind == "fault"


@BOTH
@pytest.mark.parametrize("make", [passing, translating])
def test_a_fault_after_content_reaches_the_caller_once(name: str, make: Callable[[str], Relay]) -> None:
    """As an event of the caller's dialect; the relay remembers it for the record and asks for no second one."""
    data = STREAMS[name][2]
    first = data[: data.index(b"\n\n", data.index(b"Hi")) + 2]
    out = Out(make(name), [first, FAULTS[name]])
    assert out.error is None and out.relay.seen_fault is not None
    assert out.bytes.count(b"broken") == 1


@BOTH
@pytest.mark.parametrize("make", [passing, translating])
def test_what_comes_after_the_end_changes_nothing(name: str, make: Callable[[str], Relay]) -> None:
    """A connection that is reset after the dialect's own end is no cut."""
    out = Out(make(name), [STREAMS[name][2]], UpstreamError("reset", kind="cut"))
    assert out.error is None


def test_withheld_usage_is_read_and_not_sent() -> None:
    """The chunk that Asbru asked for is taken out at any cut; all other bytes are as they came."""
    for cut in range(1, len(CHAT)):
        out = Out(passing("openai", withhold=True), [CHAT[:cut], CHAT[cut:]])
        assert out.bytes == CHAT.replace(USAGE_CHUNK, b""), cut
        assert out.relay.usage is not None and out.relay.usage.total == 5


def test_the_prelude_holds_until_content() -> None:
    """Names and roles are not content, text is; a prelude without end counts as begun."""
    relay = passing("openai")
    assert not relay.prelude(CHUNK % (b'{"role":"assistant","content":""}', b"null"))
    assert relay.prelude(CHUNK % (b'{"content":"Hi"}', b"null"))
    endless = passing("openai")
    comment = b": " + b"x" * (PRELUDE_BYTES_MAX // 4) + b"\n\n"
    assert [endless.prelude(comment) for _ in range(5)] == [False, False, False, True, True]


class Mirror:
    """A coding of its own: every byte but line feeds is one more."""

    complete = True

    def feed(self, data: bytes) -> bytes:
        return bytes(byte if byte == 10 else byte - 1 for byte in data)


@BOTH
def test_coded_bytes_that_look_like_events_are_decoded(name: str) -> None:
    """A piece of a coded stream that ends with line feeds is no event yet."""
    source, _, data = STREAMS[name]
    coded = [
        bytes(byte if byte == 10 else byte + 1 for byte in event) + b"\n\n" for event in data.split(b"\n\n")[:-1]
    ]
    assert Out(PassRelay(source, withhold=False, decoder=Mirror()), coded).bytes == data


@BOTH
def test_an_encoded_stream_is_read_through_its_coding(name: str) -> None:
    """gzip, cut anywhere; garbage in it is a protocol error."""
    source, _, data = STREAMS[name]
    packed = gzip.compress(data)
    for cut in range(1, len(packed), 5):
        relay = PassRelay(source, withhold=False, decoder=decoder(b"gzip", 1 << 62))
        assert Out(relay, [packed[:cut], packed[cut:]]).bytes == data
    relay = PassRelay(source, withhold=False, decoder=decoder(b"gzip", 1 << 62))
    with pytest.raises(UpstreamError) as raised:
        relay.prelude(b"not gzip at all")
    assert raised.value.kind == "protocol"
