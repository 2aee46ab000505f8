"""Streams that are one JSON array: read however they are cut, written, and the bytes of elements kept."""

from __future__ import annotations

import gzip
import json

import pytest

from asbru.wire.content_coding import Decoders, decoder
from asbru.wire.errors import FramingError
from asbru.wire.json_array import ArrayReader, ArrayWriter
from asbru.wire.sse import SSE_EVENT_BYTES_MAX, write_event

ELEMENTS = (
    b'{"a": [1, {"b": "}]{"}], "c": "\\"]\\\\"}',
    b"{}",
    '{"text":"ü, [x] \\u007d \\\\\\""}'.encode(),
    b'{"deep":[[[{"x":[]}]]]}',
)
ARRAY = b" [" + b"\n,\r\n".join(ELEMENTS) + b"\n]\n"
EVENTS = b"".join(write_event(element) for element in ELEMENTS)


@pytest.mark.parametrize("at", range(len(ARRAY) + 1))
def test_cut_at_every_byte(at: int) -> None:
    """The same events, with the bytes of the elements."""
    reader = ArrayReader()
    assert reader.feed(ARRAY[:at]) + reader.feed(ARRAY[at:]) == EVENTS
    assert reader.complete


def test_byte_by_byte() -> None:
    """An event comes with the last byte of its element."""
    reader = ArrayReader()
    pieces = [reader.feed(ARRAY[at : at + 1]) for at in range(len(ARRAY))]
    assert b"".join(pieces) == EVENTS
    assert [piece for piece in pieces if piece] == [write_event(element) for element in ELEMENTS]


def test_line_breaks_within_an_element_are_spaces() -> None:
    """An event has one line; what the element says is the same."""
    element = b'{\r\n  "a": "b\\n"\n}'
    written = ArrayReader().feed(b"[" + element + b"]")
    assert written.count(b"\n") == 2 and len(written) == len(write_event(element))
    assert json.loads(written.removeprefix(b"data: ")) == {"a": "b\n"}


@pytest.mark.parametrize("data", [b'{"error": {}}', b"data: {}\n\n", b"<html>", b'"["'])
def test_what_is_no_array_goes_on_as_it_is(data: bytes) -> None:
    """An error, or events after all."""
    reader = ArrayReader()
    assert b"".join(reader.feed(data[at : at + 1]) for at in range(len(data))) == data


@pytest.mark.parametrize("data", [b"[1]", b'["a"]', b"[null,{}]", b"[[]]", b"[}", b"[{}]{}", b"[{}] []"])
def test_what_is_no_array_of_objects_is_an_error(data: bytes) -> None:
    """Also what follows the end."""
    with pytest.raises(FramingError):
        ArrayReader().feed(data)


def test_an_element_has_a_bound() -> None:
    """Of bytes that are held."""
    reader = ArrayReader()
    reader.feed(b'[{"a":"')
    with pytest.raises(FramingError, match="larger"):
        reader.feed(b"x" * SSE_EVENT_BYTES_MAX)


def test_events_become_an_array() -> None:
    """Whole events, several at once or one by one; comments, names and the end of OpenAI's are no elements."""
    writer = ArrayWriter()
    written = writer.write(b": ping\n\n") + writer.write(EVENTS) + writer.write(b"data: [DONE]\r\n\r\n")
    written += writer.write(b'event: error\r\ndata: {"error":1}\r\n\r\n') + writer.close()
    assert json.loads(written) == [*map(json.loads, ELEMENTS), {"error": 1}]
    reader = ArrayReader()
    assert reader.feed(written) == EVENTS + write_event(b'{"error":1}')


def test_an_array_without_elements() -> None:
    """Is one."""
    assert ArrayWriter().close() == b"[]"
    reader = ArrayReader()
    assert (reader.feed(b"[]"), reader.complete) == (b"", True)


def test_an_array_in_a_coding() -> None:
    """Its coding is taken off first."""
    chained = Decoders(decoder(b"gzip", 1 << 20), ArrayReader())
    data = gzip.compress(ARRAY)
    assert b"".join(chained.feed(data[at : at + 1]) for at in range(len(data))) == EVENTS
    assert chained.complete
