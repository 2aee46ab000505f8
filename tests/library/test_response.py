"""The response of a call without a connection: what waits is bounded, and a reader that goes is told of nothing."""

from __future__ import annotations

import pytest

import asbru
from asbru.library.reply import broken
from asbru.library.response import BUFFERED_BYTES_MAX, Response


class Source:
    """A provider that can be held back."""

    def __init__(self) -> None:
        self.paused = False

    def pause(self) -> None:
        """See `Flow`."""
        self.paused = True

    def resume(self) -> None:
        """See `Flow`."""
        self.paused = False


async def test_a_slow_reader_holds_the_provider_back() -> None:
    """Above the bound nothing more is asked for, until half of it is taken."""
    response, source = Response(), Source()
    response.begin(200, b"")
    response.flow = source
    piece = b"x" * (BUFFERED_BYTES_MAX // 4)
    for count in range(1, 6):
        response.write(piece)
        assert source.paused == (count == 5)
    for left in (4, 3):
        await response.take()
        assert source.paused, left
    await response.take()
    assert not source.paused


async def test_pieces_come_in_order_and_then_the_end() -> None:
    """Chunks without their frame; after the end nothing more."""
    response = Response()
    response.begin(200, b"a: b\r\n")
    response.write(b"one")
    response.write_chunk(b"3\r\ntwo\r\n", 3)
    response.end()
    await response.begun()
    assert [await response.take() for _ in range(4)] == [b"one", b"two", b"", b""]
    assert (response.status, response.lines, response.bytes_written) == (200, b"a: b\r\n", 6)


@pytest.mark.parametrize(("code", "status"), [("upstream_cut", 502), ("internal_error", 500)])
async def test_a_response_that_is_not_whole(code: str, status: int) -> None:
    """What came is taken; the end says that more was to come, and becomes an error of the call."""
    response = Response()
    response.begin(200, b"x-asbru-id: req_1\r\n")
    response.write(b"half")
    if code == "upstream_cut":
        response.cut()
    else:
        response.break_off(code)
    assert [await response.take(), await response.take()] == [b"half", b""]
    error = broken(response.broken, {"x-asbru-id": "req_1"})
    assert isinstance(error, asbru.CallError)
    assert (error.status, error.code, error.id) == (status, code, "req_1")
