"""Events of one lane: each carries its mark, whoever has written it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.edge.lanes.lane import Lane


class _Lanes:
    """What a lane belongs to; keeps what is sent."""

    remembered = None
    closed = False

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.send = self.sent.append


@pytest.mark.parametrize("event", [b'{"type":"x"}', b'{ "type":"x"}', b'{\n  "type" : "x"\n}', b' {"type":"x"}'])
def test_every_event_has_the_mark_of_its_lane(event: bytes) -> None:
    """However its JSON is spaced: without it the caller cannot tell whose event it is. No lane, no mark."""
    lanes: Any = _Lanes()
    Lane("a", lanes).tell(event)
    Lane(None, lanes).tell(event)
    marked, plain = lanes.sent
    assert msgspec.json.decode(marked) == {"stream_id": "a", "type": "x"} and plain == event


@pytest.mark.parametrize("event", [b"{}", b"[1]", b"", b"text"])
def test_what_is_no_event_goes_as_it_came(event: bytes) -> None:
    """It has no place for a mark."""
    lanes: Any = _Lanes()
    Lane("a", lanes).tell(event)
    assert lanes.sent == [event]
