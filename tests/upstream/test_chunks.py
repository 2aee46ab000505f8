"""Whole chunks: a read is taken for one only if the parser would take it for one, and cuts change nothing."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.wounds import wounds
from tests.upstream.test_connection import Line, outcome

from asbru.core.errors import UpstreamError
from asbru.upstream.chunks import WHOLE_BYTES_MAX, chunk_head, is_chunked, is_whole

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk as providers frame it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_every_length_knows_its_head() -> None:
    """The head of a chunk follows from the length of all of it."""
    for size in range(1, WHOLE_BYTES_MAX):
        whole = chunk(b"x" * size)
        if len(whole) <= WHOLE_BYTES_MAX:
            assert whole.startswith(chunk_head(len(whole)))
            assert len(chunk_head(len(whole))) == len(whole) - size - 2


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 21, 262, WHOLE_BYTES_MAX + 1, 10**6])
def test_lengths_that_no_chunk_has(size: int) -> None:
    """The last chunk, lengths between two numbers of digits, and what is too long to bother."""
    assert chunk_head(size) == b""


NOT_WHOLE = {
    "the last": LAST,
    "cut in the data": b"5\r\nabc",
    "cut in the head": b"5",
    "cut before the end": b"3\r\nabc\r",
    "no end": b"3\r\nabcde",
    "an extension": b"3;x=y\r\nabc\r\n",
    "more behind": b"3\r\nabc\r\n4",
    "one and the last": b"3\r\nabc\r\n0\r\n\r\n",
    "below zero": b"-3\r\nabc\r\n",
    "no number": b"xyz\r\nabc\r\n",
    "empty head": b"\r\nabc\r\n",
    "a long head": b"0000000000003\r\nabc\r\n",
}


@pytest.mark.parametrize("data", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_what_does_not_end_between_chunks(data: bytes) -> None:
    """Anything but whole chunks leaves the parser within one."""
    assert not is_whole(data)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=4))
def test_whole_chunks_end_between_chunks(datas: list[bytes]) -> None:
    """Any number of them, also none."""
    data = b"".join(map(chunk, datas))
    assert is_whole(data) and is_whole(b"head" + data, 4)


HEADS = {
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked": True,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding:  Chunked \r\na: b": True,
    b"HTTP/1.1 200 OK\r\ncontent-length: 3": False,
    b"HTTP/1.1 200 OK\r\nx: transfer-encoding: chunked": False,
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked": False,
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\na: b\r\ntransfer-encoding: gzip": False,
    b"transfer-encoding: chunked": False,
}


@pytest.mark.parametrize("head", HEADS)
def test_only_plain_words_count(head: bytes) -> None:
    """What two readers may take in two ways is left to the parser."""
    assert is_chunked(head) is HEADS[head]


class Collected:
    """A stream's reader that takes chunks as they are framed, where it can."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.framed = 0

    def take(self, data: bytes) -> None:
        """Bytes."""
        self.data.append(data)

    def take_chunk(self, framed: bytes, begin: int) -> None:
        """A chunk: one that the parser agrees on."""
        self.framed += 1
        assert framed == chunk(framed[begin:-2])
        self.data.append(framed[begin:-2])


def streamed(reads: list[bytes], *, chunks: bool = True) -> tuple[Collected, object, Line]:
    """An answer in these reads, pumped from the second on."""
    line = Line(streaming=True)
    line.feed(reads[0])
    got = Collected()
    ended: Any = line.exchange.pump(got.take, 0.0, got.take_chunk if chunks else None)
    line.feed(*reads[1:])
    return got, "end" if ended.done and outcome(ended) is None else outcome(ended), line


def test_chunks_that_come_alone_are_handed_on_as_they_are() -> None:
    """Each in a read of its own: none goes through the parser, and the connection can be used again."""
    datas = [b"data: %d\n\n" % number for number in range(20)]
    got, end, line = streamed([HEAD, *map(chunk, datas), LAST])
    assert (got.data, got.framed, end) == (datas, 20, "end")
    assert line.pool.idle_connections == 1
    line.exchange = line.send()
    line.feed(HEAD + chunk(b"again") + LAST)
    assert line.exchange.over


def test_after_a_cut_chunk_the_parser_has_the_rest() -> None:
    """Half a chunk is nobody's whole one; what follows is read by the parser."""
    whole = chunk(b"data: 1\n\n")
    got, end, _ = streamed([HEAD, whole, whole[:5], whole[5:], whole, LAST])
    assert (b"".join(got.data), got.framed, end) == (b"data: 1\n\n" * 3, 1, "end")


