"""Parts that another dialect does not know, said in words: no result of a tool goes to a model empty."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.traits import Traits
from asbru.dialects import discover

DIALECTS = {one.name: one for one in discover().values() if one.operation("chat") is not None}
FOUND = {"source": "https://a.example", "title": "A page", "content": [{"text": "the words"}]}
CALL = {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {}}}


def converse(*content: dict[str, Any]) -> bytes:
    """A request of the Converse API in which a tool has returned `content`."""
    messages = [
        {"role": "user", "content": [{"text": "q"}]},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "call_1", "content": [*content]}}]},
    ]
    tool = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    return json.dumps({"messages": messages, "toolConfig": {"tools": [tool]}}).encode()


def written(source: str, body: bytes, target: str) -> tuple[str, list[str]]:
    """A request of one dialect as another sends it, and its notes."""
    asked = DIALECTS[source].chat.read_request(body)
    done = DIALECTS[target].chat.write_request(asked, "m", Traits())
    return done.body.decode(), [str(note) for note in done.notes]


@pytest.mark.parametrize("target", sorted(DIALECTS.keys() - {"bedrock_converse"}))
@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"json": {"degrees": 21}}, "degrees"),
        ({"searchResult": FOUND}, "the words"),
        ({"guardContent": {"text": {"text": "guarded words"}}}, "guarded words"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_what_a_tool_returned_reaches_the_model(target: str, block: dict[str, Any], says: str) -> None:
    """A block that only the Converse API knows goes to a model behind another dialect as text, and that is noted."""
    body, notes = written("bedrock_converse", converse(block), target)
    assert says in body
    assert not [note for note in notes if note.startswith("dropped") and next(iter(block)) in note]
    assert any(note.startswith("changed messages[2].parts[0].parts[0]") for note in notes)


@pytest.mark.parametrize("target", sorted(DIALECTS.keys() - {"anthropic_messages", "bedrock_invoke"}))
def test_what_a_user_searched_reaches_the_model(target: str) -> None:
    """A search result among what a user says, and a tool that a tool has found, are said in words."""
    result = {"type": "search_result", **FOUND, "content": [{"type": "text", "text": "the words"}]}
    reference = {"type": "tool_reference", "tool_name": "calendar"}
    messages = [
        {"role": "user", "content": [result, {"type": "text", "text": "q"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": [reference]}]},
    ]
    asked = {"model": "m", "max_tokens": 9, "messages": messages, "tools": [{"name": "f", "input_schema": {}}]}
    body, _ = written("anthropic_messages", json.dumps(asked).encode(), target)
    assert "the words" in body
    assert "The tool calendar is available." in body
