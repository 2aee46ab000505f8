"""Malformed events found among good ones, however they are written."""

from __future__ import annotations

import pytest

from asbru.dialects.json_events import malformed_at

GOOD = b'data: {"a":1}\n\n'
NAMED = b'event: x\ndata: {"a":[1]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "events",
    [
        b"",
        GOOD + NAMED + DONE,
        b": ping\n\n" + GOOD + b"data:\n\n" + b"event: end\n\n",
        b'data: {"a":\ndata: 1}\n\n' + GOOD,
        (GOOD + NAMED + DONE).replace(b"\n", b"\r\n"),
        (GOOD + DONE).replace(b"\n", b"\r"),
        GOOD + b'data: {"half',
    ],
)
def test_good_events(events: bytes) -> None:
    """Objects, terminators, comments, empty events, any line ends; what is not whole yet is not judged."""
    assert malformed_at(events) == -1


@pytest.mark.parametrize(
    "bad",
    [
        b'data: {"choices": [\n\n',
        b"data: hello\n\n",
        b"data: {not json}\n\n",
        b"data: \xff\xfe\x00\n\n",
        b"data: 7\n\n",
        b'data: [{"a":1}]\n\n',
        b'data: {"a":[1\n\ndata: 2]}\n\n',
        b'data: {"a":1},{"b":2}\n\n',
        b'event: x\r\ndata: {"a"\r\n\r\n',
    ],
)
def test_malformed_events(bad: bytes) -> None:
    """What is no JSON object is found where it begins, alone and among others, also halves that fit together."""
    assert malformed_at(bad) == 0
    assert malformed_at(GOOD + NAMED + bad + GOOD + DONE) == len(GOOD + NAMED)
