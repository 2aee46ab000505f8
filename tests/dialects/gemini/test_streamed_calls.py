"""Calls in pieces, in streams and in histories: how they end, and pieces without a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import ToolCallPart
from asbru.core.errors import BadRequest
from asbru.core.reply import PartDelta, PartStop, StreamEvent, StreamFault
from asbru.dialects.gemini import DIALECT

CODEC = DIALECT.chat
BEGUN = {"functionCall": {"name": "f", "willContinue": True}}
HALF = {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}}
LAST = {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}]}}
END: dict[str, Any] = {"functionCall": {}}
USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}


def events(*parts: dict[str, Any], reason: str = "STOP") -> list[StreamEvent]:
    """A stream with a part in each event."""
    reader = CODEC.stream_reader()
    found: list[StreamEvent] = []
    for at, part in enumerate(parts):
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}}
        if at == len(parts) - 1:
            candidate["finishReason"] = reason
        data = json.dumps({"candidates": [candidate], "usageMetadata": USAGE}).encode()
        found += reader.feed(b"data: %b\r\n\r\n" % data)
    return found + reader.close()


def said(found: list[StreamEvent]) -> str:
    """The arguments of all calls."""
    return " ".join(
        "".join(event.text or "" for event in found if isinstance(event, PartDelta) and event.index == index)
        for index in sorted({event.index for event in found if isinstance(event, PartDelta)})
    )


@pytest.mark.parametrize(
    ("parts", "arguments"),
    [
        ((BEGUN, HALF, END), '{"a":"x"}'),
        ((BEGUN, HALF, END, END), '{"a":"x"}'),
        ((BEGUN, LAST, {"text": ""}), '{"a":"x"}'),
        ((BEGUN, HALF), '{"a":"x"}'),
        ((BEGUN, HALF, BEGUN, END), '{"a":"x"} {}'),
        ((BEGUN, HALF, {"functionCall": {"name": "g", "args": {"b": 1}}}), '{"a":"x"} {"b": 1}'),
        (({"functionCall": {"name": "f", "partialArgs": LAST["functionCall"]["partialArgs"]}},), '{"a":"x"}'),
    ],
)
def test_a_call_ends_once_and_whole(parts: tuple[dict[str, Any], ...], arguments: str) -> None:
    """By a piece that does not continue, by the next part, or by the end of the stream."""
    found = events(*parts)
    assert said(found) == arguments
    stops = [event.index for event in found if isinstance(event, PartStop)]
    assert stops == [*range(len(arguments.split("} ")))]


def test_a_call_that_was_cut_stays_cut() -> None:
    """Where the limit on tokens ends the reply in a call, its arguments are no JSON that a client would act on."""
    assert said(events(BEGUN, HALF, reason="MAX_TOKENS")) == '{"a":"x'


def test_a_piece_without_a_call_is_a_fault() -> None:
    """What it belongs to is not known."""
    assert any(isinstance(event, StreamFault) for event in events(HALF, END))


def test_a_history_keeps_its_calls() -> None:
    """Clients that send parts back as they came are understood, and a piece without its call is refused by its path."""
    asked = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [BEGUN, HALF, END]}]
    }
    (call,) = CODEC.read_request(json.dumps({**asked, "model": "m"}).encode()).messages[1].parts
    assert isinstance(call, ToolCallPart)
    assert (call.name, call.arguments, "partialArgs" in call.extra) == ("f", '{"a":"x"}', False)
    asked["contents"][1]["parts"] = [HALF]
    with pytest.raises(BadRequest, match=r"parts\[0\]"):
        CODEC.read_request(json.dumps({**asked, "model": "m"}).encode())
