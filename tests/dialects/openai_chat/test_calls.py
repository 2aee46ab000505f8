"""Tool calls from fragments: every way of numbering them met in the wild gives the same calls."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.core.chat import ToolCallPart
from asbru.core.reply import PartDelta, PartStart
from asbru.dialects.fields import Fields, open_body
from asbru.dialects.openai_chat.calls import Calls
from asbru.dialects.openai_chat.types import REFUSE_REPLY


def fields(delta: Any) -> Fields:
    return open_body(msgspec.json.encode(delta), REFUSE_REPLY)


def read(*deltas: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of the calls that the fragments make."""
    counter = iter(range(100))
    calls = Calls(0, "made", lambda: next(counter))
    found: dict[int, tuple[ToolCallPart, list[str]]] = {}
    for delta in deltas:
        for event in calls.read(fields(delta)):
            if isinstance(event, PartStart) and isinstance(event.part, ToolCallPart):
                found[event.index] = (event.part, [])
            elif isinstance(event, PartDelta) and event.text is not None:
                found[event.index][1].append(event.text)
    return [(part.id, part.name, "".join(texts)) for part, texts in found.values()]


def one(arguments: str | dict[str, int] | None = None, name: str | None = None, **members: Any) -> dict[str, Any]:
    return {"tool_calls": [{"function": {"name": name, "arguments": arguments}, **members}]}


TWO = [("a", "f", "{}"), ("b", "g", "[]")]
NAMELESS = [("made_0", "f", "{}"), ("made_1", "g", "[]")]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([one("", "f", index=0, id="a"), one("{}", index=0), one("", "g", index=1, id="b"),
         one("[]", index=1)], TWO),
        ([one("", "f", index=0, id="a"), one("", "g", index=1, id="b"), one("[]", index=1),
         one("{}", index=0)], TWO),
        ([one("{}", "f", index=0, id="a"), one("[]", "g", index=0, id="b")], TWO),
        ([one("{", "f", index=0, id="a"), one("[", "g", index=0, id="b"), one("}", index=0, id="a"),
          one("]", index=0, id="b")], TWO),
        ([one("{", "f", index=0, id="a"), one("}", index=0, id=None, type=None),
         one("[]", "g", index=1, id="b")], TWO),
        ([one("{", "f", index=0, id="a"), one("}", "f", index=0, id="a"),
         one("[]", "g", index=1, id="b")], TWO),
        ([one("{", "f", index=0, id="a"), one("}", index=0, id="renewed"),
         one("[]", "g", index=1, id="b")], TWO),
        ([one("{", "f", id="a"), one("}"), one("[", "g", id="b"), one("]")], TWO),
        ([one("{", "f"), one("}"), one("[]", "g")], NAMELESS),
        ([one("{}", "f", index=0, id=""), one("[]", "g", index=0, id="")], NAMELESS),
        ([one("{}", "f", index=0), one("{}", "f", index=0)], [("made_0", "f", "{}"), ("made_1", "f", "{}")]),
        ([one("{", "f", index=0), one("}", "f", index=0)], [("made_0", "f", "{}")]),
        ([one(None, None, index=0), {"tool_calls": []}], []),
        ([one({"a": 1}, "f", index=0, id="a")], [("a", "f", '{"a":1}')]),
        ([one(None, "f", index=0, id="a"), one("{}", index=0)], [("a", "f", "{}")]),
        ([{"function_call": {"name": "f", "arguments": {"a": 1}}}], [("made_0", "f", '{"a":1}')]),
        ([{"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}}],
         [("made_0", "f", "{}")]),
        ([{"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}]}],
         [("a", "f", "x")]),
        ([{"tool_calls": [{"index": 0, "id": "a", "type": "function", "custom": {"name": "", "input": ""},
                           "function": {"name": "f", "arguments": "x"}}]}], [("a", "f", "x")]),
    ],
)  # fmt: skip
def test_fragments_find_their_call(deltas: list[dict[str, Any]], expected: list[tuple[str, str, str]]) -> None:
    """Shared, missing, interleaved or repeated indexes and ids, legacy and custom calls, arguments that are an object
    or null all come out right."""
    assert read(*deltas) == expected
