"""What a pass-through call learns from bytes it forwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT

USAGE = {"input_tokens": 3, "output_tokens": 4}
KNOWN = Usage(input=3, output=4, reasoning_known=False)
TRAP = 'He said: "usage": {"input_tokens": 999, "output_tokens": 999}} and "usage"'


def event(kind: str, **members: Any) -> bytes:
    """One event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode())


START = event("message_start", message={"usage": {"input_tokens": 3, "output_tokens": 1}})
DELTA = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4})
STOP = event("message_stop")
TEXT = event("content_block_delta", index=0, delta={"type": "text_delta", "text": TRAP})


BODIES: list[tuple[Any, Usage | None]] = [
    ({"content": [{"type": "text", "text": TRAP}], "usage": USAGE}, KNOWN),
    ({"usage": USAGE, "content": [{"type": "text", "text": TRAP}]}, KNOWN),
    ({"usage": USAGE, "content": [{"type": "tool_use", "input": {"usage": {"input_tokens": 9}}}]}, KNOWN),
    ({"content": [{"type": "tool_use", "input": {"usage": {"input_tokens": 9}}}]}, None),
    ({"usage": USAGE, "container": {"id": "c", "usage": "usage"}}, KNOWN),
    ({"content": "x" * 9000, "usage": USAGE}, KNOWN),
    ({"usage": USAGE, "content": "x" * 9000}, KNOWN),
    ({"usage": None}, None),
    ({"usage": {}}, None),
    ({"usage": {"input_tokens": "many"}}, None),
    ({}, None),
    ([], None),
]


@pytest.mark.parametrize(("body", "expected"), BODIES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("indent", [None, 2])
def test_usage_of_a_whole_answer(body: Any, expected: Usage | None, indent: int | None) -> None:
    """The outermost usage is found wherever it stands; quoted and nested ones are not taken for it."""
    assert DIALECT.passing.usage_of(json.dumps(body, indent=indent).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b'"usage"', b'{"usage"', b"\xff", b"[" * 100_000])
def test_usage_of_garbage_is_unknown(body: bytes) -> None:
    """No answer, no usage, no exception."""
    assert DIALECT.passing.usage_of(body) is None


def test_tail_may_begin_anywhere() -> None:
    """The end is understood whatever was cut off before it; usage as long as it is there whole."""
    data = START + TEXT * 2 + DELTA + STOP
    needed = len(data) - data.rfind(b'"usage"')
    for size in range(len(STOP), len(data) + 1):
        facts = DIALECT.passing.tail(data[-size:])
        assert facts.complete
        found = DIALECT.passing.merge_usage(None, facts.usage)
        assert found == (Usage(output=4, reasoning_known=False) if size >= needed else None)


def test_tail_without_message_stop_is_not_complete() -> None:
    """A stream that was cut says so, also when its text quotes an end."""
    quoted = event(
        "content_block_delta",
        index=0,
        delta={"type": "text_delta", "text": 'event: message_stop {"type":"message_stop"}'},
    )
    assert DIALECT.passing.tail(TEXT + DELTA).complete is False
    assert DIALECT.passing.tail(TEXT + quoted).complete is False
    assert DIALECT.passing.tail(b"").complete is False


def test_tail_tells_a_fault() -> None:
    """An error at the end is a fault, and the stream is not complete."""
    facts = DIALECT.passing.tail(TEXT + event("error", error={"type": "rate_limit_error", "message": "slow"}))
    assert facts.fault == StreamFault(message="slow", type="rate_limit_error", status=429)
    assert (facts.complete, facts.usage) == (False, None)


def test_head_usage() -> None:
    """Input tokens stand in message_start, after pings if there are any."""
    head = DIALECT.passing.head_usage(event("ping") + START + TEXT)
    assert head == Usage(input=3, output=1, reasoning_known=False)
    assert DIALECT.passing.head_usage(TEXT) is None
    assert DIALECT.passing.head_usage(b"data: message_start\n\n") is None
    assert DIALECT.passing.merge_usage(head, DIALECT.passing.tail(DELTA + STOP).usage) == KNOWN


def block(**content: Any) -> bytes:
    """The start of a block."""
    return event("content_block_start", index=0, content_block=content)


PRELUDES: list[tuple[bytes, bool]] = [
    (b"", False),
    (START, False),
    (START + event("ping"), False),
    (START + block(type="text", text=""), False),
    (START + block(type="thinking", thinking=""), False),
    (START + block(type="tool_use", id="a", name="f", input={}), True),
    (START + block(type="server_tool_use", id="a", name="f", input={}), True),
    (START + block(type="redacted_thinking", data="x"), True),
    (START + TEXT, True),
    (START + DELTA, True),
    (START + STOP, True),
    (START + event("weather"), True),
    (START + TEXT + event("error", error={"type": "api_error", "message": "late"}), True),
    (START.replace(b"\n", b"\r\n"), False),
]


@pytest.mark.parametrize(("data", "expected"), PRELUDES, ids=lambda value: str(value)[-60:])
def test_prelude(data: bytes, expected: bool) -> None:
    """Content is what a caller would see; before it a fallback is still possible."""
    assert DIALECT.passing.prelude(data) is expected


def test_prelude_tells_a_fault() -> None:
    """An error before any content, or garbage, is a fault."""
    error = event("error", error={"type": "overloaded_error", "message": "busy"})
    fault = StreamFault(message="busy", type="overloaded_error", status=529)
    assert DIALECT.passing.prelude(error) == DIALECT.passing.prelude(START + event("ping") + error) == fault
    garbage = DIALECT.passing.prelude(b"data: <html>\n\n")
    assert isinstance(garbage, StreamFault)
    assert garbage.type == "protocol_error"


def test_nothing_is_withheld() -> None:
    """The API reports usage unasked: the events go on as they are, the same object."""
    assert DIALECT.passing.withhold(TEXT) is TEXT


def test_an_error_without_a_type_is_a_fault() -> None:
    """An event that holds an error in another API's form is a fault, at the beginning and at the end."""
    wrong = b'event: error\ndata: {"error":{"message":"m","type":"invalid_parameter_error"}}\n\n'
    expected = StreamFault(message="m", type="invalid_parameter_error", status=400)
    assert DIALECT.passing.prelude(START + wrong) == expected
    assert DIALECT.passing.tail(START + TEXT + wrong).fault == expected
    assert DIALECT.passing.prelude(b'data: {"error":null}\n\n') is True
