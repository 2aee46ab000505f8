"""Streams of Cohere beyond the golden cases: the mark of older servers, order, and what is no stream."""

from __future__ import annotations

import pytest

from asbru.core.reply import ReplyEnd, StreamFault
from asbru.dialects.cohere import DIALECT
from asbru.dialects.cohere.stream import CohereStreamReader

START = b'data: {"type":"message-start","id":"r"}\n\n'
USAGE = b'{"billed_units":{"input_tokens":1}}'
END = b'data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":%b}}\n\n' % USAGE


def test_the_mark_of_older_servers_tells_nothing() -> None:
    """`[DONE]` after the last event; the end before it counts."""
    events = CohereStreamReader().feed(START + END + b"data: [DONE]\n\n")
    assert isinstance(events[-1], ReplyEnd)
    facts = DIALECT.passing.tail(END + b"data: [DONE]\n\n")
    assert facts.complete and facts.usage is not None and facts.usage.input == 1


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"type":"content-start","index":0}\n\n',
        START + START,
        START + b'data: {"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"a"}}}}\n\n',
        START + b'data: {"type":"tool-call-delta","index":1}\n\n',
        START + b"data: {\n\n",
        START + b"data: []\n\n",
        END,
    ],
)
def test_what_is_out_of_order_is_a_fault(data: bytes) -> None:
    """Nothing is guessed, and nothing follows."""
    reader = CohereStreamReader()
    fault = reader.feed(data)[-1]
    assert isinstance(fault, StreamFault) and fault.type == "protocol_error"
    assert reader.feed(END) == []


@pytest.mark.parametrize(
    ("body", "words"), [(b'{"message":"no such model"}', "no such model"), (b'[{"error":{"message":"no"}}]', None)]
)
def test_json_in_place_of_a_stream(body: bytes, words: str | None) -> None:
    """An error that came with status 200 where events were expected."""
    found = DIALECT.passing.prelude(body)
    assert (found.message if isinstance(found, StreamFault) else None) == words
