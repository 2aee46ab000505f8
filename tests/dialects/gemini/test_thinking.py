"""How much to think: levels that are none, and what another dialect makes of those it does not know."""

from __future__ import annotations

import json

import pytest

from asbru.core.traits import PLAIN
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.gemini import DIALECT


@pytest.mark.parametrize(
    ("level", "notes"), [("", set[str]()), ("unheard of", {"reasoning.effort", "reasoning.display"})]
)
def test_a_level_that_is_none_loses_nothing_silently(level: str, notes: set[str]) -> None:
    """An empty one says nothing; an unknown one is left out, and with it how thinking would be shown."""
    config = {"thinkingConfig": {"thinkingLevel": level, "includeThoughts": True}}
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": config}
    request = DIALECT.chat.read_request(json.dumps({"model": "m", **body}).encode())
    written = ANTHROPIC.chat.write_request(request, "m", PLAIN)
    assert {note.field for note in written.notes} - {"max_tokens"} >= notes
    told = {note.field for note in written.notes if note.field.startswith("reasoning")}
    assert "thinking" in json.loads(written.body) or "reasoning.display" in told or "reasoning" in told
