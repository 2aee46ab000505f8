"""Lone surrogates: replaced where they stand alone, left where they are a pair or no escape at all."""

from __future__ import annotations

import json

import pytest

from asbru.core.chat import TextPart
from asbru.core.reply import PartDelta
from asbru.core.traits import PLAIN
from asbru.dialects import Dialect
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.dialects.surrogates import mend_surrogates


@pytest.mark.parametrize(
    ("data", "mended"),
    [
        (rb'"a\ud83d"', rb'"a\ufffd"'),
        (rb'"\uDE00b"', rb'"\ufffdb"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\u00e9"', rb'"\u00e9"'),
    ],
)
def test_only_lone_ones_are_replaced(data: bytes, mended: bytes) -> None:
    """Pairs stay, and so does what only looks like an escape."""
    assert mend_surrogates(data) == mended


def test_what_has_none_is_not_copied() -> None:
    """Nearly all bodies come back as the same object."""
    for data in (b'{"a":"b"}', rb'{"a":"\ud83d\ude00"}'):
        assert mend_surrogates(data) is data


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI])
def test_requests_are_read(dialect: Dialect) -> None:
    """A prompt with half an emoji is read, with the replacement character in its place; so is its head."""
    body = rb'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a\ud83d"}]}'
    assert dialect.chat.read_request(body).messages[0].parts == (TextPart(text="a\ufffd"),)
    operation = dialect.operation("chat")
    assert operation is not None
    assert operation.read_head(body, {}, b"").model == "m"


def test_arguments_are_mended() -> None:
    """Arguments are JSON in a string: half an emoji in them is mended when they become an object."""
    arguments = json.dumps({"a": "x\ud83d"})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    written = ANTHROPIC.chat.write_request(OPENAI.chat.read_request(body), "m", PLAIN)
    assert json.loads(written.body)["messages"][1]["content"][0]["input"] == {"a": "x\ufffd"}


def test_streams_that_pass_are_sound() -> None:
    """An event with half an emoji is not taken for garbage where the stream goes through as it came."""
    chunk = rb'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"\ud83d"}}]}' + b"\n\n"
    assert OPENAI.passing.malformed_at(chunk) == -1
    assert OPENAI.passing.prelude(chunk) is True
    delta = rb'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\ude00"}}' + b"\n\n"
    assert ANTHROPIC.passing.malformed_at(delta) == -1
    assert ANTHROPIC.passing.prelude(delta) is True


def test_streams_are_read() -> None:
    """A stream with half an emoji in a delta goes on."""
    chunk = rb'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}' + b"\n\n"
    events = OPENAI.chat.stream_reader().feed(chunk % b"a" + chunk % rb"\ud83d")
    assert [event.text for event in events if isinstance(event, PartDelta)] == ["a", "\ufffd"]
    start = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"m","content":[]}}\n\n'
    block = b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    delta = rb'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ude00"}}' + b"\n\n"
    events = ANTHROPIC.chat.stream_reader().feed(start + block + delta)
    assert [event.text for event in events if isinstance(event, PartDelta)] == ["\ufffd"]
