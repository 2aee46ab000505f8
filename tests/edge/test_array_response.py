"""Streams as one JSON array, by what the query of a call says."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.dialects.gemini import DIALECT
from asbru.edge.array_response import ArrayResponse, as_asked

OPERATIONS = {one.surface: one for one in DIALECT.operations}


class Port:
    """The caller's side: keeps what it was told."""

    started = finished = False
    bytes_written = 7
    remembered = None
    peer = "127.0.0.1"
    flow = None

    def __init__(self) -> None:
        self.told: list[Any] = []

    def whole(self, *told: Any) -> None:
        self.told.append(told)

    def begin(self, *told: Any) -> None:
        self.told.append(told)

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def end(self) -> None:
        self.told.append("end")

    def cut(self) -> None:
        self.told.append("cut")


@pytest.mark.parametrize(
    ("surface", "query", "array"),
    [
        ("stream", b"", True),
        ("stream", b"alt=json&x=1", True),
        ("stream", b"$alt=json;enum-encoding=int", True),
        ("stream", b"alt=sse", False),
        ("stream", b"key=k&alt=sse", False),
        ("stream", b"%24alt=sse", False),
        ("generate", b"", False),
    ],
)
def test_the_query_decides(surface: str, query: bytes, array: bool) -> None:
    """As Google's API has it: without `alt=sse` a stream is an array."""
    port: Any = Port()
    assert isinstance(as_asked(OPERATIONS[surface], query, port), ArrayResponse) is array


def test_a_stream_is_an_array() -> None:
    """The type says so; whatever the provider called it is gone."""
    port: Any = Port()
    response = ArrayResponse(port)
    response.begin(200, b"x-a: 1\r\nContent-Type: text/event-stream\r\n")
    response.write(b'data: {"a":1}\n\n')
    response.write_chunk(b'e\r\ndata: {"a":2}\n\n\r\n', 3)
    response.end()
    lines = b"x-a: 1\r\ncontent-type: application/json\r\n"
    assert port.told == [(200, lines), b'[{"a":1}', b',\r\n{"a":2}', b"]", "end"]


def test_a_refusal_is_an_array_of_it() -> None:
    """As Google's are; and the state is that of the port behind."""
    port: Any = Port()
    response = ArrayResponse(port)
    response.whole(403, b"", b'{"error":{}}')
    response.cut()
    assert port.told == [(403, b"", b'[{"error":{}}]'), "cut"]
    response.flow = flow = object()  # type: ignore[assignment]  # any thing
    assert port.flow is flow is response.flow
    assert (response.started, response.finished, response.bytes_written) == (False, False, 7)
    assert (response.remembered, response.peer) == (None, "127.0.0.1")
