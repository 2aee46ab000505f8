"""Reasoning's spellings: which wins, what is kept, and how fragments become one again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.core.chat import Raw, RedactedThinkingPart, ThinkingPart
from asbru.dialects.fields import open_body, refuse_request
from asbru.dialects.openai_chat.reasoning import (
    Thought,
    read_chunk_reasoning,
    read_reasoning,
    read_thinking_content,
    write_reasoning,
)

NAME, ANTHROPIC, FORMAT = "openai_chat", "anthropic_messages", "anthropic-claude-v1"


def read(**members: Any) -> list[Thought]:
    return read_reasoning(open_body(msgspec.json.encode(members), refuse_request))


def detail(**members: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "format": FORMAT, "index": 0} | members


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_content": "a", "reasoning": "a"}, [ThinkingPart(text="a", dialect=NAME)]),
        ({"reasoning_content": "", "reasoning": None, "reasoning_details": []}, []),
        ({"reasoning": "ab", "reasoning_details": [detail(text="a"), detail(text="b"),
         detail(signature="s")]},
         [ThinkingPart(text="ab", signature="s", dialect=ANTHROPIC)]),
        ({"reasoning_details": [detail(text="a", signature="s"), detail(text="b", index=1)]},
         [ThinkingPart(text="a", signature="s", dialect=ANTHROPIC),
          ThinkingPart(text="b", dialect=ANTHROPIC)]),
        ({"reasoning_details": [detail(type="reasoning.encrypted", data="d")]},
         [RedactedThinkingPart(data="d", dialect=ANTHROPIC)]),
        ({"reasoning_details": [detail(text="", signature="")]}, []),
    ],
)  # fmt: skip
def test_details_win_and_fragments_join(members: dict[str, Any], expected: list[Thought]) -> None:
    """Details come before strings, fragments of one index are one thought, empty ones are none."""
    assert read(**members) == expected


def test_details_of_other_formats_come_back_as_they_were() -> None:
    """Ids, formats, summaries and unknown members of a provider's own details are written back."""
    details = [
        {
            "type": "reasoning.summary",
            "summary": "s",
            "format": "openai-responses-v1",
            "id": "rs_1",
            "index": 0,
        },
        {
            "type": "reasoning.encrypted",
            "data": "d",
            "format": "openai-responses-v1",
            "id": "rs_1",
            "index": 1,
        },
        {"type": "reasoning.text", "text": "t", "format": "unknown", "index": 2, "x": 1},
    ]
    thoughts = read(reasoning_details=details)
    assert [thought.dialect for thought in thoughts] == [NAME, NAME, NAME]
    written = write_reasoning(thoughts)
    assert msgspec.json.decode(msgspec.json.encode(written)) == {"reasoning_details": details}


def test_a_signature_keeps_its_dialect() -> None:
    """Thinking signed for any dialect comes back from a caller as signed for it, not for ours."""
    signed = [
        ThinkingPart(text="t", signature="s", dialect="gemini"),
        RedactedThinkingPart(data="d", dialect="gemini"),
    ]
    details = msgspec.json.decode(msgspec.json.encode(write_reasoning(signed)))
    assert [item["format"] for item in details["reasoning_details"]] == ["asbru:gemini", "asbru:gemini"]
    assert [msgspec.structs.replace(one, extra={}) for one in read(**details)] == signed


def test_plain_thoughts_beside_details_become_details() -> None:
    """Since details win when read, a plain thought beside one is written as a detail too."""
    signed = ThinkingPart(text="b", signature="s", dialect=ANTHROPIC)
    written = write_reasoning([ThinkingPart(text="a", dialect=NAME), signed])
    again = read(**msgspec.json.decode(msgspec.json.encode(written)))
    assert [thought.text for thought in again if isinstance(thought, ThinkingPart)] == ["a", "b"]
    assert again[1] == signed


def test_a_delta_without_reasoning_leaves_nothing_behind() -> None:
    """Members that are null are taken out, so that they are not mistaken for unknown ones."""
    delta = open_body(b'{"reasoning":null,"reasoning_details":null,"content":"x"}', refuse_request)
    assert read_chunk_reasoning(delta) == []
    assert delta.rest() == {"content": Raw(b'"x"')}


def test_thinking_content_of_other_things_than_text_is_left_alone() -> None:
    """A thinking part that holds references is not flattened; it stays foreign."""
    for raw in (b'{"type":"thinking","thinking":[{"type":"reference"}]}', b'{"type":"thinking"}'):
        assert read_thinking_content(open_body(raw, refuse_request)) is None
