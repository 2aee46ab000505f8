"""Copies of bodies: what passes is kept up to a bound, and goes on unchanged."""

from __future__ import annotations

from typing import Any

from asbru.core.ports import Flow
from asbru.pipeline.bodies.copies import CopyingResponse


class Port:
    """A response that notes what it is given."""

    started = finished = closing = False
    bytes_written = 0
    flow: Flow | None = None

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self.given.append((status, lines, body))
        self.bytes_written = len(body)

    def begin(self, status: int, lines: bytes) -> None:
        self.given.append((status, lines))
        self.started = True

    def write(self, data: bytes) -> None:
        self.given.append((data,))

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        self.given.append((chunk, begin))

    def end(self) -> None:
        self.given.append(())


class Held:
    """A flow."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


def test_a_whole_response_is_copied() -> None:
    """Both bodies up to the bound, with the whole size of each."""
    port = Port()
    copied = CopyingResponse(port, b"request", 4)
    copied.whole(200, b"lines", b"response")
    assert (copied.request, copied.request_bytes, copied.response, copied.bytes_written) == (b"requ", 7, b"resp", 8)
    assert port.given == [(200, b"lines", b"response")]


def test_a_stream_is_copied_as_the_caller_gets_it() -> None:
    """Data and chunks without their framing; beyond the bound nothing more is kept, and all of it goes on."""
    port = Port()
    copied = CopyingResponse(port, b"", 10)
    copied.begin(200, b"")
    copied.write(b"abc")
    copied.write_chunk(b"4\r\ndefg\r\n", 3)
    copied.write(b"h" * 1000)
    copied.end()
    assert copied.response == b"abcdefghhh"
    assert port.given == [(200, b""), (b"abc",), (b"4\r\ndefg\r\n", 3), (b"h" * 1000,), ()]


def test_it_is_the_port_in_all_else() -> None:
    """What is read and set on it is the port's."""
    port = Port()
    copied = CopyingResponse(port, b"", 10)
    copied.begin(200, b"")
    assert copied.started and not copied.finished
    flow = Held()
    copied.flow = flow
    port.bytes_written, port.finished = 5, True
    assert (copied.bytes_written, copied.finished) == (5, True) and port.flow is copied.flow is flow
