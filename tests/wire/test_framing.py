"""Framings as values: what holds for each of them, so that whoever forwards a stream need not know which it is."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from asbru.wire.errors import FramingError
from asbru.wire.eventstream import Header, write_message
from asbru.wire.framing import EVENT_STREAM, SSE, Framing

STREAMS = {
    SSE: b"event: e\ndata: 1\n\n: note\n\ndata: 2\n\n",
    EVENT_STREAM: write_message([Header(":event-type", "chunk")], b"1") + write_message([], b"22"),
}
TOO_LARGE = {SSE: [b"data: "] + [bytes(1024 * 1024)] * 17, EVENT_STREAM: [b"\x7f" + bytes(11)]}
EACH = pytest.mark.parametrize("framing", STREAMS, ids=lambda framing: framing.name)


@EACH
def test_only_whole_events_come_out(framing: Framing) -> None:
    """However the bytes are cut: what comes out ends where nothing is held, and all of it comes."""
    data = STREAMS[framing]
    for cuts in combinations(range(len(data) + 1), 2):
        splitter = framing.splitter()
        whole = b"".join(splitter.feed(data[start:end]) for start, end in pairwise((0, *cuts, len(data))))
        assert (whole, splitter.held, splitter.pieces) == (data, b"", [])


@EACH
def test_the_border_tells_no_lie(framing: Framing) -> None:
    """Wherever bytes end with the border, the splitter says so too: they are whole events."""
    data = STREAMS[framing]
    assert len(framing.border) in (0, 2)
    for end in range(1, len(data) + 1):
        if framing.border and data[:end].endswith(framing.border):
            splitter = framing.splitter()
            assert splitter.feed(data[:end]) == data[:end] and not splitter.pieces


@EACH
def test_a_stream_begins_as_itself_and_not_as_another(framing: Framing) -> None:
    """The first bytes tell the framings apart, and from JSON."""
    assert [one for one in STREAMS if one.begins(STREAMS[framing])] == [framing]
    assert not framing.begins(b'{"error":{}}')


@EACH
def test_the_type_is_said(framing: Framing) -> None:
    """The header line for callers says the media type that providers are known by."""
    assert framing.type_line.startswith(b"content-type: " + framing.media_type)
    assert framing.type_line.endswith(b"\r\n")


@EACH
def test_what_is_over_its_bound_raises_the_one_error(framing: Framing) -> None:
    """A reader of any framing has one error to expect."""
    splitter = framing.splitter()
    with pytest.raises(FramingError):
        for piece in TOO_LARGE[framing]:
            splitter.feed(piece)


def test_how_events_are_closed() -> None:
    """A text event that lacks its blank line can be made whole; half a message cannot."""
    assert SSE.close(b"data: [DONE]\r\n") == b"data: [DONE]\n\n"
    assert EVENT_STREAM.close(STREAMS[EVENT_STREAM][:-1]) == b""