def test_chunks_in_one_read_do_not_end_it() -> None:
    """Two at once go through the parser; the next alone is handed on again."""
    whole = chunk(b"data: 1\n\n")
    got, end, _ = streamed([HEAD + whole, whole, whole + whole, whole, LAST])
    assert (b"".join(got.data), got.framed, end) == (b"data: 1\n\n" * 5, 2, "end")


@pytest.mark.parametrize(
    "head", [HEAD.replace(b"transfer-encoding: chunked\r\n", b""), HEAD.replace(b"ing: ch", b"ing: x, ch")]
)
def test_what_only_looks_like_a_chunk_is_data(head: bytes) -> None:
    """An answer that ends with its connection may hold such bytes; they are the caller's."""
    whole = chunk(b"data: 1\n\n")
    got, _, _ = streamed([head, whole, whole])
    assert got.framed == 0


def test_who_takes_no_chunks_gets_bytes() -> None:
    """A relay that reads its events."""
    whole = chunk(b"data: 1\n\n")
    got, end, _ = streamed([HEAD, whole, whole, LAST], chunks=False)
    assert (got.data, got.framed, end) == ([b"data: 1\n\n"] * 2, 0, "end")


pieces = st.lists(
    st.binary(min_size=1, max_size=40) | st.sampled_from([b"1\r\na\r\n", b"\r\n", b"0", b"x" * 300]), max_size=6
)


@given(pieces, st.data())
def test_no_cut_changes_what_arrives(datas: list[bytes], data: st.DataObject) -> None:
    """However the bytes are cut into reads, the data and the end are those that the parser alone would see."""
    wire = HEAD + b"".join(map(chunk, datas)) + LAST
    cuts = sorted(data.draw(st.lists(st.integers(1, len(wire) - 1), max_size=6, unique=True)))
    borders = [len(HEAD)]
    for one in datas:
        borders.append(borders[-1] + len(chunk(one)))
    if data.draw(st.booleans()):
        cuts = sorted({*cuts, *borders})
    reads = [wire[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    got, end, _ = streamed(reads)
    assert (b"".join(got.data), end) == (b"".join(datas), "end")


@pytest.mark.parametrize("size", [5, 21, 262, WHOLE_BYTES_MAX + 9])
@pytest.mark.parametrize("first", [b"\n", b"\r", b"d", b""])
def test_bytes_of_such_a_length_are_the_parsers(size: int, first: bytes) -> None:
    """Whatever they begin with, and though they end as a chunk does: nothing unframed ever reaches a caller."""
    data = (first + b"x" * size)[: size - 2] + b"\r\n"
    got, end, _ = streamed([HEAD, chunk(b"data: 1\n\n"), data])
    assert got.data == [b"data: 1\n\n"]
    assert isinstance(end, UpstreamError) and end.kind == "protocol"


@given(st.binary(max_size=30), st.integers(0, 20), st.binary(max_size=4))
def test_what_is_taken_is_what_the_parser_takes(data: bytes, at: int, put: bytes) -> None:
    """A wounded chunk is never taken for a whole one that the parser would refuse, or read otherwise."""
    wire = chunk(data or b"x")
    wire = wire[:at] + put + wire[at + len(put) :]
    begin = len(chunk_head(len(wire)))
    if wire.startswith(chunk_head(len(wire))) and wire[-2:] == b"\r\n":
        bodies: list[bytes] = []

        class Seen:
            """The parser's callbacks."""

            on_body = staticmethod(bodies.append)

        httptools.HttpResponseParser(Seen()).feed_data(HEAD + wire)
        assert b"".join(bodies) == wire[begin:-2]


WOUNDS = (b"", b"\r\n", b"\r", b"\n", b"0", b"2", b"f", b";", b" ", b"-", b"0\r\n\r\n")


@pytest.mark.parametrize("new", WOUNDS)
def test_wounded_chunks_fare_the_same_with_and_without_the_parser(new: bytes) -> None:
    """Wherever up to three bytes are missing or others stand: the same data, and the same end of it."""
    good = chunk(b"data: 1234567\n\n")
    for data in wounds(good, new):
        reads = [HEAD, good, data, good, LAST]
        (past, past_end, _), (through, through_end, _) = streamed(reads), streamed(reads, chunks=False)
        assert b"".join(past.data) == b"".join(through.data), data
        assert str(past_end) == str(through_end), data
