"""Streams of completions through canonical events, which are those of a chat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.recordings.cuts import grammar

from asbru.core.chat import ChatRequest
from asbru.core.reply import StreamEvent, StreamFault
from asbru.dialects.openai_chat.completions import CompletionsReader, CompletionsWriter

HEAD = {"id": "c", "object": "text_completion", "created": 5, "model": "m"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(text: str, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One of one choice."""
    return {**HEAD, "choices": [{"index": index, "text": text, "finish_reason": finish, **more}]}


CHUNKS = [chunk("a", 1), chunk("b c", 0, logprobs={"tokens": ["b"]}), chunk("d", 1), chunk("", 0, "stop")]
CHUNKS += [chunk("", 1, "length"), {**HEAD, "choices": [], "usage": USAGE}]
WIRE = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in CHUNKS) + b"data: [DONE]\n\n"


def read(*pieces: bytes, clean: bool = True) -> list[StreamEvent]:
    """The events of a stream."""
    reader = CompletionsReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.close(clean=clean)


def said(wire: bytes) -> dict[int, str]:
    """What each choice says."""
    told: dict[int, str] = {}
    for line in wire.split(b"\n\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                told[choice["index"]] = told.get(choice["index"], "") + choice["text"]
    return told


def test_what_is_read_is_written_again() -> None:
    """Texts of each choice, its end, its log probabilities and the usage."""
    events = read(WIRE)
    assert grammar(events) == []
    request = ChatRequest(model="m", messages=(), stream=True, include_usage=True)
    written = CompletionsWriter(request).write(events)
    assert said(written) == said(WIRE) == {0: "b c", 1: "ad"}
    assert written.endswith(b"data: [DONE]\n\n")
    chunks = [json.loads(line[6:]) for line in written.split(b"\n\n") if line.startswith(b"data: {")]
    assert {one["object"] for one in chunks} == {"text_completion"} and chunks[-1]["usage"]["total_tokens"] == 5
    assert any(choice.get("logprobs") for one in chunks for choice in one["choices"])
    assert CompletionsWriter(ChatRequest(model="m", messages=())).write(events).count(b"usage") == 0


@pytest.mark.parametrize("at", range(1, len(WIRE), 17))
def test_any_cut_gives_the_same(at: int) -> None:
    """Wherever the bytes are cut."""
    assert read(WIRE[:at], WIRE[at:]) == read(WIRE)


@pytest.mark.parametrize("wire", [b'data: {"error": {"message": "no"}}\n\n', b"data: []\n\n", b"data: x\n\n"])
def test_what_is_no_chunk_is_a_fault(wire: bytes) -> None:
    """An error as the provider's, anything else as garbage."""
    assert any(isinstance(event, StreamFault) for event in read(wire))
