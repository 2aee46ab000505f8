"""Pass-through helpers: the beginning, the end and the one chunk to withhold, on bytes alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from asbru.core.reply import StreamFault
from asbru.core.usage import Usage
from asbru.dialects.contract import TailFacts
from asbru.dialects.openai_chat.passthrough import finishes, prelude, tail, withhold


def event(**members: Any) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def delta(finish: str | None = None, **members: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": members, "finish_reason": finish}])


USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
KNOWN = Usage(input=10, output=5, reasoning_known=False)
ONLY_USAGE = event(id="r", choices=[], usage=USAGE)
AZURE = event(choices=[], prompt_filter_results=[{"prompt_index": 0}])
HI = delta(content="Hi")
DONE = b"data: [DONE]\n\n"
ERROR = event(error={"message": "m", "code": 503})
FAULT = StreamFault(message="m", code="503", status=503)
BROKEN_OFF = StreamFault(
    message="the provider broke off its reply (finish_reason 'network_error')",
    type="api_error",
    code="network_error",
)
WHOLE = TailFacts(usage=KNOWN, complete=True, finished=True)
ENDED = TailFacts(usage=KNOWN, complete=False, finished=True)
CUT = TailFacts(usage=None, complete=False)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (b": ping\n\n", False),
        (AZURE, False),
        (delta(role="assistant", content="", refusal=None, tool_calls=[]), False),
        (AZURE + delta(role="assistant", content=""), False),
        (DONE, False),
        (ONLY_USAGE, False),
        (HI, True),
        (delta(role="assistant", content="Hi"), True),
        (delta(reasoning_content="h"), True),
        (delta(reasoning_details=[{"type": "reasoning.text"}]), True),
        (delta(tool_calls=[{"index": 0}]), True),
        (delta(refusal="no"), True),
        (delta(audio={"id": "a"}), True),
        (delta(finish="stop"), True),
        (event(choices=[{"index": 0, "text": "completions"}]), True),
        (HI + ERROR, True),
        (event(choices=[{"error": {"message": "m", "code": 503}, "finish_reason": "error"}]), FAULT),
        (delta("network_error"), BROKEN_OFF),
        (ERROR, FAULT),
        (ERROR.replace(b"\n", b"\r\n"), FAULT),
        (delta(role="assistant") + ERROR, FAULT),
        (b'event: error\ndata: {"message":"m","code":503}\n\n', FAULT),
        (b'{"error":{"message":"m","code":503}}', FAULT),
    ],
)
def test_the_beginning_tells_content_from_faults(data: bytes, expected: StreamFault | bool) -> None:
    """Only what a caller would see is content; an error before it is a fault, whatever its framing."""
    assert prelude(data) == expected


def test_garbage_at_the_beginning_is_a_fault() -> None:
    """A first event that is not JSON means the provider does not speak this dialect."""
    fault = prelude(b"data: <html>\n\n")
    assert isinstance(fault, StreamFault)
    assert fault.type == "protocol_error"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HI + delta(finish="stop") + ONLY_USAGE + DONE, WHOLE),
        (HI + ONLY_USAGE + event(choices=[], usage=None, moderation={}) + DONE, WHOLE),
        (ONLY_USAGE, ENDED),
        (ONLY_USAGE[20:] + DONE, WHOLE),
        (event(choices=[{"finish_reason": "stop"}], usage=USAGE), ENDED),
        (event(choices=[{"finish_reason": "stop"}], x_groq={"usage": USAGE}), ENDED),
        (HI + delta(finish="stop"), replace(ENDED, usage=None)),
        (HI + delta(finish="stop") + HI.replace(b"Hi", b""), replace(ENDED, usage=None)),
        ((HI + delta(finish="stop") + DONE).replace(b"\n", b"\r\n"), replace(WHOLE, usage=None)),
        (delta(finish="stop").rstrip(), CUT),
        (HI, CUT),
        (b"", CUT),
        (HI + ERROR, replace(CUT, fault=FAULT)),
        (HI + delta(finish="stop") + ERROR + DONE, replace(CUT, fault=FAULT)),
        (delta(content='"usage": {"error": 1}') + DONE, replace(WHOLE, usage=None)),
        (event(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1}) + ONLY_USAGE + DONE, WHOLE),
    ],
)
def test_the_end_tells_usage_and_completeness(data: bytes, expected: TailFacts) -> None:
    """The last usage, the sign of a whole stream and an error are read from the last bytes."""
    assert tail(data) == expected


def choice(index: int, finish: str | None = None) -> bytes:
    return event(choices=[{"index": index, "delta": {"content": "x"}, "finish_reason": finish}])


@pytest.mark.parametrize(
    ("data", "choices", "finished"),
    [
        (choice(0) + choice(1) + choice(0, "stop"), 1, False),
        (choice(0) + choice(1) + choice(1, "stop"), 1, False),
        (choice(0, "stop") + choice(1, "stop"), 1, True),
        (choice(0, "stop") + choice(1) + choice(1, "length"), 2, True),
        (choice(0, "stop"), 2, False),
        (choice(1, "stop") + choice(2), 3, False),
        (choice(0, "stop") + choice(1) + ONLY_USAGE, 2, True),
        (event(choices=[{"delta": {}, "finish_reason": "stop"}, {"delta": {}, "finish_reason": "stop"}]), 2, True),
    ],
)
def test_every_choice_must_finish(data: bytes, choices: int, finished: bool) -> None:
    """Of several choices, all that are seen and as many as were asked for have a finish reason."""
    facts = tail(data, choices)
    assert (facts.finished, facts.complete) == (finished, False)


def test_finish_reasons_are_spotted() -> None:
    """A finish reason that is set is seen without decoding; null is none."""
    assert finishes(HI + choice(1, "stop"))
    assert not finishes(HI + choice(1))


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n", b"\r"])
def test_only_the_usage_chunk_is_withheld(breaks: bytes) -> None:
    """The chunk without choices but with usage goes; everything around it stays byte for byte."""
    before, after = (AZURE + HI).replace(b"\n", breaks), DONE.replace(b"\n", breaks)
    assert withhold(before + ONLY_USAGE.replace(b"\n", breaks) + after) == before + after


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HI + DONE,
        AZURE,
        event(choices=[], usage=None),
        event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE),
        delta(content='"choices":[] "usage":{}'),
        event(choices=[{"delta": {"content": "x"}}], usage=USAGE, nested={"choices": []}),
        b'data: {"choices":[],"usage":{',
    ],
)
def test_all_else_stays_the_identical_object(data: bytes) -> None:
    """Where nothing is to be withheld the very same bytes object is forwarded."""
    assert withhold(data) is data


PIECES = st.sampled_from([HI, AZURE, ONLY_USAGE, DONE, ERROR, b"data: ", b"\r\n\r\n", b'"usage"', b'"error"'])


EVENTS = re.compile(rb".*?(?:\r\n\r\n|\n\r\n|\n\n|\r\r)|.+\Z", re.DOTALL)
"""An event, or what is left at the end, with all that stands before it."""


@given(st.lists(PIECES | st.binary(max_size=8), max_size=6).map(b"".join))
def test_no_bytes_make_the_helpers_fail(data: bytes) -> None:
    """Arbitrary bytes are looked at without an exception, and only whole usage chunks ever go."""
    prelude(data)
    tail(data)
    left, at = withhold(data), 0
    for whole in EVENTS.findall(data):
        if left.startswith(whole, at):
            at += len(whole)
        else:
            assert ONLY_USAGE.strip() in whole
    assert at == len(left)


@pytest.mark.parametrize("word", ["error", "network_error", "insufficient_system_resource"])
def test_the_end_tells_of_a_choice_that_failed(word: str) -> None:
    """A finish reason that means failure is a fault with the usage that was told, whatever terminator follows."""
    facts = tail(HI + delta(word) + ONLY_USAGE + DONE)
    assert facts.fault is not None and facts.fault.code == word
    assert (facts.complete, facts.finished, facts.usage) == (False, False, KNOWN)
    assert tail(delta("stop", content="an error") + ONLY_USAGE + DONE) == WHOLE
