"""Server-sent events: the grammar, any cut, whole events only, and the limit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.wire.sse import (
    COMMENT,
    EventSplitter,
    SseEvent,
    SseReader,
    SseTooLarge,
    begins_event,
    close_event,
    read_block,
    write_event,
)


def read(*pieces: bytes) -> list[tuple[str, bytes]]:
    reader = SseReader()
    return [(one.event, one.data) for piece in pieces for one in reader.feed(piece)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data:a\n\n", [("", b"a")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"event: e\ndata: a\n\n", [("e", b"a")]),
        (b"data: a\nevent: e\nid: 5\nretry: 9\n\n", [("e", b"a")]),
        (b": comment\n\ndata: a\n\n", [("", b"a")]),
        (b"event: e\n\n", []),
        (b"data\n\n", [("", b"")]),
        (b"data: a\n\n\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"data: a\n", []),
        (b"", []),
    ],
)
def test_the_grammar(data: bytes, expected: list[tuple[str, bytes]]) -> None:
    """Events are read as the HTML standard says: line ends of three kinds, comments, joined data lines."""
    assert read(data) == expected


PIECES = st.sampled_from([b"data: a", b"\n", b"\n\n", b"\r\n", b"\r", b": x", b"event: e", b"data", b"\xff"])


@given(st.lists(PIECES, max_size=14).map(b"".join), st.lists(st.integers(0, 60), max_size=5))
def test_the_splitter_loses_nothing(data: bytes, cuts: list[int]) -> None:
    """Whatever the cuts, what is passed on and what is held back are the bytes that came, in order."""
    splitter = EventSplitter()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    passed = b"".join(splitter.feed(data[start:end]) for start, end in pairwise(places))
    assert passed + splitter.held == data
    assert passed == b"" or passed.endswith((b"\n\n", b"\r\r", b"\n\r\n"))


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n", b"\r"])
def test_any_cut_gives_the_same_events(breaks: bytes) -> None:
    """A stream cut at every byte gives the events of the whole, for every kind of line end."""
    data = b"event: e\ndata: 1\n\n: ping\n\ndata: 2\ndata: 3\n\n".replace(b"\n", breaks)
    expected = read(data)
    assert len(expected) == 2
    for cut in range(len(data) + 1):
        assert read(data[:cut], data[cut:]) == expected


def test_the_end_tells_what_was_left() -> None:
    """An incomplete event at the end is handed back; a clean end leaves nothing."""
    reader = SseReader()
    reader.feed(b"data: a\n\ndata: b\n")
    assert reader.close() == b"data: b"
    clean = SseReader()
    clean.feed(b"data: a\n\n\n")
    assert clean.close() == b""


def test_an_endless_event_is_refused() -> None:
    """An event over the limit raises, also when it comes in many small pieces; whole events do not count."""
    splitter = EventSplitter(event_bytes_max=10)
    assert splitter.feed(b"data: 123456789\n\n") == b"data: 123456789\n\n"
    splitter.feed(b"data: 1234")
    with pytest.raises(SseTooLarge, match="larger than 10 bytes"):
        splitter.feed(b"5")


def test_what_was_passed_on_counts_no_more() -> None:
    """Of events that come in pieces, only what is held now counts towards the limit, however long the stream."""
    splitter = EventSplitter(event_bytes_max=10)
    splitter.feed(b"data: 1234")
    for _ in range(3):
        assert splitter.feed(b"\n\ndata: 1234") == b"data: 1234\n\n"


@given(
    st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")), st.sampled_from(("", "e"))
)
def test_what_is_written_is_read(data: bytes, name: str) -> None:
    """An event survives being written and read."""
    assert read(write_event(data, name)) == [(name, data)]


def test_a_block_without_data_is_no_event() -> None:
    """Comments and names alone are nothing."""
    assert read_block(b": x\nevent: e") is None


@pytest.mark.parametrize("data", [b"data: 1", b"event:x", b": note", b"id:", b"retry: 3", b"\xef\xbb\xbf\r\n data:"])
def test_the_beginning_of_a_stream_is_known_at_any_cut(data: bytes) -> None:
    """Every field that a reader knows begins a stream, however little of it is there."""
    assert all(begins_event(data[:size]) for size in range(1, len(data) + 1))


@pytest.mark.parametrize("data", [b"{", b'{"data":1}', b"<html>", b"dates", b"data 1", b"\0", b"\r\nHTTP"])
def test_what_is_no_stream_is_known_by_its_beginning(data: bytes) -> None:
    """JSON, a page or prose is not taken for an event stream."""
    assert not begins_event(data)


@pytest.mark.parametrize("held", [b"data: a", b"data: a\n", b"data: a\r\n", b"data: a\r", b"event: e\ndata: a"])
def test_a_last_event_is_closed(held: bytes) -> None:
    """Made whole it is one event, whatever of its blank line was there, and ends as one that never was cut."""
    whole = close_event(held)
    assert whole.endswith(b"a\n\n") and [data for _, data in read(whole)] == [b"a"]


def test_a_comment_that_stands_alone_is_told_where_it_is_asked_for() -> None:
    """Keep-alives reach those who ask for comments, however they are cut; comments within an event are skipped."""
    data = b": a\n\ndata: x\n\n: b\r\n: c\r\n\r\n: d\ndata: y\n\n"
    expected = [COMMENT, SseEvent("", b"x"), COMMENT, SseEvent("", b"y")]
    for cut in range(90):
        reader = SseReader(comments=True)
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) == expected
    assert SseReader().feed(data) == [SseEvent("", b"x"), SseEvent("", b"y")]


def test_what_a_stream_is_taken_up_again_by_is_remembered() -> None:
    """The last id and the time to wait, also of events without data and cut anywhere; ids with NUL, or too long, and
    times that are no numbers are passed over, as the standard says."""
    data = b"id: a\nretry: 500\ndata: \n\ndata: x\n\nid:b\r\n\r\nid: c\0\nretry: soon\n\nid: %b\n\n" % (b"x" * 2000)
    for cut in range(90):
        reader = SseReader(resumable=True)
        reader.feed(data[:cut])
        reader.feed(data[cut:])
        assert (reader.last_id, reader.retry_ms) == (b"b", 500)
