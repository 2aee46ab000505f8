"""Server-sent events cut anywhere: every pair of cuts, mixed line ends, and what a huge event costs."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asbru.wire import sse
from asbru.wire.sse import EventSplitter, SseEvent, SseReader, SseTooLarge

STREAMS = [
    b"data: a\n\ndata: b\ndata: c\n\n",
    b"event: e\r\ndata: 1\r\n\r\n: note\r\n\r\ndata: 2\r\n\r\n",
    b"data: 1\r\rdata: 2\rdata: 3\r\r",
    b"\xef\xbb\xbfdata: 1\n\n\n\nid: 4\ndata\n\n",
    b"data: 1\r\r\ndata: 2\n\r\ndata: 3\r\n\n",
    b'event: message_start\ndata: {"a":"\xc3\xa9"}\n\nevent: x\ndata: {}\n\ndata: [DONE]\n\nrest',
]


def read(data: bytes, cuts: tuple[int, ...] = ()) -> list[SseEvent]:
    """The events of `data`, fed in the pieces that `cuts` make."""
    reader = SseReader()
    places = (0, *cuts, len(data))
    return [event for start, end in pairwise(places) for event in reader.feed(data[start:end])]


@pytest.mark.parametrize("data", STREAMS, ids=range(len(STREAMS)))
def test_every_pair_of_cuts_gives_the_same_events(data: bytes) -> None:
    """Three pieces, cut at every two places, give the events of the whole."""
    whole = read(data)
    assert len(whole) >= 2
    for cuts in combinations(range(len(data) + 1), 2):
        assert read(data, cuts) == whole, cuts


@pytest.mark.parametrize("data", STREAMS, ids=range(len(STREAMS)))
def test_byte_by_byte_gives_the_same_events(data: bytes) -> None:
    """The worst network there is changes nothing."""
    assert read(data, tuple(range(1, len(data)))) == read(data)


@pytest.mark.parametrize("data", STREAMS, ids=range(len(STREAMS)))
def test_what_is_forwarded_is_always_whole(data: bytes) -> None:
    """Whatever the pair of cuts, each piece that is passed on ends at an event border, and nothing is lost."""
    for cuts in combinations(range(len(data) + 1), 2):
        splitter = EventSplitter()
        pieces = [splitter.feed(data[start:end]) for start, end in pairwise((0, *cuts, len(data)))]
        assert b"".join(pieces) + splitter.held == data
        assert all(not piece or piece.endswith((b"\n\n", b"\r\r", b"\n\r\n")) for piece in pieces), cuts


PIECES = st.sampled_from(
    [b"data: a", b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r", b": x", b"event: e", b"data", b"\xef\xbb\xbf", b"\x00"]
)


@given(st.lists(PIECES, max_size=16).map(b"".join), st.sets(st.integers(0, 80), max_size=6))
@example(b"data: a\r\r\ndata: b\n\n", {9})
@example(b"\xef\xbb\xbf\n\ndata: a\n\n", {1, 2, 3, 4})
def test_any_cut_of_anything_gives_the_same_events(data: bytes, cuts: set[int]) -> None:
    """Also for streams that mix line ends and say nonsense."""
    assert read(data, tuple(sorted(cut for cut in cuts if cut <= len(data)))) == read(data)


@given(st.binary(max_size=200))
def test_garbage_never_raises(data: bytes) -> None:
    """Any bytes are events or nothing."""
    reader = SseReader()
    for index in range(0, len(data), 7):
        reader.feed(data[index : index + 7])
    reader.close()


def test_a_huge_event_costs_no_more_than_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times the size, in small pieces, is scanned with eight times the work, not sixty-four."""
    scanned = [0]
    border = sse._border  # pyright: ignore[reportPrivateUsage]  # the only place that looks at bytes

    def counting(data: bytes) -> int:
        scanned[0] += len(data)
        return border(data)

    monkeypatch.setattr(sse, "_border", counting)

    def work(size: int) -> int:
        scanned[0] = 0
        data = b"data: " + b"x" * size + b"\n\n"
        splitter = EventSplitter()
        out = b"".join(splitter.feed(data[at : at + 100]) for at in range(0, len(data), 100))
        assert out == data
        return scanned[0]

    assert work(160_000) <= 8.1 * work(20_000)


def test_the_limit_holds_for_one_event_not_for_the_stream() -> None:
    """Any number of events may pass; one that is over the limit raises, however it is cut."""
    splitter = EventSplitter(event_bytes_max=100)
    for _ in range(50):
        assert splitter.feed(b"data: 123\n\ndata: ") == (b"data: 123\n\n" if _ == 0 else b"data: data: 123\n\n")
    with pytest.raises(SseTooLarge):
        for _ in range(101):
            splitter.feed(b"x")
