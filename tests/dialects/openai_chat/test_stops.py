"""Stop reasons in both directions."""

from __future__ import annotations

import pytest

from asbru.dialects.openai_chat.stops import read_stop, write_stop


@pytest.mark.parametrize(
    ("word", "has_calls", "expected"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("", True, "tool_calls"),
        (None, False, "stop"),
        ("length", True, "length"),
        ("function_call", True, "tool_calls"),
        ("content_filter", False, "refusal"),
        ("model_length", False, "context_window"),
        ("eos", False, "stop"),
        ("insufficient_system_resource", False, "other"),
    ],
)
def test_words_are_read(word: str | None, has_calls: bool, expected: str) -> None:
    """Every provider's word has its canonical reason, and calls count more than "stop"."""
    assert read_stop(word, has_calls) == expected


def test_reasons_are_written() -> None:
    """Each canonical reason has OpenAI's word; an unknown one goes back to its own dialect as it came."""
    assert write_stop("refusal", "refusal", "anthropic_messages") == "content_filter"
    assert write_stop("stop_sequence", None, "anthropic_messages") == "stop"
    assert write_stop("other", "odd", "anthropic_messages") == "stop"
    assert write_stop("other", "odd", "openai_chat") == "odd"
    assert write_stop(None, None, "openai_chat") is None
