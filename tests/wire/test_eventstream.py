"""AWS event streams: known messages, every type of header, any cut, whole messages only, and what is refused."""

from __future__ import annotations

import struct
from itertools import accumulate, combinations, pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.wire import eventstream
from asbru.wire.eventstream import (
    BYTES,
    FALSE,
    HEADERS_BYTES_MAX,
    INT8,
    INT16,
    INT32,
    INT64,
    PAYLOAD_BYTES_MAX,
    STRING,
    TIMESTAMP,
    TRUE,
    UUID,
    EventStreamError,
    Header,
    Message,
    MessageReader,
    MessageSplitter,
    begins_message,
    write_message,
)

FOO = b"{'foo':'bar'}"
KNOWN = {
    "00000010 00000000 05c248eb 7d98c8ff": Message((), b""),
    "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936": Message((), FOO),
    "0000002b 0000000e 348bec7b 086576656e742d6964040000a00c 7b27666f6f273a27626172277d d3890285": Message(
        (Header("event-id", 40972, INT32),), FOO
    ),
    "0000003d 00000020 07fd8396 0c636f6e74656e742d74797065070010 6170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d 8d9c08b1": Message((Header("content-type", "application/json"),), FOO),
}
"""The messages that the AWS SDKs are tested with."""
BROKEN = {
    "0000003d 00000020 07fd8396 0c636f6e74656e742b74797065070010 6170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d 8d9c08b1": "headers",
    "0000003d 00000120 07fd8396 0c636f6e74656e742d74797065070010 6170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d 8d9c08b1": "headers length",
    "0100001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936": "total length",
    "0000001d 00000000 fd528c5a 7b27666f6f273a27626172278d c3653936": "payload",
}
ALL_TYPES = (
    Header("true", True, TRUE),
    Header("false", False, FALSE),
    Header("int8", -128, INT8),
    Header("int16", -2, INT16),
    Header("int32", 1 << 30, INT32),
    Header("int64", -(1 << 63), INT64),
    Header("bytes", b"\0\xff", BYTES),
    Header("string", "Ásbrú", STRING),
    Header("time", 1_700_000_000_123, TIMESTAMP),
    Header("uuid", bytes(range(16)), UUID),
)


def framed(headers: bytes, payload: bytes = b"", total: int | None = None) -> bytes:
    """A message of raw headers, both sums right whatever the lengths say."""
    size = 16 + len(headers) + len(payload) if total is None else total
    lengths = struct.pack(">II", size, len(headers))
    message = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def read(data: bytes, cuts: tuple[int, ...] = ()) -> list[Message]:
    """The messages of `data`, fed in the pieces that `cuts` make."""
    reader = MessageReader()
    return [one for start, end in pairwise((0, *cuts, len(data))) for one in reader.feed(data[start:end])]


@pytest.mark.parametrize("text", KNOWN)
def test_known_messages_both_ways(text: str) -> None:
    """What AWS's own vectors hold is read from them, and written to the same bytes."""
    data, message = bytes.fromhex(text), KNOWN[text]
    assert read(data) == [message]
    assert write_message(message.headers, message.payload) == data


@pytest.mark.parametrize("text", BROKEN)
def test_known_corruptions_are_refused(text: str) -> None:
    """AWS's corrupted vectors: whichever part is wrong, one of the sums tells."""
    with pytest.raises(EventStreamError, match="checksum"):
        read(bytes.fromhex(text))


def test_every_type_of_header() -> None:
    """All ten come back as they were written, and are found by name."""
    message = read(write_message(ALL_TYPES, b"p"))[0]
    assert message == Message(ALL_TYPES, b"p")
    assert [message.header(header.name) for header in ALL_TYPES] == [header.value for header in ALL_TYPES]
    assert message.header("other") is None


names = st.text(min_size=1, max_size=20)
headers = st.one_of(
    st.builds(lambda name, value: Header(name, value, TRUE if value else FALSE), names, st.booleans()),
    st.builds(lambda name, value: Header(name, value, INT8), names, st.integers(-(1 << 7), (1 << 7) - 1)),
    st.builds(lambda name, value: Header(name, value, INT16), names, st.integers(-(1 << 15), (1 << 15) - 1)),
    st.builds(lambda name, value: Header(name, value, INT32), names, st.integers(-(1 << 31), (1 << 31) - 1)),
    st.builds(lambda name, value: Header(name, value, INT64), names, st.integers(-(1 << 63), (1 << 63) - 1)),
    st.builds(lambda name, value: Header(name, value, TIMESTAMP), names, st.integers(-(1 << 63), (1 << 63) - 1)),
    st.builds(lambda name, value: Header(name, value, BYTES), names, st.binary(max_size=40)),
    st.builds(lambda name, value: Header(name, value, STRING), names, st.text(max_size=20)),
    st.builds(lambda name, value: Header(name, value, UUID), names, st.binary(min_size=16, max_size=16)),
)
messages = st.lists(st.builds(Message, st.lists(headers, max_size=4).map(tuple), st.binary(max_size=60)), max_size=4)


@given(messages, st.sets(st.integers(0, 400), max_size=6))
def test_any_messages_come_back_however_cut(sent: list[Message], cuts: set[int]) -> None:
    """Written, cut anywhere and read they are the same messages, and nothing is left over."""
    data = b"".join(write_message(one.headers, one.payload) for one in sent)
    assert read(data, tuple(sorted(cut for cut in cuts if cut <= len(data)))) == sent


MESSAGES = (write_message(ALL_TYPES[7:8], b"1"), write_message((), b""), write_message(ALL_TYPES[:1], b"three" * 9))
STREAM = b"".join(MESSAGES)
BORDERS = (0, *accumulate(map(len, MESSAGES)))


