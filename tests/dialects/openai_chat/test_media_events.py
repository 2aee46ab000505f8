"""Streams of images, speech and transcription, read for how they go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.usage import Usage
from asbru.dialects.openai_chat.media_events import events_of

TOKENS = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}


def sse(*events: dict[str, Any], line_end: str = "\n") -> bytes:
    """Events, each with its type as its name, as OpenAI sends them."""
    lines = (line for one in events for line in (f"event: {one['type']}", f"data: {json.dumps(one)}", ""))
    return "".join(f"{line}{line_end}" for line in lines).encode()


def test_partial_images_are_content_and_completed_ones_end() -> None:
    """Usage of several images is added up."""
    partial = {"type": "image_generation.partial_image", "b64_json": "QQ==", "partial_image_index": 0}
    whole = {"type": "image_generation.completed", "b64_json": "QQ==", "usage": TOKENS}
    facts = events_of("image")(sse(partial))
    assert (facts.content, facts.ends, facts.usage) == (True, 0, None)
    facts = events_of("image")(sse(partial, whole, whole))
    assert (facts.ends, facts.usage) == (2, Usage(input=28, image_output=202, reasoning_known=False))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_speech_and_transcripts_end_with_done(line_end: str) -> None:
    """Output is audio or text, by the operation; line ends may be either."""
    delta = {"type": "transcript.text.delta", "delta": "hi"}
    done = {"type": "transcript.text.done", "text": "hi", "usage": TOKENS}
    facts = events_of("text")(sse(delta, done, line_end=line_end))
    assert (facts.content, facts.ends) == (True, 1)
    facts = events_of("audio")(sse({"type": "speech.audio.done", "usage": TOKENS}))
    assert facts.usage == Usage(input=14, audio_output=101, reasoning_known=False)


def test_other_events_are_content() -> None:
    """Providers have their own, and the terminator of a chat."""
    facts = events_of("audio")(b'data: {"delta":"QQ=="}\n\n: alive\n\ndata: [DONE]\n\n')
    assert (facts.content, facts.ends, facts.done) == (True, 0, True)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error":{"message":"too loud","type":"server_error"}}\n\n',
        b'event: error\ndata: {"type":"error","error":{"message":"too loud"}}\n\n',
        b'data: {"type":"error","message":"too loud"}\n\n',
    ],
)
def test_errors_in_a_stream(event: bytes) -> None:
    """However they are wrapped; they are no content."""
    facts = events_of("text")(event)
    assert facts.fault is not None and facts.fault.message == "too loud" and not facts.content
