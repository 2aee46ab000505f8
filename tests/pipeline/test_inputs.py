"""Inputs a provider lacks: found wherever they stand, refused in words, and never looked for elsewhere."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from asbru.core.errors import UnsupportedByProvider
from asbru.core.ports import ResponsePort
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.pipeline import Call
from asbru.pipeline.inputs import check_inputs

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def call_with(dialect: Any, content: Any) -> Call:
    """A chat call whose last message has this content."""
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": content}]}
    return Call("s", dialect.operation("chat"), dialect, json.dumps(body).encode(), response=cast(ResponsePort, None))


@pytest.mark.parametrize(
    ("dialect", "content", "kind"),
    [
        (OPENAI, [{"type": "image_url", "image_url": {"url": PIXEL}}], "image"),
        (OPENAI, [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}], "audio"),
        (ANTHROPIC, [{"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}], "image"),
        (
            ANTHROPIC,
            [
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [{"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}],
                }
            ],
            "image",
        ),
    ],
    ids=["image", "audio", "anthropic image", "image in a tool result"],
)
def test_a_part_the_provider_lacks_is_refused(dialect: Any, content: Any, kind: str) -> None:
    """The error names the provider and the kind of input."""
    with pytest.raises(UnsupportedByProvider, match=f"'groq' does not accept {kind} input"):
        check_inputs(call_with(dialect, content), ("image", "audio"), "groq")


def test_words_alone_are_no_parts() -> None:
    """A text that quotes the word of a part is a text."""
    check_inputs(call_with(OPENAI, 'say "image_url" and "input_audio"'), ("image", "audio"), "groq")


def test_a_provider_that_lacks_nothing_reads_nothing() -> None:
    """The body is not decoded for a provider without such facts."""
    call = call_with(OPENAI, [{"type": "image_url", "image_url": {"url": PIXEL}}])
    check_inputs(call, (), "groq")
    assert call.canonical is None