def test_what_is_forwarded_is_always_whole() -> None:
    """Whatever the pair of cuts, each piece that is passed on ends at a border, nothing is lost, and all is known."""
    for cuts in combinations(range(len(STREAM) + 1), 2):
        splitter = MessageSplitter()
        pieces = splitter.pieces
        sent = 0
        for start, end in pairwise((0, *cuts, len(STREAM))):
            sent += len(splitter.feed(STREAM[start:end]))
            assert sent == max(border for border in BORDERS if border <= end), cuts
            assert sent + len(splitter.held) == end and splitter.pieces is pieces
        assert not pieces


def test_byte_by_byte() -> None:
    """The worst network there is changes nothing, and what is left of a cut stream is told."""
    assert read(STREAM, tuple(range(1, len(STREAM)))) == read(STREAM)
    reader = MessageReader()
    reader.feed(STREAM[:-1])
    assert reader.close() == MESSAGES[2][:-1]
    reader.feed(STREAM[-1:])
    assert reader.close() == b""


WRONG = {
    "shorter than its frame": framed(b"", total=15),
    "headers longer than it": framed(b"x" * 20, total=30),
    "payload over the bound": framed(b"", total=16 + PAYLOAD_BYTES_MAX + 1),
    "headers over the bound": framed(bytes(HEADERS_BYTES_MAX + 1)),
    "unknown type": framed(b"\x01a\x0a"),
    "name past the end": framed(b"\x09a\x00"),
    "no type": framed(b"\x01a"),
    "value past the end": framed(b"\x01a\x07\x00\x05abc"),
    "half a number": framed(b"\x01a\x04\x00"),
    "half a uuid": framed(b"\x01a\x09" + bytes(15)),
    "half a length": framed(b"\x01a\x06\x00"),
    "name not UTF-8": framed(b"\x01\xff\x00"),
    "value not UTF-8": framed(b"\x01a\x07\x00\x01\xff"),
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused(data: bytes) -> None:
    """Lengths out of bounds and headers that are none, although the sums are right."""
    with pytest.raises(EventStreamError):
        read(data + STREAM)


def test_a_wrong_message_does_not_take_those_before_it() -> None:
    """However the bytes arrive, what came before the fault is given out first; then it raises, whatever follows."""
    wrong = STREAM[:-1] + b"x"
    for cut in range(len(wrong)):
        splitter = MessageSplitter()
        sent: list[bytes] = []
        with pytest.raises(EventStreamError, match="checksum"):
            sent.extend(splitter.feed(piece) for piece in (wrong[:cut], wrong[cut:], STREAM))
        assert b"".join(sent) == b"".join(MESSAGES[:2]), cut


@given(st.binary(max_size=80), st.integers(1, 9))
def test_garbage_is_messages_or_an_error(data: bytes, size: int) -> None:
    """No bytes raise anything else."""
    reader = MessageReader()
    try:
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
    except EventStreamError:
        return
    reader.close()


@given(st.binary(max_size=60))
def test_headers_of_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Also where the sums vouch for them."""
    try:
        message = read(framed(data, b"payload"))[0]
    except EventStreamError:
        return
    assert message.payload == b"payload"


@pytest.mark.parametrize(
    "header",
    [
        Header("", "x"),
        Header("n" * 256, "x"),
        Header("a", "x" * 0x8000),
        Header("a", b"x" * 0x8000, BYTES),
        Header("a", 128, INT8),
        Header("a", True, INT8),
        Header("a", False, TRUE),
        Header("a", "1", INT32),
        Header("a", 1, STRING),
        Header("a", "text", BYTES),
        Header("a", b"15 bytes are not", UUID),
        Header("a", b"short", UUID),
        Header("a", "x", 10),
    ],
)
def test_what_no_message_carries_is_not_written(header: Header) -> None:
    """A value that its type cannot hold, or one over its bound."""
    if header.value == b"15 bytes are not":  # it has 16, and is fine
        assert read(write_message([header], b""))[0].headers == (header,)
        return
    with pytest.raises(EventStreamError):
        write_message([header], b"")


def test_bounds_hold_for_what_is_written() -> None:
    """Headers and payload have a bound of their own, and at it they are read back."""
    largest = [Header("n" * 252, "x" * 0x7F00)] * 4
    assert read(write_message(largest, bytes(PAYLOAD_BYTES_MAX)))[0].headers == tuple(largest)
    with pytest.raises(EventStreamError, match="too large"):
        write_message([*largest, *largest[:1]], b"")
    with pytest.raises(EventStreamError, match="too large"):
        write_message([], bytes(PAYLOAD_BYTES_MAX + 1))


def test_the_beginning_of_a_stream_is_known() -> None:
    """At any cut; what begins as JSON, an event stream of the other kind or nonsense is not one."""
    assert all(begins_message(STREAM[:size]) for size in range(1, len(STREAM) + 1))
    for other in (b"{", b'{"message":"x"}', b"data: 1\n\n", b"event", b"\x02", bytes(12), STREAM[:8] + b"\0\0\0\0"):
        assert not begins_message(other), other


def test_a_huge_message_costs_no_more_than_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small its pieces: the sums are made once, and the lengths looked at twice."""
    summed = [0]

    def counting(data: bytes | memoryview) -> int:
        summed[0] += len(data)
        return crc32(data)

    data = write_message((), bytes(200_000))
    monkeypatch.setattr(eventstream, "crc32", counting)
    splitter = MessageSplitter()
    assert b"".join(splitter.feed(data[at : at + 100]) for at in range(0, len(data), 100)) == data
    assert summed[0] <= len(data) + 32
